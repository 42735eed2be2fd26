"""The inbox of a user, for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from alchemesh_cli.context_options import complete, with_context_options
from alchemesh_cli.terminal.printing import styled
from alchemesh_platform.base.remedy import command

if TYPE_CHECKING:
    from alchemesh_platform.observed.inbox import Item

_MARKS = {"decision wanted": "?", "broken commitment": "!"}


def inbox_lines(items: Sequence[Item], subject: str, environment: str) -> Iterator[str]:
    """One item each, with its date and the next step."""
    if not items:
        yield f"nothing waits for {subject} in {environment}"
        return
    from alchemesh_platform.base.time_zone import moment_in_utc
    from alchemesh_platform.contracts.notices.period import moment_in_words

    for number, item in enumerate(items):
        if number:
            yield ""
        when = f"due {moment_in_words(item.due)}" if item.due is not None else moment_in_utc(item.at)
        yield f"{_MARKS.get(item.kind, '•')} {styled(item.kind, bold=True)}  {when}"
        yield f"  {styled(item.sentence)}"
        if item.remedy is not None:
            yield f"  next: {with_context_options(item.remedy)}"


def inbox_summary(items: Sequence[Item]) -> str:
    """One line about the inbox, for the status of a product."""
    kinds = Counter(item.kind for item in items)
    counted = ", ".join(f"{number} × {kind}" for kind, number in kinds.items())
    return f"inbox: {counted}; {complete(command('inbox'))} shows them"
