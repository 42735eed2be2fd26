"""`alchemesh contract`: what output ports promise, and what a change of it means for consumers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, manifest_path, where_options
from alchemesh_platform.failure import ExitCode, Failure

if TYPE_CHECKING:
    from alchemesh_platform.contracts.odcs_export import PortIdentity
    from alchemesh_platform.contracts.port import PromisedPort
    from alchemesh_platform.manifest.load import LoadedManifest

ADDRESS_PARTS = 3  # domain/product/port


class UnknownPort(Failure):
    """Raised when a port is asked for that there is not."""

    exit_code = ExitCode.USAGE


class NotWritten(Failure):
    """Raised when a file cannot be written."""


@dataclass(frozen=True, slots=True)
class ShownPort:
    """An output port with what is asked for, as far as it is there."""

    identity: PortIdentity
    declared: PromisedPort | None
    recorded: PromisedPort | None

    @property
    def promise(self) -> PromisedPort:
        """What the port promises: as declared, or else as recorded."""
        from alchemesh_platform.contracts.port import PromisedPort

        return self.declared or self.recorded or PromisedPort()


@click.group(short_help="Show what output ports promise, and what a change of it means.")
def command() -> None:
    """Show what output ports promise, and what a change of it means.

    \b
    Examples:
      alchemesh contract show
      alchemesh contract diff flights-table
      alchemesh contract export flights-table --output flights-table.odcs.yaml
      alchemesh contract import orders.odcs.yaml
    """


@command.command(short_help="Show what output ports promise.")
@where_options
@json_option
@click.argument("port", required=False, metavar="[PORT|ADDRESS]")
def show(directory: Path, environment: str, platform_file: Path | None, as_json: bool, port: str | None) -> None:
    """Show what output ports promise.

    All ports of the product in this folder, or PORT of it; or of any product the port at ADDRESS (domain/product/port),
    as it is recorded in the environment.

    \b
    Examples:
      alchemesh contract show
      alchemesh contract show flights-table --json
      alchemesh contract show aviation/flights/flights-table -e prod
    """
    from alchemesh_cli.render.contract import port_document, port_page

    ports = _ports(directory, environment, platform_file, port)
    if as_json:
        document = {
            "environment": environment,
            "ports": [port_document(each.identity.address, each.promise, each.recorded) for each in ports],
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    pages = [port_page(each.identity.address, environment, each.promise, each.recorded) for each in ports]
    click.echo("\n\n".join(pages) or "the product has no output port")


@command.command(short_help="Show what changed against what is recorded.")
@where_options
@json_option
@click.argument("port", required=False)
def diff(
    directory: Path, environment: str, platform_file: Path | None, as_json: bool, port: str | None
) -> ExitCode | None:
    """Show what changed in what the ports of this folder's product promise, against what is recorded.

    Each change is judged for those who consume the port. A breaking change needs a new major version, a compatible one
    a minor one: exit code 4 says that a version is too low, or that a contract leaves the way of its life.

    \b
    Examples:
      alchemesh contract diff
      alchemesh contract diff flights-table -e prod
      alchemesh contract diff --json | jq '.ports[].changes[] | select(.kind == "breaking")'
    """
    from alchemesh_cli.render.contract import diff_page
    from alchemesh_platform.contracts.rules import problems_of
    from alchemesh_platform.contracts.step import step_of
    from alchemesh_platform.problems import errors_of

    manifest = _manifest(directory, environment)
    recorded = _recorded(directory, environment, platform_file, manifest)
    steps = [
        step_of(each.identity.address, each.recorded, each.declared) for each in _of_product(manifest, recorded, port)
    ]
    if as_json:
        document = {"environment": environment, "ports": [step.as_json() for step in steps]}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo("\n\n".join(diff_page(step, environment) for step in steps) or "the product has no output port")
    problems = [problem for step in steps for problem in problems_of(step.findings, manifest.tree, step.port)]
    for problem in problems:
        click.echo(f"\n{problem}", err=True)
    return ExitCode.FORBIDDEN if errors_of(problems) else None


@command.command(short_help="Write a contract in the Open Data Contract Standard.")
@where_options
@click.argument("port", metavar="PORT|ADDRESS")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: stdout]"
)
def export(directory: Path, environment: str, platform_file: Path | None, port: str, output: Path | None) -> None:
    """Write what a port promises in the Open Data Contract Standard (ODCS) 3.2.

    PORT is an output port of the product in this folder; ADDRESS (domain/product/port) is one of any product, as it is
    recorded. What the standard has no place for goes to custom properties, so that `alchemesh contract import` reads
    back all of it.

    \b
    Examples:
      alchemesh contract export flights-table
      alchemesh contract export flights-table --output flights-table.odcs.yaml
      alchemesh contract export aviation/flights/flights-table -e prod > flights-table.odcs.yaml
    """
    from alchemesh_platform.contracts.odcs_export import export_odcs, odcs_text

    [found] = _ports(directory, environment, platform_file, port)
    text = odcs_text(export_odcs(found.promise, found.identity))
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotWritten(f"cannot write {output}: {error.strerror}", hint="give another --output") from error
    click.echo(f"wrote {output}", err=True)


@command.command(name="import", short_help="Turn an ODCS contract into a piece of manifest.")
@click.argument("file", type=click.Path(path_type=Path))
def import_contract(file: Path) -> None:
    """Turn a contract of the Open Data Contract Standard (ODCS) 3 into a piece of manifest, on stdout.

    Models, and an output port with its contract, to be pasted into alchemesh.yaml. What is taken otherwise than it
    stands there, and what a manifest has no place for, is told on stderr, each at its line.

    \b
    Examples:
      alchemesh contract import orders.odcs.yaml
      alchemesh contract import orders.odcs.yaml > piece.yaml
    """
    from alchemesh_platform.contracts.odcs_import import import_odcs, manifest_text
    from alchemesh_platform.problems import ProblemsFound, errors_of
    from alchemesh_platform.yaml_source import read_document

    tree, problems = read_document(file)
    if errors_of(problems):
        raise ProblemsFound(problems)
    imported = import_odcs(tree)
    click.echo(manifest_text(imported), nl=False)
    for problem in imported.problems:
        click.echo(str(problem), err=True)


def _ports(directory: Path, environment: str, platform_file: Path | None, port: str | None) -> list[ShownPort]:
    """The ports that are meant: of this folder's product, or the one at an address."""
    if port is not None and "/" in port:
        return [_at_address(directory, environment, platform_file, port)]
    manifest = _manifest(directory, environment)
    recorded = _recorded(directory, environment, platform_file, manifest)
    declared = {output.name for output in manifest.product.output_ports}
    return _of_product(manifest, {name: each for name, each in recorded.items() if name in declared}, port)


def _manifest(directory: Path, environment: str) -> LoadedManifest:
    from alchemesh_platform.manifest.load import load_manifest

    return load_manifest(manifest_path(directory), environment)


def _of_product(manifest: LoadedManifest, recorded: Mapping[str, PromisedPort], port: str | None) -> list[ShownPort]:
    """Every port that the manifest declares, then those that are only recorded; or the one of that name."""
    from alchemesh_platform.contracts.odcs_export import PortIdentity
    from alchemesh_platform.contracts.port import promised_ports

    product = manifest.product
    declared = promised_ports(product)
    described = {output.name: output.description for output in product.output_ports}
    names = [*declared, *(name for name in recorded if name not in declared)]
    if port is not None:
        if port not in names:
            raise _unknown(port, product.address, names)
        names = [port]
    return [
        ShownPort(
            PortIdentity(
                product.domain, product.name, name, described.get(name, ""), team=product.team, owner=product.owner
            ),
            declared.get(name),
            recorded.get(name),
        )
        for name in names
    ]


def _recorded(
    directory: Path, environment: str, platform_file: Path | None, manifest: LoadedManifest
) -> dict[str, PromisedPort]:
    """What is recorded of the product; nothing where nobody has written a registry yet."""
    from alchemesh_cli.context import load_platform_for
    from alchemesh_platform.contracts.recorded import recorded_ports
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.unavailable import RegistryMissing

    platform = load_platform_for(directory, environment, platform_file)
    try:
        with Registry.open(platform.registry, create=False) as registry:
            return recorded_ports(registry, environment, manifest.product.address)
    except RegistryMissing:
        return {}


def _at_address(directory: Path, environment: str, platform_file: Path | None, address: str) -> ShownPort:
    """A port of any product, as it is recorded."""
    from alchemesh_cli.context import load_platform_for
    from alchemesh_platform.contracts.odcs_export import PortIdentity
    from alchemesh_platform.contracts.recorded import recorded_ports
    from alchemesh_platform.names import product_address
    from alchemesh_platform.registry.records import PortRecord, ProductRecord
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.unavailable import RegistryMissing

    parts = address.split("/")
    if len(parts) != ADDRESS_PARTS:
        raise click.UsageError(f"{address!r} is no address of a port, domain/product/port")
    domain, product, port = parts
    platform = load_platform_for(directory, environment, platform_file)
    try:
        with Registry.open(platform.registry, create=False) as registry:
            owner = registry.get(ProductRecord, environment, product_address(domain, product))
            record = registry.get(PortRecord, environment, address)
            recorded = recorded_ports(registry, environment, product_address(domain, product))
    except RegistryMissing:
        owner, record, recorded = None, None, {}
    if port not in recorded:
        raise _unknown(port, f"{domain}/{product} as recorded in {environment}", list(recorded))
    identity = PortIdentity(
        domain,
        product,
        port,
        record.description if record is not None else "",
        team=owner.team if owner is not None else "",
        owner=owner.owner if owner is not None else "",
    )
    return ShownPort(identity, None, recorded[port])


def _unknown(port: str, where: str, names: list[str]) -> UnknownPort:
    from alchemesh_platform.problems import did_you_mean

    hint = did_you_mean(port, names) if names else "there is none; `alchemesh up` records what a manifest declares"
    return UnknownPort(f"no output port {port!r} of {where}", hint=hint)
