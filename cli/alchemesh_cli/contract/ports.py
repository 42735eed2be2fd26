"""The output ports that a command is about: of this folder's product, or of any by its address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import load_platform_for, manifest_path
from alchemesh_platform.base.failure import ExitCode, Failure

if TYPE_CHECKING:
    from alchemesh_platform.contracts.notices.recorded import GivenNotice
    from alchemesh_platform.contracts.odcs.export import PortIdentity
    from alchemesh_platform.contracts.port import PromisedPort
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import ContractVersionRecord
    from alchemesh_platform.registry.store import Registry

ADDRESS_PARTS = 3  # domain/product/port


class UnknownPort(Failure):
    """Raised when a port is asked for that there is not."""

    exit_code = ExitCode.USAGE


class UnknownVersion(Failure):
    """Raised when a version of a contract is asked for that there was not."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is recorded of a product's ports, by their names."""

    promises: Mapping[str, PromisedPort]
    versions: Mapping[str, tuple[ContractVersionRecord, ...]]
    notices: Mapping[str, tuple[GivenNotice, ...]]


@dataclass(frozen=True, slots=True)
class ShownPort:
    """An output port with what is asked for, as far as it is there.

    Args:
        identity: Who it is.
        declared: What the manifest promises.
        recorded: What the deployed contract promises.
        versions: Every version that is kept, the newest first.
        notices: What its consumers were told.
    """

    identity: PortIdentity
    declared: PromisedPort | None
    recorded: PromisedPort | None
    versions: tuple[ContractVersionRecord, ...] = ()
    notices: tuple[GivenNotice, ...] = ()

    @property
    def promise(self) -> PromisedPort:
        """What the port promises: as declared, or else as recorded."""
        from alchemesh_platform.contracts.port import PromisedPort

        return self.declared or self.recorded or PromisedPort()


def shown_ports(directory: Path, environment: str, platform_file: Path | None, port: str | None) -> list[ShownPort]:
    """The ports that are meant: declared by this folder's product, or the one at an address.

    Raises:
        UnknownPort: with the closest name.
    """
    if port is not None and "/" in port:
        return [_at_address(directory, environment, platform_file, port)]
    manifest = manifest_of(directory, environment)
    recorded = recorded_of(directory, environment, platform_file, manifest.product.address)
    declared = {output.name for output in manifest.product.output_ports}
    return [each for each in of_product(manifest, recorded, port) if each.identity.port in declared or port]


def manifest_of(directory: Path, environment: str) -> LoadedManifest:
    """The manifest of the folder."""
    from alchemesh_platform.manifest.load import load_manifest

    return load_manifest(manifest_path(directory), environment)


def of_product(manifest: LoadedManifest, recorded: Recorded, port: str | None) -> list[ShownPort]:
    """Every port that the manifest declares, then those that are only recorded; or the one of that name.

    Raises:
        UnknownPort: with the closest name.
    """
    from alchemesh_platform.contracts.odcs.export import PortIdentity
    from alchemesh_platform.contracts.port import promised_ports

    product = manifest.product
    declared = promised_ports(product)
    described = {output.name: output.description for output in product.output_ports}
    names = [*declared, *(name for name in recorded.promises if name not in declared)]
    if port is not None:
        if port not in names:
            raise unknown(port, product.address, names)
        names = [port]
    return [
        ShownPort(
            PortIdentity(
                product.domain, product.name, name, described.get(name, ""), team=product.team, owner=product.owner
            ),
            declared.get(name),
            recorded.promises.get(name),
            recorded.versions.get(name, ()),
            recorded.notices.get(name, ()),
        )
        for name in names
    ]


def recorded_of(directory: Path, environment: str, platform_file: Path | None, product: str) -> Recorded:
    """What is recorded of a product; nothing where nobody has written a registry yet."""
    with reading(load_platform_for(directory, environment, platform_file)) as registry:
        return _recorded(registry, environment, product)


@contextmanager
def reading(platform: Platform) -> Iterator[Registry | None]:
    """The registry, or None where nobody has written one yet."""
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.unavailable import RegistryMissing

    try:
        registry = Registry.open(platform.registry, create=False)
    except RegistryMissing:
        yield None
        return
    with registry:
        yield registry


def port_address_of(registry: Registry | None, directory: Path, environment: str, port: str) -> str:
    """The address of an output port that is recorded: of this folder's product by its name, of any by its address.

    Raises:
        UnknownPort: with the closest name.
    """
    from alchemesh_platform.contracts.port import promised_ports

    declared: list[str] = []
    if "/" in port:
        product, _, name = _parts(port)
    else:
        manifest = manifest_of(directory, environment)
        product, name = manifest.product.address, port
        declared = list(promised_ports(manifest.product))
    names = list(_recorded(registry, environment, product).promises)
    if name in names:
        return f"{product}/{name}"
    if name in declared:
        raise UnknownPort(
            f"output port {name!r} of {product} is declared, and not deployed in {environment}",
            hint="what nobody can consume yet was promised to nobody: change it as you like",
        )
    raise unknown(name, f"{product} as recorded in {environment}", names)


def version_of(port: ShownPort, version: str) -> PromisedPort:
    """What a version that is kept promised.

    Raises:
        UnknownVersion: with those that there were.
    """
    from alchemesh_platform.base.problems import did_you_mean
    from alchemesh_platform.contracts.recorded import kept_promise

    for kept in port.versions:
        if kept.version == version:
            return kept_promise(kept)
    hint = did_you_mean(version, [kept.version for kept in port.versions], otherwise="")
    raise UnknownVersion(f"no version {version} of {port.identity.address} is kept", hint=hint)


def unknown(port: str, where: str, names: list[str]) -> UnknownPort:
    """There is no such port; the closest is named."""
    from alchemesh_platform.base.problems import did_you_mean

    hint = did_you_mean(port, names) if names else "there is none; `alchemesh up` records what a manifest declares"
    return UnknownPort(f"no output port {port!r} of {where}", hint=hint)


def _recorded(registry: Registry | None, environment: str, product: str) -> Recorded:
    from alchemesh_platform.contracts.notices.recorded import notices_of
    from alchemesh_platform.contracts.recorded import recorded_ports
    from alchemesh_platform.contracts.versions import kept_versions

    if registry is None:
        return Recorded({}, {}, {})
    promises = recorded_ports(registry, environment, product)
    versions = kept_versions(registry, environment, product)
    notices = notices_of(registry, environment, [f"{product}/{name}" for name in promises])
    return Recorded(
        promises,
        {port.rpartition("/")[2]: tuple(kept) for port, kept in versions.items()},
        {port.rpartition("/")[2]: tuple(reported) for port, reported in notices.items()},
    )


def _parts(address: str) -> tuple[str, str, str]:
    """An address as product, domain and port."""
    parts = address.split("/")
    if len(parts) != ADDRESS_PARTS or not all(parts):
        raise click.UsageError(f"{address!r} is no address of a port, domain/product/port")
    return f"{parts[0]}/{parts[1]}", parts[0], parts[2]


def _at_address(directory: Path, environment: str, platform_file: Path | None, address: str) -> ShownPort:
    """A port of any product, as it is recorded."""
    from alchemesh_platform.contracts.odcs.export import PortIdentity
    from alchemesh_platform.registry.records import PortRecord, ProductRecord

    product, domain, port = _parts(address)
    with reading(load_platform_for(directory, environment, platform_file)) as registry:
        owner = registry.get(ProductRecord, environment, product) if registry is not None else None
        record = registry.get(PortRecord, environment, address) if registry is not None else None
        recorded = _recorded(registry, environment, product)
    if port not in recorded.promises:
        raise unknown(port, f"{product} as recorded in {environment}", list(recorded.promises))
    identity = PortIdentity(
        domain,
        product.partition("/")[2],
        port,
        record.description if record is not None else "",
        team=owner.team if owner is not None else "",
        owner=owner.owner if owner is not None else "",
    )
    return ShownPort(
        identity, None, recorded.promises[port], recorded.versions.get(port, ()), recorded.notices.get(port, ())
    )
