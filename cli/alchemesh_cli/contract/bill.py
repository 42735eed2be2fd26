"""`alchemesh contract bill`: the bills of consumers for a month."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import json_text
from alchemesh_platform.base.failure import Failure

if TYPE_CHECKING:
    from alchemesh_platform.app.product.bill import Bills
    from alchemesh_platform.app.where import Where


class NotWritten(Failure):
    """Raised when a file cannot be written."""


@click.command(short_help="Show the bills of consumers for a month.")
@where_options
@json_option
@click.option("--period", metavar="YYYY-MM", help="The month.  [default: the current one]")
@click.option("--consumer", metavar="KIND:ADDRESS", help="Show only this consumer: user:amelia@airport.example")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "focus"]),
    default="table",
    show_default=True,
    help="focus is CSV of FOCUS 1.2, the FinOps Open Cost and Usage Specification.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: stdout]"
)
@click.argument("port", required=False, metavar="[PORT|ADDRESS]")
def bill(
    where: Where,
    as_json: bool,
    period: str | None,
    consumer: str | None,
    form: str,
    output: Path | None,
    port: str | None,
) -> None:
    """Show the bills of consumers for a month.

    Shows the ports of the product in this folder, or PORT; or ADDRESS (domain/product/port or domain/product) of any
    product. Those who operate the product see all consumers. Other users see the consumers that they speak for.

    A bill is a draft until 48 hours after the end of its month. Then it is final: usage that arrives later is an
    adjustment on a later bill, and names the line that it corrects. Failed requests and the platform's own probes cost
    nothing.

    \b
    Examples:
      alchemesh contract bill
      alchemesh contract bill flights-table --period 2026-10 -e prod
      alchemesh contract bill aviation/flights/flights-table -e prod      # as a consumer: your own part
      alchemesh contract bill --consumer data_product:operations/punctuality --json
      alchemesh contract bill --period 2026-10 --format focus --output 2026-10.csv
    """
    from alchemesh_platform.app.manifest.declared import declared_address
    from alchemesh_platform.app.product.bill import bill as read_bills
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.billing.period import Period
    from alchemesh_platform.identity.identify import identify

    if as_json and form not in ("table", "json"):
        raise click.UsageError(f"--json cannot be used with --format {form}")
    parts = (port or "").split("/")
    if len(parts) > 3 or not all(parts[1:]) or (port is not None and not parts[0]):  # noqa: PLR2004 - domain/product/port
        raise click.UsageError(f"{port!r} is neither a port nor an address, domain/product/port")
    month = None if period is None else Period.parse(period)
    product = "/".join(parts[:2]) if len(parts) > 1 else declared_address(where)
    name = port if len(parts) == 1 else parts[2] if len(parts) == 3 else None  # noqa: PLR2004
    platform = read_platform(where)
    bills = read_bills(platform, product, identify(platform), name, period=month, consumer=consumer)
    text = _text(bills, "json" if as_json else form)
    if output is None:
        click.echo(text, nl=False)
        return
    from alchemesh_platform.base.files.writing import write_text

    try:
        output.parent.resolve(strict=True)
        write_text(output, text, mode=0o644)
    except OSError as error:
        raise NotWritten(f"cannot write {output}: {error.strerror}", hint="give another --output") from error
    click.echo(f"wrote {output}", err=True)


def _text(bills: Bills, form: str) -> str:
    if form == "json":
        return json_text("bills", bills.as_json()) + "\n"
    if form == "csv":
        from alchemesh_platform.billing.formats.csv_text import bills_text

        return bills_text(bills.bills)
    if form == "focus":
        from alchemesh_platform.billing.formats.focus import focus_text

        return focus_text(bills.bills)
    from alchemesh_cli.render.mesh.bill import bills_page

    return bills_page(bills) + "\n"
