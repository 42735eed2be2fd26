"""`alchemesh contract`: contracts of output ports, and the effect of their changes on consumers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.context_options import with_context_options
from alchemesh_cli.contract.bill import bill
from alchemesh_cli.contract.maintenance import maintenance
from alchemesh_cli.contract.notices import notice, notices
from alchemesh_cli.contract.verify import verify
from alchemesh_cli.documents import echo_json
from alchemesh_platform.base.failure import ExitCode, Failure

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


class NotWritten(Failure):
    """Raised when a file cannot be written."""


@click.group(short_help="Show, compare, verify, bill, export and import contracts of output ports.")
def command() -> None:
    """Show, compare, verify, bill, export and import contracts of output ports.

    \b
    Examples:
      alchemesh contract show
      alchemesh contract diff flights-table
      alchemesh contract verify
      alchemesh contract bill --period 2026-10
      alchemesh contract notice flights-table breaking-change
      alchemesh contract maintenance list
      alchemesh contract export flights-table --output flights-table.odcs.yaml
      alchemesh contract export flights-table --results      # with the newest result of each business test
      alchemesh contract import orders.odcs.yaml
    """


@command.command(short_help="Show the contracts of output ports.")
@where_options
@json_option
@click.argument("port", required=False, metavar="[PORT|ADDRESS]")
def show(where: Where, as_json: bool, port: str | None) -> None:
    """Show the contracts of output ports, with their versions and notices.

    Shows all ports of the product in this folder, or PORT; or the port at ADDRESS (domain/product/port) of any product,
    as recorded in the environment.

    \b
    Examples:
      alchemesh contract show
      alchemesh contract show flights-table --json
      alchemesh contract show aviation/flights/flights-table -e prod
    """
    from datetime import UTC, datetime

    from alchemesh_cli.contract.manifest import named_in_manifest
    from alchemesh_cli.render.mesh.contract import port_document, port_page
    from alchemesh_cli.render.text.environment import environment_in_words
    from alchemesh_platform.app.mesh.contracts import show as show_ports
    from alchemesh_platform.app.where import read_platform

    manifest = named_in_manifest(where, port)
    ports = show_ports(read_platform(where), manifest, port)
    if as_json:
        document = {**where.as_json(), "ports": [port_document(each) for each in ports]}
        echo_json("contracts", document)
        return
    now, environment = datetime.now(UTC), environment_in_words(where)
    pages = [port_page(each, environment, now) for each in ports]
    click.echo("\n\n".join(pages) or "the product has no output port")


@command.command(short_help="Compare contracts with the recorded ones.")
@where_options
@json_option
@click.argument("port", required=False)
@click.option("--against", metavar="VERSION", help="A recorded version.  [default: the deployed one]")
@click.option("--strict", is_flag=True, help="Fail with exit code 4 on a change that must wait for consumers.")
def diff(
    where: Where,
    as_json: bool,
    port: str | None,
    against: str | None,
    strict: bool,
) -> ExitCode | None:
    """Compare the contracts of this folder's product with the recorded ones.

    Each change is classified by its effect on consumers. A breaking change needs a new major version, a compatible one
    a new minor version. Exit code 4 means that a version is too low, or that a lifecycle step is not allowed. A change
    that must wait for consumers is a warning with the consumers and the date; with --strict it has exit code 4 too.
    Exit code 7 means that nothing is recorded to compare with. With --against, changes since that VERSION are shown
    and not checked.

    \b
    Examples:
      alchemesh contract diff
      alchemesh contract diff flights-table -e prod
      alchemesh contract diff flights-table --against 1.0.0
      alchemesh contract diff -e prod --strict   # in a merge request
      alchemesh contract diff --json | jq '.ports[].changes[] | select(.kind == "breaking")'
    """
    from alchemesh_cli.render.mesh.contract import diff_page
    from alchemesh_cli.render.text.environment import environment_in_words
    from alchemesh_platform.app.mesh.contracts import diff as compare
    from alchemesh_platform.app.where import manifest_of, read_platform
    from alchemesh_platform.base.problems import errors_of

    if against is not None and port is None:
        raise click.UsageError("--against needs a PORT: each port has its own versions")
    manifest = manifest_of(where)
    found = compare(read_platform(where), manifest, port, against=against, strict=strict)
    if as_json:
        document = {
            **where.as_json(),
            "recorded": found.is_recorded,
            "ports": [step.as_json() for step in found.steps],
            "problems": [problem.as_json() for problem in found.problems],
        }
        echo_json("contract-diff", document)
    else:
        environment = environment_in_words(where)
        click.echo(
            "\n\n".join(diff_page(step, environment) for step in found.steps) or "the product has no output port"
        )
    for problem in found.problems:
        click.echo(f"\n{with_context_options(problem)}", err=True)
    if errors_of(found.problems):
        return ExitCode.FORBIDDEN
    if found.is_recorded:
        return None
    address = manifest.product.address
    click.echo(f"\nnothing recorded to compare with: {where.environment} has no contract of {address}", err=True)
    return ExitCode.UNRECORDED


command.add_command(bill)
command.add_command(notice)
command.add_command(notices)
command.add_command(verify)
command.add_command(maintenance)


@command.command(short_help="Export a contract, or the product, in an open standard.")
@where_options
@click.argument("port", metavar="[PORT|ADDRESS]", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["odcs", "odps"]),
    default="odcs",
    show_default=True,
    help="Open Data Contract Standard 3.2 of a port, or Open Data Product Standard 1.1 of the product.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: stdout]"
)
@click.option("--results", is_flag=True, help="Add the newest result of each business test, as a custom property.")
def export(where: Where, port: str | None, form: str, output: Path | None, results: bool) -> None:
    """Export a contract in the Open Data Contract Standard (ODCS) 3.2, or the product in the Open Data Product
    Standard (ODPS) 1.1 of Bitol.

    PORT is an output port of the product in this folder; ADDRESS (domain/product/port) is a recorded port of any
    product. Fields without a place in the standard become custom properties, so that `alchemesh contract import` reads
    back the whole contract. With `--format odps`, exports the product of this folder with all its ports, which refer to
    their contracts by id.

    \b
    Examples:
      alchemesh contract export flights-table
      alchemesh contract export flights-table --output flights-table.odcs.yaml
      alchemesh contract export flights-table --results      # with the newest result of each business test
      alchemesh contract export aviation/flights/flights-table -e prod > flights-table.odcs.yaml
      alchemesh contract export --format odps --output flights.odps.yaml
    """
    if form == "odps":
        from alchemesh_platform.app.where import manifest_of
        from alchemesh_platform.contracts.odcs.odps_export import export_odps, odps_text

        if port is not None:
            raise click.UsageError("--format odps exports the whole product: omit PORT")
        if results:
            raise click.UsageError("--results belongs to --format odcs: a product has no business tests")
        text = odps_text(export_odps(manifest_of(where).product))
    else:
        from alchemesh_cli.contract.manifest import named_in_manifest
        from alchemesh_platform.app.mesh.contracts import newest_results
        from alchemesh_platform.app.mesh.contracts import show as show_ports
        from alchemesh_platform.app.where import read_platform
        from alchemesh_platform.contracts.odcs.export import export_odcs, odcs_text

        if port is None:
            raise click.UsageError("missing argument PORT: name the output port whose contract is exported")
        manifest = named_in_manifest(where, port)
        platform = read_platform(where)
        [found] = show_ports(platform, manifest, port)
        known = newest_results(platform, found.identity.address) if results else None
        text = odcs_text(export_odcs(found.promise, found.identity, known))
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotWritten(f"cannot write {output}: {error.strerror}", hint="give another --output") from error
    click.echo(f"wrote {output}", err=True)


@command.command(name="import", short_help="Convert an ODCS contract into a part of a manifest.")
@click.argument("file", type=click.Path(path_type=Path))
def import_contract(file: Path) -> None:
    """Convert a contract of the Open Data Contract Standard (ODCS) 3 into a part of a manifest, on stdout.

    Prints models, and an output port with its contract, to paste into alchemesh.yaml. Fields that were converted or
    left out are reported on stderr, each at its line.

    \b
    Examples:
      alchemesh contract import orders.odcs.yaml
      alchemesh contract import orders.odcs.yaml > piece.yaml
    """
    from alchemesh_platform.base.problems import ProblemsFound, errors_of
    from alchemesh_platform.contracts.odcs.import_contract import import_odcs, manifest_text
    from alchemesh_platform.documents.yaml_source import read_document

    tree, problems = read_document(file)
    if errors_of(problems):
        raise ProblemsFound(problems)
    imported = import_odcs(tree)
    click.echo(manifest_text(imported), nl=False)
    for problem in imported.problems:
        click.echo(str(problem), err=True)
