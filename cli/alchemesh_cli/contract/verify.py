"""`alchemesh contract verify`: run the business tests of contracts, and show the verdict of each commitment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from alchemesh_cli.commands.observe import Span, cost_options
from alchemesh_cli.commands.report import Moment
from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json
from alchemesh_platform.levels.commitment import NOT_MEASURED, TEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from alchemesh_platform.app.product.verify import Verification, VerifiedPort
    from alchemesh_platform.app.where import Where


@click.command(short_help="Check whether the deployed contracts are kept.")
@where_options
@json_option
@click.option("--timeout", type=Span(), default="10m", show_default=True, help="Time limit for the tests of each port.")
@cost_options
@click.option("--all", "every", is_flag=True, help="Verify every product of the environment.")
@click.option("--at", "at", type=Moment(), help="Show the verdicts of this time, and run no test.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit codes for errors, unknown and at-risk commitments too.")
@click.argument("port", required=False, metavar="[PORT|ADDRESS]")
def verify(
    where: Where,
    as_json: bool,
    timeout: timedelta,
    max_bytes: int,
    max_messages: int,
    every: bool,
    at: datetime | None,
    detailed_exitcode: bool,
    port: str | None,
) -> None:
    """Run the business tests of the deployed contracts on the rows of their ports, record the verdicts, and compare the
    service levels with the measurements.

    Verifies the ports of the product of this folder, one of them, or the port at ADDRESS (domain/product/port). A test
    that has nothing to test is unknown, and a test that cannot be run is an error. Service levels come from the
    measurements of `alchemesh observe`.

    The exit code is 1 if a test of severity error failed or could not be run, or a service level is broken or could not
    be measured; 0 otherwise. With --detailed-exitcode, 1 means broken only: 8 is an error, 9 an unknown or stale
    commitment, and 11 a commitment at risk. The gravest one decides.

    \b
    Examples:
      alchemesh contract verify
      alchemesh contract verify flights-table -e prod --json
      alchemesh contract verify aviation/flights/flights-table
      alchemesh contract verify --at 2026-03-01T12:00:00Z
      alchemesh contract verify --all -e prod --detailed-exitcode    # for a scheduler
    """
    from alchemesh_platform.app.manifest.declared import declared_address
    from alchemesh_platform.app.product.several import deployed_products, on_each
    from alchemesh_platform.app.product.verify import check_verified, verify_at
    from alchemesh_platform.app.product.verify import verify as verify_product
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.identity.identify import identify
    from alchemesh_platform.quality.tables import Limits

    if every and port is not None:
        raise click.UsageError("--all verifies every port: omit PORT")
    product, _, name = (port or "").rpartition("/")
    if product and product.count("/") != 1:
        raise click.UsageError(f"{port!r} is neither a port nor an address, domain/product/port")
    platform = read_platform(where)
    addresses = deployed_products(platform) if every else [product or declared_address(where)]

    def verified(address: str) -> Verification:
        if at is not None:
            return verify_at(platform, address, at.astimezone(UTC), name or None)
        limits, actor = Limits(timeout, max_bytes, max_messages), identify(platform)
        return verify_product(
            platform, address, actor, name or None, limits=limits, note=lambda line: click.echo(line, err=True)
        )

    found = on_each(addresses, verified)
    if as_json and found.done:
        echo_json("verifications", {"products": [each.as_json() for each in found.done]})
    else:
        for each in found.done:
            _show(each)
    found.check()
    check_verified(found.done, detailed=detailed_exitcode)


def _show(done: Verification) -> None:
    from rich.text import Text

    from alchemesh_cli.context_options import next_line
    from alchemesh_cli.terminal.printing import console as console_of
    from alchemesh_platform.base.remedy import command

    console = console_of(highlight=False)
    lines = {one.port: [*_tests(one), *_commitments(one)] for one in done.ports}
    if not any(lines.values()):
        console.print(f"{done.product} has no commitments in {done.environment}", soft_wrap=True)
        return
    width = max(len(name) for some in lines.values() for name, _ in some)
    for one in done.ports:
        console.print(Text.assemble((one.port, "bold"), f"  {one.contract}"), soft_wrap=True)
        for name, line in lines[one.port]:
            console.print(Text.assemble(f"  {name:<{width}}  ", line), soft_wrap=True)
    if any(each.reason == NOT_MEASURED for one in done.ports for each in one.levels):
        console.print(str(next_line(command("observe", done.product))), style="dim", soft_wrap=True)


def _tests(one: VerifiedPort) -> Iterator[tuple[str, Text]]:
    """The tests that were run, each with its name."""
    from rich.text import Text

    from alchemesh_cli.render.status import APART, TESTED
    from alchemesh_platform.base.printable import one_line

    for each in one.verdicts:
        mark, style = TESTED[each.outcome]
        found = f"found {each.found}, expected {each.expected}" if each.found else ""
        facts = [found, one_line(each.reason), "" if each.severity == "error" else f"severity {each.severity}"]
        line = Text.assemble((f"{mark} {each.outcome}", style))
        yield each.test, line.append("".join(f"{APART}{fact}" for fact in facts if fact))


def _commitments(one: VerifiedPort) -> Iterator[tuple[str, Text]]:
    """The service levels, each with its name; and the recorded tests if none was run."""
    from rich.text import Text

    from alchemesh_cli.render.promises import VERDICTS
    from alchemesh_cli.render.status import APART
    from alchemesh_platform.base.printable import one_line

    several = len({each.asset for each in one.commitments if each.asset}) > 1
    for each in one.levels if one.verdicts else one.commitments:
        mark, style = VERDICTS[each.verdict]
        name = each.name.removeprefix(TEST).replace(":", " ").replace("_", " ")
        model = f" {each.asset.rpartition('/')[2]}" if several and each.asset else ""
        facts = [each.value, f"promised {each.promise}", one_line(each.reason)]
        if each.severity != "error":
            facts.append(f"severity {each.severity}")
        line = Text.assemble((f"{mark} {each.verdict.replace('_', ' ')}", style))
        yield f"{name}{model}", line.append("".join(f"{APART}{one_line(fact)}" for fact in facts if fact))
