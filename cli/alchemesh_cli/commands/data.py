"""`alchemesh data`: erase rows of a port, and the data that stayed when its product or port was removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json
from alchemesh_cli.options import take_over_option, yes_option

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.sdk.system.retained import Found

HEADS = ("address", "kind", "contents", "name")
LEFT = (
    "the rest is left: delete it with the means of its service, or deploy the product with `keep_on_destroy: false` "
    "for its port or need, then run `destroy`"
)


@click.group(short_help="Erase rows; list and delete data of removed products and ports.")
def command() -> None:
    """Erase rows of a port; list and delete data of removed products and ports.

    `destroy` keeps the data of a product, and `up` the data of a port that is no longer declared. A later `up` with
    the same names uses it again.

    \b
    Examples:
      alchemesh data list
      alchemesh data delete retail/orders/sales-table
      alchemesh data erase sales-table --where "customer_id = 7"
    """


@command.command("list", short_help="List data that no deployed port has.")
@where_options
@json_option
@click.argument("address", required=False)
def list_(where: Where, as_json: bool, address: str | None) -> None:
    """List data that no deployed port has.

    ADDRESS is a product, a port or a model: domain/product, domain/product/port, domain/product/port/model.

    \b
    Examples:
      alchemesh data list
      alchemesh data list retail/orders -e dev --json
    """
    from alchemesh_cli.render.text.table import table_lines, terminal_width
    from alchemesh_platform.app.product.data import retained
    from alchemesh_platform.app.where import read_platform

    found = retained(read_platform(where), address)
    _report(found)
    if as_json:
        data = [one.as_json() for one in found.data]
        echo_json("retained-data", {**where.as_json(), "retained": data})
    elif found.data:
        rows = [(one.owner, one.kind, one.contents, one.name) for one in found.data]
        for line in table_lines(HEADS, rows, terminal_width()):
            click.echo(line)
    else:
        click.echo(f"no data of a removed product or port in {where.environment}", err=True)


@command.command(short_help="Delete data that no deployed port has, for good.")
@where_options
@json_option
@click.argument("address")
@yes_option
@take_over_option
def delete(where: Where, as_json: bool, address: str, confirmed: bool, take_over: str | None) -> int:
    """Delete data that no deployed port has, for good.

    ADDRESS is a product, a port or a model: domain/product, domain/product/port, domain/product/port/model. Requires
    the right to destroy the product. The audit log records it.

    \b
    Examples:
      alchemesh data delete retail/orders/sales-table
      alchemesh data delete retail/orders -e dev --yes
    """
    from alchemesh_cli.render.run.events import report, showing
    from alchemesh_cli.terminal.asking import confirm
    from alchemesh_platform.app.product.data import delete as delete_data
    from alchemesh_platform.app.product.data import retained
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.base.failure import ExitCode
    from alchemesh_platform.identity.identify import identify

    platform = read_platform(where)
    found = retained(platform, address)
    _report(found)
    deletable = [one for one in found.data if one.is_deletable]
    done = []
    if deletable:
        for one in deletable:
            contents = f", {one.contents}" if one.contents else ""
            click.echo(f"{one.owner}  {one.kind}{contents}: {one.name}", err=True)
        confirm(f"Delete this data of {address} from {where.environment} for good?", confirmed)
        with showing(where, "data delete", as_json=as_json) as shown:
            done = delete_data(platform, deletable, identify(platform), take_over=take_over, listen=shown)
    else:
        report(f"no data of {address} to delete in {where.environment}")
    if len(found.data) > len(deletable):
        report(f"note: {LEFT}")
    if as_json:
        document = {**where.as_json(), "deleted": [one.as_json() for one in done]}
        echo_json("deleted-data", document)
    return ExitCode.DONE


@command.command(short_help="Erase rows of an output port for good, on request of a person.")
@where_options
@json_option
@click.argument("port")
@click.option("--where", "predicate", metavar="SQL", required=True, help="The rows: a condition on the columns.")
@click.option("--model", help="The model, if the port has several.")
@click.option("--reason", default="", help="The reason, such as the number of the request; the audit log records it.")
@yes_option
@take_over_option
def erase(
    where: Where,
    as_json: bool,
    port: str,
    predicate: str,
    model: str | None,
    reason: str,
    confirmed: bool,
    take_over: str | None,
) -> int:
    """Erase rows of an output port for good, on request of a person.

    PORT is the name of a port of the product in this folder, or domain/product/port. Its storage must be Delta tables
    of this machine, BigQuery tables, or Parquet files in a bucket.

    Deletes the rows, waits until the serving copy is without them, and removes the files of all former versions of the
    table. BigQuery keeps former versions itself for some days. Lists the places that it does not reach, such as copies
    of consumers. The command can be repeated: it then
    finishes an erasure that was interrupted. Requires the right to destroy the product. The audit log records the
    condition and the number of rows, never the rows.

    \b
    Examples:
      alchemesh data erase sales-table --where "customer_id = 7" --reason "request 2026-118"
      alchemesh data erase retail/orders/sales-table --where "customer_id = 7" -e dev --yes
    """
    from alchemesh_cli.context_options import complete
    from alchemesh_cli.render.run.events import report, showing
    from alchemesh_cli.terminal.asking import confirm
    from alchemesh_platform.app.product import erasure
    from alchemesh_platform.app.where import product_address, read_platform
    from alchemesh_platform.base.failure import ExitCode
    from alchemesh_platform.base.remedy import Command
    from alchemesh_platform.identity.identify import identify

    platform = read_platform(where)
    actor = identify(platform)
    address = port if "/" in port else f"{product_address(where)}/{port}"
    found = erasure.erasable(platform, actor, address, predicate, model=model, take_over=take_over)
    rows = f"{found.rows:,} {'row' if found.rows == 1 else 'rows'}"
    table = f"{found.port}/{found.model}"
    report(f"{table}: {rows} fit {predicate}")
    confirm(f"Erase {rows}, and all former versions of {table} in {where.environment}, for good?", confirmed)
    with showing(where, "data erase", as_json=as_json) as shown:
        done = erasure.erase(platform, actor, found, reason=reason, take_over=take_over, listen=shown)
    if found.unreached:
        report("not reached:")
    for place in found.unreached:
        report(f"  {place.kind} {place.address}: {place.sentence}")
    if done.copy_problem:
        report(f"warning: the serving copy of {found.port} may still have the rows: {done.copy_problem}")
        report(f"fix: start it with {complete(Command(('refresh',)))}, then repeat this command")
    if as_json:
        document = {
            **where.as_json(),
            "port": found.port,
            "model": found.model,
            "where": predicate,
            "rows": done.rows,
            "files": done.files,
            "copy": done.copy,
            "copy_problem": done.copy_problem or None,
            "unreached": [place.as_json() for place in found.unreached],
        }
        echo_json("erased-rows", document)
    return ExitCode.FAILED if done.copy_problem else ExitCode.DONE


def _report(found: Found) -> None:
    from alchemesh_cli.render.run.events import report

    for failure in found.unsearched:
        report(f"warning: {failure.message}")
