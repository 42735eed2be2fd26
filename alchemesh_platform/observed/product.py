"""The status of one product: its records, its last deployments, and the current health of its components."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.units import parse_duration
from alchemesh_platform.observed.measured import measure_statuses, product_state, state_status
from alchemesh_platform.observed.models import (
    AccessStatus,
    AssetStatus,
    CodeStatus,
    CommitmentStatus,
    ConsumedStatus,
    ContractStatus,
    FreshnessStatus,
    HolderStatus,
    IncidentStatus,
    InputStatus,
    NoticeStatus,
    OutputStatus,
    PartStatus,
    PlaceStatus,
    ProductStatus,
    TableStatus,
)
from alchemesh_platform.observed.observing import PATIENCE, Observed, Specs, observe_all
from alchemesh_platform.observed.promises import commitment_statuses, for_consumers, incident_statuses
from alchemesh_platform.registration.protocol import addresses_by_protocol
from alchemesh_platform.registry.observations.series import Observation as Measured
from alchemesh_platform.registry.observations.series import latest
from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    AssetRecord,
    ContractRecord,
    Deployment,
    MaintenanceRecord,
    PortRecord,
    ProductRecord,
)
from alchemesh_platform.sdk.observation import Health, Observation

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Operation, Registry

RUNS_SHOWN = 3
DEPLOYING: tuple[Operation, ...] = ("up", "refresh", "destroy")


def product_status(
    registry: Registry,
    environment: str,
    address: str,
    specs: Specs,
    *,
    patience: timedelta = PATIENCE,
    variables: Mapping[str, str] | None = None,
) -> ProductStatus:
    """The status of a product, which may also be undeployed.

    Args:
        registry: The registry of the environment.
        environment: The environment.
        address: ``domain/product``.
        specs: The catalogue of the components to observe.
        patience: The time limit for all observations together.
        variables: Variables with the addresses of emulators, in addition to those of this process.
    """
    product = registry.get(ProductRecord, environment, address)
    ports = registry.all(PortRecord, environment, address)
    last = next(iter(registry.deployments(address, environment, operations=DEPLOYING, limit=1)), None)
    if product is None and not ports:
        return ProductStatus(environment=environment, address=address, last_deployment=last)
    origins = {
        port.origin: registry.get(PortRecord, environment, port.origin or "") for port in ports if port.from_product
    }
    seen = _look(product, ports, origins, specs, patience, {**os.environ, **(variables or {})})
    assets = registry.all(AssetRecord, environment, address)
    contracts = {record.address: record for record in registry.all(ContractRecord, environment, address)}
    notices = _notices(registry, environment, ports)
    consumed = {(port.origin or "").rpartition("/")[0] for port in ports if port.from_product} - {""}
    measured = latest(registry, environment, [address, *consumed])
    watched = {port.address if port.direction == "output" else port.origin or "" for port in ports} - {""}
    promises = commitment_statuses(
        registry,
        environment,
        watched,
        {(each.subject, each.measure) for each in measured},
        datetime.now(UTC),
    )
    incidents = incident_statuses(registry, environment, watched)
    maintenance = registry.all(MaintenanceRecord, environment, where={"product": [address, *consumed]})
    inputs = tuple(
        _input(port, origins.get(port.origin), notices.get(port.origin or "", ()), seen)
        for port in ports
        if port.direction == "input"
    )
    outputs = tuple(
        _output(
            port,
            [asset for asset in assets if asset.port == port.address],
            contracts.get(port.address),
            notices.get(port.address, ()),
            seen,
            measured,
        )
        for port in ports
        if port.direction == "output"
    )
    holders = _holders(registry, environment, address)
    outputs = tuple(
        port.model_copy(
            update={
                "holders": holders.get(port.address, ()),
                "commitments": promises.get(port.address, ()),
                "incidents": incidents.get(port.address, ()),
            }
        )
        for port in outputs
    )
    status = ProductStatus(
        environment=environment,
        address=address,
        is_deployed=True,
        last_deployment=last,
        state=product_state(
            state_status(measured, address),
            [each for port in outputs for each in port.incidents],
            [each for each in maintenance if each.product == address],
            datetime.now(UTC),
        ),
        inputs=inputs,
        outputs=outputs,
        health=_worst(place.health for place in (*inputs, *outputs)),
    )
    if product is None:  # ports without a product: an `up` failed before it recorded the product
        return status
    needs = tuple(_need(name, need, seen) for name, need in product.needs.items())
    runs = registry.deployments(address, environment, operations=["run"], limit=RUNS_SHOWN)
    code = _code(product.code, tuple(runs), seen) if product.code else None
    return status.model_copy(
        update={
            **{name: getattr(product, name) for name in ("team", "owner", "version", "lifecycle", "description")},
            "inputs": tuple(
                _with_consumed(
                    _with_access(registry, environment, product, port), measured, promises, incidents, maintenance
                )
                for port in inputs
            ),
            "needs": needs,
            "code": code,
            "health": _worst([status.health, *(need.health for need in needs), code.health if code else None]),
        }
    )


# The observations, by the address of the port (or the name of the need) and the part.
_Seen = Mapping[tuple[str, str], Observation | None]
_SIDES = ("storage", "proxy")
LAST_RUN_FAILED = "the last run failed"


def _look(
    product: ProductRecord | None,
    ports: Iterable[PortRecord],
    origins: Mapping[str | None, PortRecord | None],
    specs: Specs,
    patience: timedelta,
    environ: Mapping[str, str],
) -> _Seen:
    things: dict[tuple[str, str], Observed] = {}
    for port in ports:
        offered = origins.get(port.origin) if port.from_product else port
        for side in _SIDES if offered else ():
            component = getattr(offered, side)
            connection = offered.connections.get(side) if offered else None
            if connection and side == "proxy" and port.from_product:
                connection = port.connections.get(side) or connection  # with the credential of this product
            if component and connection:
                consumer = _identity_of(product) if port.from_product else None
                things[port.address, side] = Observed(component, connection, consumer)
    for name, need in (product.needs if product else {}).items():
        if need.get("connection"):
            things[name, "need"] = Observed(str(need.get("component")), need["connection"])
    if product and product.code and product.code.get("connection"):
        things["code", "code"] = Observed(str(product.code.get("component")), product.code["connection"])
    return dict(zip(things, observe_all(list(things.values()), specs, patience, environ), strict=True))


def _identity_of(product: ProductRecord | None) -> str | None:
    return product.identity.get("name") if product is not None and product.identity is not None else None


def _notices(registry: Registry, environment: str, ports: Iterable[PortRecord]) -> dict[str, tuple[NoticeStatus, ...]]:
    """The notices to the consumers of each output port that belongs to this product or that it reads, by address."""
    from alchemesh_platform.contracts.notices.recorded import notices_of

    offered = {port.address for port in ports if port.direction == "output"}
    read = {port.origin for port in ports if port.from_product and port.origin}
    return {
        port: tuple(
            NoticeStatus(
                what=given.notice.what,
                version=given.notice.version,
                given_at=given.notice.given_at,
                given_by=given.given_by,
                passes_at=given.passes_at,
                message=given.message,
            )
            for given in reported
        )
        for port, reported in notices_of(registry, environment, offered | read).items()
    }


def _holders(registry: Registry, environment: str, product: str) -> dict[str, tuple[HolderStatus, ...]]:
    """The holders of credentials for each output port of a product, by address."""
    from alchemesh_platform.access.grants.holders import holders

    found: dict[str, tuple[HolderStatus, ...]] = {}
    for record in holders(registry, environment, product=product):
        request = registry.get(AccessRequestRecord, environment, record.request)
        status = HolderStatus(
            holder=record.holder,
            request=record.request,
            requester=request.requester if request is not None else "",
            user=record.user,
            since=record.issued_at,
            expires_at=record.expires_at,
        )
        found[record.port] = (*found.get(record.port, ()), status)
    return found


def _input(port: PortRecord, origin: PortRecord | None, notices: tuple[NoticeStatus, ...], seen: _Seen) -> InputStatus:
    if port.from_product and origin is None:
        reason = f"{port.origin} is not deployed in {port.environment}"
        parts: tuple[PartStatus, ...] = (
            PartStatus(component=port.storage, component_type=port.storage_type, health="unhealthy", reason=reason),
        )
    else:
        parts = _parts(origin or port, port.address, seen)
    return InputStatus(
        name=_name(port.address),
        address=port.address,
        description=port.description,
        origin=port.origin,
        from_product=port.from_product,
        notices=notices,
        parts=parts,
        tables=_tables(seen.get((port.address, "storage"))),
        health=_worst(part.health for part in parts),
    )


def _with_access(registry: Registry, environment: str, product: ProductRecord, port: InputStatus) -> InputStatus:
    """The port with the status of its access request, if one exists."""
    if not port.from_product or port.origin is None:
        return port
    from alchemesh_platform.access.grants.consuming import counting_requesters, request_for

    requesters = counting_requesters(product.address, product.team)
    request = request_for(registry, environment, port.origin, requesters, datetime.now(UTC))
    if request is None:
        return port
    step = request.steps[-1]
    access = AccessStatus(
        request=request.address,
        state=request.state,
        at=step.at,
        by=step.by,
        reason=step.reason,
        ends_at=request.ends_at,
    )
    return port.model_copy(update={"access": access})


def _with_consumed(
    port: InputStatus,
    measured: list[Measured],
    promises: Mapping[str, tuple[CommitmentStatus, ...]],
    incidents: Mapping[str, tuple[IncidentStatus, ...]],
    maintenance: list[MaintenanceRecord],
) -> InputStatus:
    """The port with promise and truth of the port that it reads, if its consumer has access."""
    if port.origin is None or port.access is None or port.access.state != "granted":
        return port
    opened = for_consumers(incidents.get(port.origin, ()))
    state = product_state(
        state_status(measured, port.origin.rpartition("/")[0]),
        opened,
        [each for each in maintenance if each.port == port.origin],
        datetime.now(UTC),
    )
    consumed = ConsumedStatus(state=state, commitments=for_consumers(promises.get(port.origin, ())), incidents=opened)
    return port.model_copy(update={"consumed": consumed})


def _output(
    port: PortRecord,
    assets: Iterable[AssetRecord],
    contract: ContractRecord | None,
    notices: tuple[NoticeStatus, ...],
    seen: _Seen,
    measured: list[Measured],
) -> OutputStatus:
    parts = _parts(port, port.address, seen)
    freshness = _freshness(contract, seen.get((port.address, "proxy")))
    if freshness is not None and freshness.kept is False:
        parts = (*parts[:-1], _late(parts[-1], freshness))
    tables = {table.name: table for table in _tables(seen.get((port.address, "storage")))}
    proxy = port.connections.get("proxy") or {}
    promised, now = contract.document if contract else None, datetime.now(UTC)
    of_contract = measure_statuses(measured, port.address, promised, now)
    return OutputStatus(
        name=_name(port.address),
        address=port.address,
        description=port.description,
        parts=parts,
        health=_worst(part.health for part in parts),
        endpoints=addresses_by_protocol(proxy),
        assets=tuple(
            AssetStatus(
                address=asset.address,
                measures=measure_statuses(measured, asset.address, promised, now),
                **(tables.pop(asset.model, None) or TableStatus(name=asset.model)).model_dump(),
            )
            for asset in assets
        ),
        tables=tuple(tables.values()),
        contract=ContractStatus(
            version=contract.version,
            lifecycle=contract.lifecycle,
            access=contract.access,
            notice_period=(contract.document.get("terms") or {}).get("notice_period"),
        )
        if contract
        else None,
        freshness=freshness,
        tests=tuple(each for each in of_contract if each.unit == "verdict"),
        measures=tuple(each for each in of_contract if each.unit != "verdict"),
        notices=notices,
    )


def _freshness(contract: ContractRecord | None, observation: Observation | None) -> FreshnessStatus | None:
    """The freshness that a contract promises, and whether it is kept; None without a promise."""
    promised = ((contract.document.get("service_levels") or {}) if contract else {}).get("freshness")
    if promised is None:
        return None
    lag = observation.lag_seconds if observation else None
    kept = None if lag is None else lag <= parse_duration(promised).total_seconds()
    return FreshnessStatus(promised=promised, lag_seconds=lag, kept=kept)


def _late(proxy: PartStatus, freshness: FreshnessStatus) -> PartStatus:
    """A proxy that breaks the promised freshness."""
    if proxy.health not in ("healthy", "empty", None):
        return proxy
    waited = f"consumers wait {freshness.lag_seconds:.0f} s for a change"
    reason = f"{waited}, and the contract promises {freshness.promised}"
    return proxy.model_copy(update={"health": "unhealthy", "reason": reason})


def _need(name: str, need: Mapping[str, Any], seen: _Seen) -> PlaceStatus:
    observation = seen.get((name, "need"))
    part = _part(str(need.get("component", "")), str(need.get("component_type", "")), observation)
    if part.health == "empty":  # intermediate data comes and goes
        part = part.model_copy(update={"health": "healthy"})
    return PlaceStatus(name=name, parts=(part,), tables=_tables(observation), health=part.health)


def _code(code: Mapping[str, Any], runs: tuple[Deployment, ...], seen: _Seen) -> CodeStatus:
    job = code.get("connection") or {}
    part = _part(str(code.get("component", "")), str(code.get("component_type", "")), seen.get(("code", "code")))
    if runs and runs[0].outcome == "failed" and part.health != "unhealthy":
        part = part.model_copy(update={"health": "unhealthy", "reason": LAST_RUN_FAILED})
    return CodeStatus(
        name="code",
        parts=(part,),
        health=part.health,
        entrypoint=job.get("entrypoint"),
        schedule=job.get("schedule"),
        time_zone=job.get("time_zone"),
        engine=job.get("engine"),
        next_run_at=_next_run(job.get("schedule"), job.get("time_zone")),
        runs=runs,
    )


def _next_run(schedule: str | None, time_zone: str | None) -> datetime | None:
    """The next time of a schedule; None if this installation cannot calculate it."""
    from zoneinfo import ZoneInfoNotFoundError

    from alchemesh_platform.sdk.code.timetable import Timetable

    try:
        return None if schedule is None else Timetable(schedule, time_zone or "UTC").next_after(datetime.now(UTC))
    except (ImportError, ValueError, ZoneInfoNotFoundError):
        return None


def _parts(port: PortRecord, seen_as: str, seen: _Seen) -> tuple[PartStatus, ...]:
    storage = _part(port.storage, port.storage_type, seen.get((seen_as, "storage")))
    if port.proxy is None:
        return (storage,)
    return storage, _part(port.proxy, port.proxy_type or "", seen.get((seen_as, "proxy")))


def _part(component: str, component_type: str, observation: Observation | None) -> PartStatus:
    health = observation.health if observation else None
    reason = observation.reason if observation else ""
    counts = [table.rows for table in observation.tables.values()] if observation else []
    if health == "healthy" and counts and all(rows == 0 for rows in counts):
        health, reason = "empty", reason or "no rows"
    return PartStatus(component=component, component_type=component_type, health=health, reason=reason)


def _tables(observation: Observation | None) -> tuple[TableStatus, ...]:
    return tuple(
        TableStatus(
            name=name,
            rows=table.rows,
            size_bytes=table.size_bytes,
            changed_at=table.changed_at,
            retention=table.retention,
            vacuumed_at=table.vacuumed_at,
            overdue_files=table.overdue_files,
        )
        for name, table in (observation.tables if observation else {}).items()
    )


def _worst(healths: Iterable[Health | None]) -> Health | None:
    found = set(healths)
    order: tuple[Health, ...] = ("unhealthy", "unknown", "empty", "healthy")
    return next((health for health in order if health in found), None)


def _name(address: str) -> str:
    return address.rpartition("/")[2]
