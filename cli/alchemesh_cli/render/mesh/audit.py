"""The audit log, in plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alchemesh_cli.render.text.quantities import at
from alchemesh_cli.terminal.printing import styled
from alchemesh_platform.registry.audit import Checked, Link


def entries(count: int) -> str:
    """A number of entries."""
    return f"{count:,} {'entry' if count == 1 else 'entries'}"


def audit_lines(links: Sequence[Link]) -> Iterator[str]:
    """One entry per line, with its reason below it."""
    if not links:
        yield "no entries yet"
        return
    digits = len(str(links[0].number))
    operations = max(len(link.act.operation) for link in links)
    actors = max(len(link.act.actor) for link in links)
    for link in links:
        act = link.act
        about = (
            act.address if not act.product or act.address.startswith(act.product) else f"{act.address} {act.product}"
        )
        yield (
            f"{link.number:>{digits}}  {at(act.at)}  {styled(f'{act.operation:<{operations}}', bold=True)}  "
            f"{act.actor:<{actors}}  {about}"
        )
        if act.reason:
            yield f"{'':>{digits}}  {act.reason}"


def check_lines(checked: Checked) -> Iterator[str]:
    """The result of verifying the audit log, and its head."""
    if checked.broken:
        numbers = ", ".join(str(number) for number in checked.broken)
        yield f"{styled('✗', fg='red')} broken: the digest in entry {numbers} does not match the entry before it"
    if checked.expect is not None and checked.expected_at is None:
        removed = "entries were removed at the end"
        yield f"{styled('✗', fg='red')} missing: no entry has the digest {checked.expect}; {removed}"
    if checked.moved_clock:
        numbers = ", ".join(str(number) for number in checked.moved_clock)
        yield f"{styled('!', fg='yellow')} moved clock: entry {numbers} is earlier than the entry before it"
    if checked.is_whole:
        after = f", {entries(checked.acts - checked.expected_at)} after the expected one" if checked.expected_at else ""
        yield f"{styled('✓', fg='green')} {entries(checked.acts)}, each digest matches the entry before it{after}"
    yield f"head  {checked.head}"
