"""Who did what, in plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from alchemesh_cli.render.quantities import at, counted
from alchemesh_platform.registry.audit import Checked, Link


def audit_lines(links: Sequence[Link]) -> Iterator[str]:
    """One act a line, and its reason below it."""
    if not links:
        yield "nothing was done here yet"
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
            f"{link.number:>{digits}}  {at(act.at)}  {click.style(f'{act.operation:<{operations}}', bold=True)}  "
            f"{act.actor:<{actors}}  {about}"
        )
        if act.reason:
            yield f"{'':>{digits}}  {act.reason}"


def check_lines(checked: Checked) -> Iterator[str]:
    """What came of checking the chain, and its head to be kept elsewhere."""
    if checked.broken:
        numbers = ", ".join(str(number) for number in checked.broken)
        yield f"{click.style('✗', fg='red')} broken: act {numbers} does not fit the one before it"
    if checked.expect is not None and checked.expected_at is None:
        yield f"{click.style('✗', fg='red')} missing: no act has the digest {checked.expect}; the end was taken off"
    if checked.is_whole:
        after = (
            f", {counted(checked.acts - checked.expected_at, 'act')} after the expected one"
            if checked.expected_at
            else ""
        )
        yield f"{click.style('✓', fg='green')} {counted(checked.acts, 'act')}, each fits the one before it{after}"
    yield f"head  {checked.head}"
