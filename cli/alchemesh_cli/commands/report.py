"""`alchemesh report`: report the state of a product, or the quality and freshness of its models."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alchemesh_cli.commands.observe import Span
from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.platform_file.models import Platform

COUNTS = re.compile(r"(\d{1,18})/(\d{1,18})")
STDOUT = "-"
RATIOS = ("completeness", "validity", "uniqueness", "accuracy", "timeliness")


class Counts(click.ParamType[tuple[int, int]]):
    """Two counts: ``990/1000``."""

    name = "GOOD/TOTAL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Both counts."""
        if isinstance(value, tuple):
            return value
        found = COUNTS.fullmatch(value)
        if found is None:
            self.fail(f"{value!r} is not two counts, such as 990/1000", param, ctx)
        return int(found[1]), int(found[2])


def in_years(
    kind: click.ParamType[datetime],
    found: datetime,
    value: str,
    param: click.Parameter | None,
    ctx: click.Context | None,
) -> datetime:
    """A time in UTC, if it is a time of the years 1 to 9999 there."""
    try:
        return found.astimezone(UTC)
    except OverflowError:
        kind.fail(f"{value!r} is before the year 1 or after the year 9999 in UTC", param, ctx)


class Moment(click.ParamType[datetime]):
    """A time with its zone, in ISO 8601."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The time."""
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time, such as 2026-03-01T12:00:00Z", param, ctx)
        if found.tzinfo is None:
            self.fail(f"{value!r} has no time zone: write {found.isoformat()}Z for UTC", param, ctx)
        return in_years(self, found, value, param, ctx)


def _reasons(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for value in values:
        measure, mark, reason = value.partition("=")
        if not mark or not reason.strip():
            raise click.BadParameter(f"{value!r} is not MEASURE=REASON")
        found[measure] = reason.strip()
    return found


@click.command(short_help="Report the state of a product, or the quality of its data.")
@where_options
@json_option
@click.option("--product", metavar="ADDRESS", help="The product, domain/product.  [default: that of the manifest here]")
@click.option("--state", type=click.Choice(["operational", "in_incident", "down"]), help="State of the product.")
@click.option("--note", default="", help="A note on the state.")
@click.option("--completeness", type=Counts(), help="Required cells that are not null, and all required cells.")
@click.option("--validity", type=Counts(), help="Cells that fulfil their conditions, and all that have some.")
@click.option("--uniqueness", type=Counts(), help="Distinct keys, and rows with a key.")
@click.option("--accuracy", type=Counts(), help="Rows that equal the reference, and compared rows.")
@click.option("--timeliness", type=Counts(), help="Rows that arrived in time, and rows with both times.")
@click.option("--newest-event", type=Moment(), help="The newest event time of the rows.")
@click.option("--nothing-new", is_flag=True, help="The source was read and had nothing new.")
@click.option(
    "--unknown",
    multiple=True,
    metavar="MEASURE=REASON",
    callback=_reasons,
    help="It could not be measured; repeatable.",
)
@click.option("--at", "measured_at", type=Moment(), help="Time of the measurement.  [default: now]")
@click.option("--id", "report_id", help="Id of the report.  [default: follows from subject, measure and time]")
@click.option(
    "--html",
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
    help="Write a page about the product instead; - for stdout.  [default file: DOMAIN.PRODUCT.html]",
)
@click.option(
    "--since", type=Span(), help="Length of the history in the page.  [default: 30d, or less for a younger product]"
)
@click.argument("subject", required=False, metavar="[PORT/MODEL]")
def command(
    where: Where,
    as_json: bool,
    product: str | None,
    subject: str | None,
    state: str | None,
    note: str,
    newest_event: datetime | None,
    nothing_new: bool,
    unknown: dict[str, str],
    measured_at: datetime | None,
    report_id: str | None,
    html: str | None,
    since: timedelta | None,
    **ratios: tuple[int, int] | None,
) -> None:
    """Report the state of a product, or the quality and freshness of one of its models; or write its page.

    `alchemesh status` shows the newest report of each measure. A report is accepted once: the same one again changes
    nothing, and another content under the same id is refused. If the registry is away, the report waits on this machine
    for the next report or run.

    With --html, it reports nothing and writes one page of HTML about the product: its state, promise and truth of each
    commitment, and plots of the history. The page is one file that loads nothing else.

    \b
    Examples:
      alchemesh report --state in_incident --note "the airline's feed is late"
      alchemesh report flights-table/flight --completeness 990/1000 --newest-event 2026-03-01T11:58:00Z
      alchemesh report flights-table/flight --nothing-new
      alchemesh report flights-table/flight --unknown accuracy="the reference is offline"
      alchemesh report --html flights.html --since 90d
    """
    from alchemesh_platform.app.manifest.declared import declared_address
    from alchemesh_platform.app.product.report import report
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.identity.identify import identify
    from alchemesh_platform.measures.report import reports_of

    platform = read_platform(where)
    address = product or declared_address(where)
    if html is not None:
        values = (subject, state, note, newest_event, nothing_new, unknown, measured_at, report_id, *ratios.values())
        if any(values):
            raise click.UsageError("--html writes a page and reports nothing: omit the values")
        _write_page(platform, address, html, since, as_json=as_json)
        return
    if since is not None:
        raise click.UsageError("--since is about the page of --html")
    reports = reports_of(
        address,
        subject,
        state=state,
        note=note,
        ratios={name: counts for name, counts in ratios.items() if counts is not None},
        newest_event=newest_event,
        nothing_new=nothing_new,
        unknown=unknown,
        measured_at=measured_at,
        id=report_id,
        now=datetime.now(UTC),
    )
    result = report(platform, address, identify(platform), reports)
    if as_json:
        echo_json("report", result.as_json())
    else:
        _show(result, len(reports))
    result.check()


def _write_page(platform: Platform, address: str, name: str, since: timedelta | None, *, as_json: bool) -> None:
    from alchemesh_cli.terminal.printing import raw_output
    from alchemesh_platform.app.product.page import page_of, write_page

    if name == STDOUT and as_json:
        raise click.UsageError("--json and --html - both write on stdout: give a file")
    page = page_of(platform, address, since)
    if name == STDOUT:
        raw_output(page.html)
        return
    file = Path(name or f"{address.replace('/', '.')}.html")
    write_page(page, file)
    if as_json:
        echo_json("report-page", {"file": str(file), **page.as_json()})
    else:
        click.echo(f"wrote {file}: {', '.join(_facts(page.verdicts, page.series))}")


def _facts(verdicts: dict[str, int], series: int) -> list[str]:
    commitments = [f"{number} {verdict.replace('_', ' ')}" for verdict, number in verdicts.items()]
    return [*(commitments or ["no commitments"]), f"{series} plots" if series != 1 else "1 plot"]


def _show(result: Any, number: int) -> None:
    if result.waiting:
        click.echo(f"the registry is away, so {result.waiting} wait here for the next report or run: {result.reason}")
    elif result.accepted or result.repeated:
        known = f", {len(result.repeated)} known already" if result.repeated else ""
        click.echo(f"{len(result.accepted)} of {number} accepted{known}")
