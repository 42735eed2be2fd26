"""`alchemesh usage`: show the usage of output ports by consumer, protocol and version."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from alchemesh_cli.commands.report import in_years
from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


class Since(click.ParamType[datetime]):
    """A time in the past: a date, a time with its zone, or an age such as ``24h`` or ``30d``."""

    name = "TIME|AGE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The time. A date begins in UTC."""
        from alchemesh_platform.base.units import parse_duration

        if isinstance(value, datetime):
            return value
        try:
            return datetime.now(UTC) - parse_duration(value)
        except (ValueError, OverflowError):
            pass
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"found {value!r}, expected a date such as 2026-03-01, or an age such as 24h or 30d", param, ctx)
        if found.tzinfo is None and len(value) > len("2026-03-01"):
            self.fail(f"{value!r} has no time zone: write {value}Z for UTC", param, ctx)
        return in_years(self, found if found.tzinfo is not None else found.replace(tzinfo=UTC), value, param, ctx)


@click.command(short_help="Show the usage of output ports by consumer.")
@where_options
@json_option
@click.option("--since", type=Since(), default="30d", show_default=True, help="First hour: a date, a time or an age.")
@click.option("--until", type=Since(), help="End: a date, a time or an age.  [default: now]")
@click.argument("address", required=False, metavar="[PORT|ADDRESS]")
def command(where: Where, as_json: bool, since: datetime, until: datetime | None, address: str | None) -> None:
    """Show the usage of output ports by consumer, protocol and version of the contract.

    Shows the ports of the product of this folder, or one of them, or the product or port at ADDRESS (domain/product,
    domain/product/port). Reads the gateways first. Members of the product's team see all consumers. Others see the
    consumers that they belong to. Hours are in UTC.

    \b
    Examples:
      alchemesh usage
      alchemesh usage flights-table --since 7d
      alchemesh usage aviation/flights --since 2026-03-01 --until 2026-04-01 --json
    """
    from alchemesh_cli.render.usage import usage_text
    from alchemesh_platform.app.manifest.declared import declared_address
    from alchemesh_platform.app.usage.show import usage
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.identity.identify import identify

    if since > datetime.now(UTC):
        raise click.UsageError("--since is not in the past")
    if until is not None and until <= since:
        raise click.UsageError("--until is not later than --since")
    asked = address or declared_address(where)
    if "/" not in asked:
        asked = f"{declared_address(where)}/{asked}"
    platform = read_platform(where)
    found = usage(platform, identify(platform), asked, since, until)
    if as_json:
        echo_json("usage", found.as_json())
    else:
        for line in usage_text(found):
            click.echo(line)
