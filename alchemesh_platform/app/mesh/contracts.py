"""Contracts of output ports: show them, compare them with the manifest, and give notice of changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.app.events import Listener, ignore
from alchemesh_platform.app.mesh.inbox import notify
from alchemesh_platform.app.observe import reading
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.remedy import command, remedy

if TYPE_CHECKING:
    from alchemesh_platform.base.problems import Problem
    from alchemesh_platform.contracts.compatibility.step import PortStep
    from alchemesh_platform.contracts.notices.period import NoticeOf
    from alchemesh_platform.contracts.notices.recorded import GivenNotice
    from alchemesh_platform.contracts.odcs.export import PortIdentity
    from alchemesh_platform.contracts.port import PromisedPort
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import ContractVersionRecord
    from alchemesh_platform.registry.store import Registry

ADDRESS_PARTS = 3  # domain/product/port


class UnknownPort(Failure):
    """Raised when the port does not exist."""

    exit_code = ExitCode.USAGE


class UnknownVersion(Failure):
    """Raised when the registry has no such version of a contract."""

    exit_code = ExitCode.USAGE


class NoAddress(Failure):
    """Raised when a text is not the address of a port."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Recorded:
    """The records of a product's ports, by name of the port."""

    promises: Mapping[str, PromisedPort]
    versions: Mapping[str, tuple[ContractVersionRecord, ...]]
    notices: Mapping[str, tuple[GivenNotice, ...]]


def newest_results(platform: Platform, address: str) -> dict[str, dict[str, str]]:
    """The newest result of each business test of a deployed contract, by the name of the test.

    Args:
        platform: The environment.
        address: ``domain/product/port``.
    """
    from alchemesh_platform.levels.commitment import TEST
    from alchemesh_platform.levels.read import read_commitments

    product = address.rpartition("/")[0]
    with reading(platform) as registry:
        if registry is None:
            return {}
        found = read_commitments(registry, platform.environment, product, registry.now())
    results = {}
    for each in found:
        if each.port == address and each.name.startswith(TEST) and each.measured_at is not None:
            known = {"verdict": each.verdict, "value": each.value, "reason": each.reason}
            known = {name: text for name, text in known.items() if text}
            results[each.name.removeprefix(TEST)] = {**known, "measuredAt": each.measured_at.isoformat()}
    return results


@dataclass(frozen=True, slots=True)
class ShownPort:
    """An output port with its contract.

    Args:
        identity: Address, team and owner of the port.
        declared: The contract in the manifest.
        recorded: The deployed contract.
        versions: Every recorded version, the newest first.
        notices: The current notices to its consumers.
    """

    identity: PortIdentity
    declared: PromisedPort | None
    recorded: PromisedPort | None
    versions: tuple[ContractVersionRecord, ...] = ()
    notices: tuple[GivenNotice, ...] = ()

    @property
    def promise(self) -> PromisedPort:
        """The declared contract of the port, or else the recorded one."""
        from alchemesh_platform.contracts.port import PromisedPort

        return self.declared or self.recorded or PromisedPort()


@dataclass(frozen=True, slots=True)
class Comparison:
    """The contracts of a manifest, compared with the recorded ones.

    Args:
        steps: The changes of each port.
        problems: The rules that the changes break, and the changes that must wait for consumers, each with its line.
        is_recorded: Whether the registry records the product.
    """

    steps: tuple[PortStep, ...]
    problems: tuple[Problem, ...]
    is_recorded: bool = True


@dataclass(frozen=True, slots=True)
class NoticeResult:
    """A notice that a user gave or withdrew.

    Args:
        notice: The notice.
        new: Whether this call gave the notice; False if it existed before.
        withdrawn: Whether this call withdrew the notice.
        consumers: Requesters with a grant of the port, such as ``technical_team:marketing/web``.
    """

    notice: GivenNotice
    new: bool
    withdrawn: bool
    consumers: tuple[str, ...]


def show(platform: Platform, manifest: LoadedManifest | None = None, port: str | None = None) -> list[ShownPort]:
    """Output ports with their contracts, versions and notices.

    Args:
        platform: The environment.
        manifest: The product whose ports to show; not needed if ``port`` is an address.
        port: Name of one port, or the address of any recorded port: ``domain/product/port``.

    Raises:
        UnknownPort: when the port does not exist; suggests the closest name.
        NoAddress: when ``port`` is neither a name nor an address.
    """
    if port is not None and "/" in port:
        return [_at_address(platform, port)]
    if manifest is None:
        raise _without_product(port)
    recorded = _recorded_of(platform, manifest.product.address)
    declared = {output.name for output in manifest.product.output_ports}
    return [each for each in of_product(manifest, recorded, port) if each.identity.port in declared or port]


def diff(
    platform: Platform,
    manifest: LoadedManifest,
    port: str | None = None,
    *,
    against: str | None = None,
    strict: bool = False,
) -> Comparison:
    """Compare the contracts of a manifest with the recorded ones.

    Args:
        platform: The environment.
        manifest: The product.
        port: Name of one port; all by default.
        against: A recorded version to compare with instead of the deployed one. Its changes break no rule.
        strict: Whether a change that must wait for consumers is an error, as in `up`, instead of a warning.

    Raises:
        UnknownPort, UnknownVersion: when it does not exist; suggests the closest name.
    """
    from alchemesh_platform.base.problems import in_file_order
    from alchemesh_platform.contracts.compatibility.step import compare, step_of
    from alchemesh_platform.deployment.checks.promises import held_problems, rule_problems, steps_of

    address = manifest.product.address
    with reading(platform) as registry:
        recorded = _recorded(registry, platform.environment, address)
        judged = (
            steps_of(registry, platform.environment, manifest, "preview", registry.now())
            if registry is not None and against is None
            else []
        )
    by_address = {step.address: step for step in judged}
    steps = tuple(
        by_address.get(each.identity.address) or step_of(each.identity.address, each.recorded, each.declared)
        if against is None
        else compare(each.identity.address, version_of(each, against), each.declared)
        for each in of_product(manifest, recorded, port)
    )
    found = (rule_problems(steps, manifest), held_problems(steps, manifest, "error" if strict else "warning"))
    problems = [problem for kind in found for each in kind.values() for problem in each]
    return Comparison(steps, tuple(in_file_order(problems)), is_recorded=bool(recorded.promises))


def notices(platform: Platform, manifest: LoadedManifest | None = None, port: str | None = None) -> list[GivenNotice]:
    """The current notices to consumers of output ports; see :func:`show` for the arguments.

    Without ``port``, this includes recorded ports that the manifest no longer declares.
    """
    if port is None and manifest is not None:
        ports = of_product(manifest, _recorded_of(platform, manifest.product.address), None)
    else:
        ports = show(platform, manifest, port)
    return [given for each in ports for given in each.notices]


def give_notice(
    platform: Platform,
    actor: Identity,
    what: NoticeOf,
    port: str,
    manifest: LoadedManifest | None = None,
    *,
    message: str = "",
    listen: Listener = ignore,
) -> NoticeResult:
    """Give consumers of a port notice of a change. An existing notice does not change.

    Args:
        platform: The environment.
        actor: The identity that gives notice: the owner of the product, or a platform owner.
        what: The change.
        port: Name of a port of the manifest's product, or the address of any port.
        manifest: The product; not needed if ``port`` is an address.
        message: Further information for consumers.
        listen: Receives each event.

    Raises:
        UnknownPort: when the port does not exist; suggests the closest name.
        NotAllowed: when the actor lacks the right to give notice.
    """
    from alchemesh_platform.contracts.notices.give import give_notice as give
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry) as registry:
        now = registry.now()
        address = recorded_address(registry, platform.environment, port, manifest)
        announced = give(registry, platform.environment, address, what, actor, now, message=message)
        consumers = _consumers(registry, platform.environment, address, now)
    notify(platform, listen)
    return NoticeResult(announced.given, announced.new, False, consumers)


def withdraw_notice(
    platform: Platform, actor: Identity, what: NoticeOf, port: str, manifest: LoadedManifest | None = None
) -> NoticeResult:
    """Withdraw a notice whose change has not happened yet; see :func:`give_notice` for the arguments."""
    from alchemesh_platform.contracts.notices.give import withdraw_notice as withdraw
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry) as registry:
        now = registry.now()
        address = recorded_address(registry, platform.environment, port, manifest)
        given = withdraw(registry, platform.environment, address, what, actor, now)
        consumers = _consumers(registry, platform.environment, address, now)
    return NoticeResult(given, False, True, consumers)


def of_product(manifest: LoadedManifest, recorded: Recorded, port: str | None) -> list[ShownPort]:
    """The declared ports of the manifest, then the ports that are only recorded; or only the named port.

    Raises:
        UnknownPort: when the port does not exist; suggests the closest name.
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


def _recorded_of(platform: Platform, product: str) -> Recorded:
    """The records of a product's ports; empty if no registry exists yet."""
    with reading(platform) as registry:
        return _recorded(registry, platform.environment, product)


def _consumers(registry: Registry, environment: str, address: str, now: datetime) -> tuple[str, ...]:
    from alchemesh_platform.deployment.checks.promises import consumers_of

    return tuple(consumers_of(registry, environment, address.rpartition("/")[0], now).get(address, ()))


def recorded_address(registry: Registry, environment: str, port: str, manifest: LoadedManifest | None) -> str:
    """The address of a recorded output port, from its name in a manifest or from its address.

    Raises:
        UnknownPort: when the port does not exist; suggests the closest name.
    """
    from alchemesh_platform.contracts.port import promised_ports

    declared: list[str] = []
    if "/" in port:
        product, _, name = _parts(port)
    else:
        if manifest is None:
            raise _without_product(port)
        product, name = manifest.product.address, port
        declared = list(promised_ports(manifest.product))
    names = list(_recorded(registry, environment, product).promises)
    if name in names:
        return f"{product}/{name}"
    if name in declared:
        raise UnknownPort(
            f"output port {name!r} of {product} is declared, and not deployed in {environment}",
            hint="it has no consumers yet: you can change it without notice",
        )
    raise unknown(name, f"{product} as recorded in {environment}", names)


def version_of(port: ShownPort, version: str) -> PromisedPort:
    """The promise of a recorded version.

    Raises:
        UnknownVersion: when the version does not exist; lists the recorded ones.
    """
    from alchemesh_platform.base.problems import did_you_mean
    from alchemesh_platform.contracts.recorded import kept_promise

    for kept in port.versions:
        if kept.version == version:
            return kept_promise(kept)
    hint = did_you_mean(version, [kept.version for kept in port.versions], otherwise="")
    raise UnknownVersion(f"{port.identity.address} has no recorded version {version}", hint=hint)


def unknown(port: str, where: str, names: list[str]) -> UnknownPort:
    """The error for a port that does not exist; suggests the closest name."""
    from alchemesh_platform.base.problems import did_you_mean

    hint = (
        did_you_mean(port, names)
        if names
        else remedy("there is none; {} records the ports of a manifest", command("up"))
    )
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


def _without_product(port: str | None) -> NoAddress:
    return NoAddress(f"{port!r} is not the address of a port, domain/product/port, and no manifest was given")


def _parts(address: str) -> tuple[str, str, str]:
    """An address as product, domain and port."""
    parts = address.split("/")
    if len(parts) != ADDRESS_PARTS or not all(parts):
        raise NoAddress(f"{address!r} is not the address of a port, domain/product/port")
    return f"{parts[0]}/{parts[1]}", parts[0], parts[2]


def _at_address(platform: Platform, address: str) -> ShownPort:
    """A recorded port of any product."""
    from alchemesh_platform.contracts.odcs.export import PortIdentity
    from alchemesh_platform.registry.records import PortRecord, ProductRecord

    product, domain, port = _parts(address)
    environment = platform.environment
    with reading(platform) as registry:
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
