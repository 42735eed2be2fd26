"""Meter the usage of a product's output ports: read each source from its recorded position, and add what is new."""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import GrantRecord, PortRecord
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.usage.lines import UsageLine
    from alchemesh_platform.sdk.consumer import Consumer
    from alchemesh_platform.sdk.system.usage import UsageCount, UsageReading, UsageSource

UNKNOWN_USER = "unknown:"  # and the user name at the system, of which nothing is recorded


@dataclass(frozen=True, slots=True)
class Metered:
    """The result of metering a product.

    Args:
        product: ``domain/product``.
        requests: Port: the new requests of consumers.
        unmetered: Port: the reason why its usage is not known.
        failed: The part of ``unmetered`` whose gateways could not be read this time.
        gaps: Sentences about usage that was lost before it was read, with the port.
    """

    product: str
    requests: Mapping[str, int] = field(default_factory=dict)
    unmetered: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()

    def as_json(self) -> list[dict[str, Any]]:
        """The ports, each with its new requests or the reason why they are unknown."""
        ports = sorted({*self.requests, *self.unmetered})
        return [
            {"port": port, "requests": self.requests.get(port), "unknown": self.unmetered.get(port)} for port in ports
        ]


def meter(platform: Platform, product: str) -> Metered:
    """Meter the output ports of a deployed product now. Each request is counted once, whatever is killed.

    Raises:
        RegistryUnavailable: when the registry cannot be used.
    """
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry, create=False) as registry:
        return meter_product(registry, platform.environment, product, platform=platform)


def meter_before(
    registry: Registry,
    environment: str,
    product: str,
    report: Callable[[str], None],
    removed: Collection[str] = (),
    *,
    platform: Platform | None = None,
) -> Sequence[tuple[str, UsageSource]]:
    """Meter a product before a run that ends access or removes a gateway. A failure does not stop the run.

    Args:
        report: Receives a note for each port whose usage could not be read.
        removed: Addresses of the ports that the run removes.
        platform: The environment, for sources that need its settings or its emulators.

    Returns:
        The sources of the removed ports, which :func:`meter_after` reads once more after the run.
    """
    try:
        metered = meter_product(registry, environment, product, removed, platform=platform)
    except Failure as failure:
        report(f"note: the usage of {product} could not be read: {failure.message}")
        return ()
    for port, reason in metered.failed.items():
        report(f"note: the usage of {port} could not be read: {reason}")
    readable = {port for port in removed if port not in metered.unmetered}
    return tuple(_kept_sources(registry, environment, product, readable, platform))


def meter_after(
    registry: Registry, environment: str, kept: Iterable[tuple[str, UsageSource]], report: Callable[[str], None]
) -> None:
    """Read the sources of removed ports once more: requests arrived until their gateways stopped."""
    for port, source in kept:
        try:
            meter_source(registry, environment, port, source, last=True)
            source.forget()
        except Failure as failure:
            report(f"note: the last usage of {port} could not be read: {failure.message}")


def _kept_sources(
    registry: Registry, environment: str, product: str, removed: Collection[str], platform: Platform | None
) -> Iterator[tuple[str, UsageSource]]:
    """The sources of ports that are removed next. Their usage outlives the removal."""
    from alchemesh_platform.registry.records import PortRecord
    from alchemesh_platform.sdk.system.usage import NotMetered

    for port in registry.all(PortRecord, environment, product):
        if port.direction == "output" and port.address in removed:
            with suppress(NotMetered, Failure):  # reported before
                for source in _sources_of(registry, port, platform):
                    source.keep()
                    yield port.address, source


def meter_product(
    registry: Registry,
    environment: str,
    product: str,
    removed: Collection[str] = (),
    *,
    platform: Platform | None = None,
) -> Metered:
    """Meter the output ports of a product whose registry is open.

    Args:
        removed: Addresses of the ports that are removed next.
        platform: The environment, for sources that need its settings or its emulators.

    Raises:
        RegistryUnavailable: when the registry cannot be used.
    """
    from alchemesh_platform.incidents.evaluate import evaluate
    from alchemesh_platform.registry.records import PortRecord
    from alchemesh_platform.registry.unavailable import RegistryUnavailable
    from alchemesh_platform.sdk.system.usage import NotHere, NotMetered

    requests: dict[str, int] = {}
    unmetered: dict[str, str] = {}
    failed: dict[str, str] = {}
    gaps: list[str] = []
    for port in registry.all(PortRecord, environment, product):
        if port.direction != "output":
            continue
        elsewhere = False
        try:
            for source in _sources_of(registry, port, platform):
                new, lost = meter_source(registry, environment, port.address, source, last=port.address in removed)
                requests[port.address] = requests.get(port.address, 0) + new
                gaps += [f"{port.address}: {reason}" for reason in lost]
        except RegistryUnavailable:
            raise
        except NotMetered as reason:
            unmetered[port.address] = str(reason)
            elsewhere = isinstance(reason, NotHere)
        except Failure as failure:
            failed[port.address] = unmetered[port.address] = failure.message
        _report(registry, environment, port.address, unmetered.get(port.address), elsewhere=elsewhere)
    evaluate(registry, environment, [product], registry.now())
    return Metered(product, requests, unmetered, failed, tuple(gaps))


def meter_source(
    registry: Registry, environment: str, port: str, source: UsageSource, *, last: bool = False
) -> tuple[int, list[str]]:
    """Read one source of usage of a port to its end.

    Args:
        last: Whether the source is removed next.

    Returns:
        The number of new requests of consumers, and the reasons of gaps.

    Raises:
        RegistryUnavailable: when the registry cannot be used.
        Failure: when the source cannot be read. Its position stays.
    """
    from alchemesh_platform.registry.usage.positions import Gap, move, position_of
    from alchemesh_platform.sdk.system.usage import Slots

    name, product = f"{port}#{source.name}", port.rpartition("/")[0]
    versions = _versions(registry, environment, port)
    slots = Slots([at for at, _ in versions])
    consumers = _Consumers(registry, environment)
    new, lost = 0, list[str]()
    more = True
    while more:
        before = position_of(registry, environment, name)
        now = registry.now()
        reading = source.read(json.loads(before) if before is not None else None, slots, now)
        lines = _lines(reading, name, port, before or "", versions, consumers, now)
        gaps = [Gap(product, port, name, each.since, each.until, each.reason) for each in reading.gaps]
        after = source.closed(reading.position) if last and not reading.more else reading.position
        moved = move(registry, environment, name, port, before, after, lines, gaps)
        if moved:
            new += sum(line.requests for line in lines if line.consumer and not line.own)
            lost += [gap.reason for gap in gaps]
        more = reading.more or not moved
    return new, lost


def _sources_of(registry: Registry, port: PortRecord, platform: Platform | None) -> Sequence[UsageSource]:
    """The sources of usage of a port: those of its proxy, or of its storage if it has no proxy."""
    from alchemesh_platform.deployment.emulation import emulator_variables
    from alchemesh_platform.registration.narrowing import names_of
    from alchemesh_platform.registration.systems import Parts, installed_systems, part_of
    from alchemesh_platform.registry.records import ProductRecord
    from alchemesh_platform.sdk.connections.ports import PortConnections
    from alchemesh_platform.sdk.system.usage import MeteredPort, Metering, NotMetered

    connections = PortConnections.model_validate(port.connections)
    parts = Parts(installed_systems().offers("metering", lambda system: system.metering), part_of(Metering))
    connection = connections.proxy or connections.storage
    if connection is None:
        raise NotMetered("it is not deployed yet")
    name = next((each for each in names_of(connection) if each in parts), None)
    if name is None:
        raise NotMetered(f"nothing counts the requests to {port.proxy or port.storage}")
    product = registry.get(ProductRecord, port.environment, port.product)
    history = registry.history(port.environment, address=port.address)
    return parts[name].sources_of(
        MeteredPort(
            address=port.address,
            connection=connection,
            storage=connections.storage,
            consumers=tuple(_consumers_of(registry, port)),
            own=(product.identity["name"],) if product is not None and product.identity else (),
            since=history[-1].at if history else None,
            settings=platform.settings if platform is not None else {},
            environ={**os.environ, **(emulator_variables(platform) if platform is not None else {})},
        )
    )


def _consumers_of(registry: Registry, port: PortRecord) -> Iterator[Consumer]:
    """The consumers that the grants of a port name: first those of today, then those whose access has ended."""
    from alchemesh_platform.registry.records import GrantRecord

    grants = [each for each in registry.all(GrantRecord, port.environment, port.product) if each.port == port.address]
    known = {each.address for each in grants}
    for change in registry.history(port.environment, product=port.product, kind=GrantRecord):
        if change.address not in known and change.document.get("port") == port.address:
            known.add(change.address)
            grants.append(GrantRecord.model_validate(change.document))
    for grant in grants:
        yield _consumer(registry, grant)


def _consumer(registry: Registry, grant: GrantRecord) -> Consumer:
    """The consumer of a grant, with the people that it had last."""
    from alchemesh_platform.registry.records import ProductRecord
    from alchemesh_platform.sdk.code.identity import CodeIdentity
    from alchemesh_platform.sdk.consumer import Consumer

    of_product = grant.requester_kind == "data_product"
    product = registry.get(ProductRecord, grant.environment, grant.requester) if of_product else None
    known = product.identity if product is not None else None
    return Consumer(
        request=grant.address,
        kind=grant.requester_kind,
        address=grant.requester,
        users=tuple(each for each in grant.behind if "@" in each),
        teams=tuple(each for each in grant.behind if "@" not in each),
        product=grant.requester if of_product else None,
        identity=CodeIdentity(known["kind"], known["name"]) if known else None,
    )


def _versions(registry: Registry, environment: str, port: str) -> list[tuple[datetime, str]]:
    """The times at which versions of a port's contract began, in order; an empty version for a removed contract."""
    from alchemesh_platform.registry.records import ContractRecord

    found: list[tuple[datetime, str]] = []
    for change in reversed(registry.history(environment, address=port)):
        if change.kind != ContractRecord.kind:
            continue
        version = "" if change.change == "removed" else str(change.document.get("version", ""))
        if not found or found[-1][1] != version:
            found.append((change.at, version))
    return found


class _Consumers:
    """The consumers behind the users of systems, by the access requests that they have access by."""

    def __init__(self, registry: Registry, environment: str) -> None:
        self._registry, self._environment = registry, environment
        self._requesters: dict[str, tuple[str, str] | None] = {}

    def of(self, count: UsageCount) -> str:
        """The consumer, in the form of ``access request --as``; empty without a valid credential, and for own use."""
        if count.own or not count.user:
            return ""
        if count.request is None:
            return count.consumer or f"{UNKNOWN_USER}{count.user}"
        if count.request not in self._requesters:
            self._requesters[count.request] = self._requester(count.request)
        kind, address = self._requesters[count.request] or ("data_product", count.consumer)
        # A product that has access by the request of its team or domain is a consumer of its own.
        return f"{kind}:{address}" if count.consumer in ("", address) else f"data_product:{count.consumer}"

    def _requester(self, request: str) -> tuple[str, str] | None:
        from alchemesh_platform.registry.records import AccessRequestRecord

        record = self._registry.get(AccessRequestRecord, self._environment, request)
        return (record.requester_kind, record.requester) if record is not None else None


def _lines(
    reading: UsageReading,
    source: str,
    port: str,
    before: str,
    versions: Sequence[tuple[datetime, str]],
    consumers: _Consumers,
    now: datetime,
) -> list[UsageLine]:
    """The counts of a reading as lines: users of one consumer together; failures and unknown rows apart."""
    from alchemesh_platform.registry.usage.lines import UsageLine, hour_of, line_id

    starts = [at for at, _ in versions]
    sums: dict[tuple[Any, ...], list[UsageCount]] = {}
    for count in reading.counts:
        begun = bisect_right(starts, count.since)
        version = versions[begun - 1][1] if begun else ""
        own, unknown, failed = count.own, count.rows is None, not count.billable_requests
        key = (hour_of(count.since), count.protocol, consumers.of(count), version, own, unknown, failed)
        sums.setdefault(key, []).append(count)
    part = f"{before}\n{json.dumps(reading.position)}"
    return [
        UsageLine(
            id=line_id(source, part, *key),
            product=port.rpartition("/")[0],
            port=port,
            protocol=protocol,
            consumer=consumer,
            contract_version=version,
            hour=hour,
            requests=sum(count.requests for count in counts),
            billable_requests=sum(count.billable_requests for count in counts),
            errors=_sum(count.errors for count in counts),
            bytes_out=sum(count.bytes_out for count in counts),
            rows=_sum(count.rows for count in counts),
            seconds=sum(count.seconds for count in counts),
            own=own,
            received_at=now,
            source=source,
        )
        for key, counts in sums.items()
        for hour, protocol, consumer, version, own, _, _ in [key]
    ]


def _sum(numbers: Iterable[int | None]) -> int | None:
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def _report(registry: Registry, environment: str, port: str, unknown: str | None, *, elsewhere: bool) -> None:
    """Add the requests since the last report to the time series, or the reason why they are unknown.

    A machine that cannot see the gateway says nothing about a port that another machine meters.
    """
    from alchemesh_platform.measures.measure import USAGE
    from alchemesh_platform.measures.report import LONGEST_WINDOW, read_report
    from alchemesh_platform.registry.observations.series import PLATFORM, add_reports, latest
    from alchemesh_platform.registry.usage.positions import changing, received

    with changing(registry, environment, port) as joined:
        now = joined.now()
        found = latest(joined, environment, [port.rpartition("/")[0]])
        last = next((each for each in found if (each.subject, each.measure) == (port, USAGE)), None)
        if elsewhere and last is not None:
            return
        since = last.measured_at if last is not None else None
        window = min(now - since, LONGEST_WINDOW).total_seconds() if since is not None else 0.0
        value = (
            {"outcome": "unknown", "note": unknown}
            if unknown
            else {"value": received(joined, environment, port, since)}
        )
        document = {"measured_at": now, "window_seconds": max(window, 0.0), **value}
        report = read_report({"product": port.rpartition("/")[0], "subject": port, "measure": USAGE, **document})
        add_reports(joined, environment, [report], PLATFORM, now)
