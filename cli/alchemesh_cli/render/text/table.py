"""Tables in plain text: as wide as the terminal, and one line for each row in a pipe or file."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from alchemesh_platform.base.printable import one_line

APART = "  "
LEAST_WIDTH = 36  # columns that the last cell needs; with fewer left, it is moved below its row


def terminal_width() -> int | None:
    """Columns of the terminal that stdout is; None when it is a pipe or a file."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table_lines(heads: Sequence[str], rows: Iterable[Sequence[str]], width: int | None) -> Iterator[str]:
    """One line for each row under the heads, columns aligned.

    Args:
        heads: Names of the columns; they are written in capitals.
        rows: Cells, as many as there are heads.
        width: Available columns. Last cells that do not fit are wrapped, or moved below their row where there is too
            little room; other cells that do not fit are moved below their row with their names. None for no wrapping.
    """
    table = [tuple(head.upper() for head in heads), *(tuple(map(one_line, row)) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads) - 1)]
    taken = sum(each + len(APART) for each in widths)
    longest = max(len(row[-1]) for row in table)
    below = width is not None and taken + longest > width and width - taken < LEAST_WIDTH
    if width is not None and below and taken - len(APART) > width:
        yield from _folded(heads, table, widths, width)
        return
    for at, row in enumerate(table):
        first = "".join(f"{cell:<{each}}{APART}" for cell, each in zip(row, widths, strict=False))
        if not below:
            yield from hanging(first, row[-1], width)
            continue
        yield first.rstrip()
        if at:  # below a row, the cell needs no head
            yield from hanging(APART, row[-1], width)


def _folded(heads: Sequence[str], table: Sequence[tuple[str, ...]], widths: Sequence[int], width: int) -> Iterator[str]:
    """The first columns that fit, and below each row its other cells with their heads."""
    ends = accumulate(each + len(APART) for each in widths)
    fitting = max(sum(end - len(APART) <= width for end in ends), 1)
    for at, row in enumerate(table):
        cells = zip(row[:fitting], widths, strict=False)
        yield APART.join(f"{cell:<{each}}" for cell, each in cells).rstrip()
        if at:
            others = [(head, cell) for head, cell in zip(heads[fitting:], row[fitting:], strict=True) if cell]
            yield from pair_lines(others, width)


def pair_lines(pairs: Iterable[tuple[str, str]], width: int | None) -> Iterator[str]:
    """One indented line for each name and text; long texts are wrapped."""
    rows = list(pairs)
    names = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        yield from hanging(f"{APART}{name:<{names}}{APART}", text, width)


def hanging(first: str, text: str, width: int | None) -> Iterator[str]:
    """A text after a first part; its further lines are indented to the text."""
    if width is None:
        yield f"{first}{text}".rstrip()
        return
    room = max(width - len(first), 1)
    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    for at, line in enumerate(lines):
        yield f"{first if at == 0 else ' ' * len(first)}{line}".rstrip()
