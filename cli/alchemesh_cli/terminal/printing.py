"""The output of commands: cleaned, in any encoding, and never the reason of a failure.

All output goes through the two streams of :func:`protected`. They clean the text (`base/printable.py`), write marks in
ASCII on a terminal that is not UTF-8, and continue when the reader has closed the pipe. A deployment that succeeded
must not fail because its display failed.
"""

from __future__ import annotations

import codecs
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

from alchemesh_platform.base.packages.conduct import is_muted, speaker
from alchemesh_platform.base.printable import clean, escaped

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook, RenderResult

IN_ASCII = "alchemesh"  # name of the error handler
# Mark: its form where the encoding lacks it. Marks of the same place stay different.
_ASCII = {
    "✓": "ok", "✗": "x", "±": "+/-", "↩": "<-", "→": "->", "·": "-", "…": "...", "–": "-", "●": "*", "○": "o",
    "├": "|", "└": "`", "│": "|", "─": "-",
    "▁": "_", "▂": ",", "▃": "~", "▄": "=", "▅": "+", "▆": "*", "▇": "#",
}  # fmt: skip

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36"}

# A style in a text is marked with a value that no other text can contain: it is new in each process.
_NONCE = os.urandom(8).hex()
_STYLES = re.compile(f"\ufdd0{_NONCE}([0-9;]*)\ufdd1")


def styled(text: str, *, bold: bool = False, dim: bool = False, fg: str | None = None) -> str:
    """A text with a style, for :func:`click.echo`; cleaned. A pipe or a file gets the text alone."""
    codes = [*(["1"] if bold else []), *(["2"] if dim else []), *([_COLOURS[fg]] if fg else [])]
    return f"{_mark(';'.join(codes))}{clean(text)}{_mark('0')}" if codes else clean(text)


def raw_output(text: str) -> None:
    """Write a text as it is on stdout, for another program: NUL and control characters in names stay."""
    stream = sys.stdout.raw if isinstance(sys.stdout, Stream) else sys.stdout
    stream.write(text)
    stream.flush()


def console(*, stderr: bool = False, highlight: bool = True) -> Console:
    """A console of rich that cleans its output."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    file = stream.raw if isinstance(stream, Stream) else Stream(stream, cleans=False)
    made = Console(file=cast("TextIO", file), highlight=highlight)
    made.push_render_hook(cast("RenderHook", _CleaningHook()))
    return made


def captured(like: Console, draw: Callable[[Console], None]) -> str:
    """The lines that a function prints on a console of the same width and colours: cleaned, with their styles."""
    from io import StringIO

    from rich.console import Console

    written = StringIO()
    made = Console(
        file=written,
        force_terminal=like.is_terminal,
        color_system=cast("Any", like.color_system),
        width=like.width,
        highlight=False,
    )
    made.push_render_hook(cast("RenderHook", _CleaningHook()))
    draw(made)
    return written.getvalue()


def plain(drawn: RenderableType) -> str:
    """Something that rich draws, as cleaned text without styles and without wrapping."""
    from io import StringIO

    from rich.console import Console

    written = StringIO()
    Console(file=written, color_system=None, width=10_000).print(Cleaned(drawn), soft_wrap=True)
    return written.getvalue().rstrip("\n")


class Cleaned:
    """Something that rich draws, with its text cleaned."""

    def __init__(self, drawn: RenderableType) -> None:
        self.drawn = drawn

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it, and clean each part. Parts that only move the cursor are rich's own."""
        from rich.segment import Segment

        for part in console.render(self.drawn, options):
            yield part if part.control else Segment(clean(part.text), part.style)


class _CleaningHook:
    """Cleans each thing that a console prints."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [Cleaned(each) for each in renderables]


class Stream:
    """An output stream that cleans its text, and continues when it cannot be written.

    It has no ``buffer``: no library may write around it.

    Args:
        stream: The stream of the process.
        cleans: Whether it cleans the text; rich writes sequences of its own.
    """

    def __init__(self, stream: TextIO, *, cleans: bool = True) -> None:
        self._stream = stream
        self._cleans = cleans
        self._foreign_line = False  # whether a line of another package's code has not ended
        self.is_lost = False
        self.raw = Stream(stream, cleans=False) if cleans else self

    def write(self, text: str) -> int:
        """Write a text."""
        if not isinstance(text, str):
            raise TypeError("a text is written")
        if name := speaker():
            return _write_foreign(text, name)
        if self._foreign_line:
            self._foreign_line = False
            text = f"\n{text}"
        self._write(text)
        return len(text)

    def write_foreign(self, text: str, name: str) -> None:
        """Write what code of another package prints. Its name begins each line, so that no line is a command."""
        for line in text.splitlines(keepends=True):
            self._write(line if self._foreign_line else f"{name}: {line}")
            self._foreign_line = not line.endswith("\n")

    def _write(self, text: str) -> None:
        shown = shown_text(text, styles=self._stream.isatty()) if self._cleans else text
        try:
            self._stream.write(shown)
        except UnicodeError:
            self._write_plain(shown)
        except (OSError, ValueError) as error:  # nobody reads, the disk is full, or the stream is closed
            self._lose(error)

    def flush(self) -> None:
        """Write the buffered text."""
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._lose(error)

    def writable(self) -> bool:
        """Always: the command continues if nobody reads."""
        return True

    def _write_plain(self, text: str) -> None:
        """Write a text with characters that the encoding lacks, for a stream whose error handler cannot be set."""
        encoding = self._stream.encoding or "ascii"
        try:
            self._stream.write(text.encode(encoding, IN_ASCII).decode(encoding))
        except (OSError, ValueError) as error:
            self._lose(error)

    def _lose(self, _error: Exception) -> None:
        """Drop all further output, also Python's own at its end."""
        self.is_lost = True
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        if name in ("buffer", "detach"):
            raise AttributeError(name)
        return getattr(self._stream, name)


def _write_foreign(text: str, name: str) -> int:
    """Write what code of another package prints on stderr, once: stdout has the result of the command only."""
    stream = sys.stderr
    if not is_muted():
        from alchemesh_platform.base.secrecy.recognise import without_secrets

        shown = without_secrets(text).replace("##[", "# #[")  # GitHub's runner reads it in any line as a command
        if isinstance(stream, Stream):
            stream.write_foreign(shown, name)
    return len(text)


def keep_stdout() -> None:
    """Keep stdout for the command: other code and other processes that write to descriptor 1 write to stderr.

    A terminal stays as it is: it shows both, and no program reads it.
    """
    out = sys.stdout
    with suppress(AttributeError, OSError, ValueError):  # closed, or replaced
        if out.isatty() or out.fileno() != 1:
            return
        out.flush()
        own = os.dup(1)
        os.dup2(2, 1)
        sys.stdout = os.fdopen(own, "w", encoding=out.encoding, errors=out.errors)


@contextmanager
def protected() -> Iterator[tuple[Stream, Stream]]:
    """Protect stdout and stderr while the block runs."""
    before = sys.stdout, sys.stderr
    for stream in before:
        if hasattr(stream, "reconfigure"):
            with suppress(OSError, ValueError):
                stream.reconfigure(errors=IN_ASCII)
    out, err = Stream(before[0]), Stream(before[1])
    sys.stdout, sys.stderr = cast("TextIO", out), cast("TextIO", err)
    try:
        yield out, err
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before


def is_lost() -> bool:
    """Whether a part of the output on stdout could not be written."""
    stream = sys.stdout
    stream.flush()
    return isinstance(stream, Stream) and (stream.is_lost or stream.raw.is_lost)


def shown_text(text: str, *, styles: bool) -> str:
    """A text as a terminal shows it: cleaned, with its styles or without."""
    return _STYLES.sub(lambda found: f"\x1b[{found[1]}m" if styles else "", _clean_around_styles(text))


def _clean_around_styles(text: str) -> str:
    """A cleaned text in which the marks of :func:`styled` stay."""
    if "\ufdd0" not in text:
        return clean(text)
    parts: list[str] = []
    end = 0
    for found in _STYLES.finditer(text):
        parts += [clean(text[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, clean(text[end:])])


def _mark(codes: str) -> str:
    return f"\ufdd0{_NONCE}{codes}\ufdd1"


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """The marks of our screens in ASCII, and other characters as their escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_ASCII.get(char) or escaped(char) for char in lacking), error.end


codecs.register_error(IN_ASCII, _in_ascii)
