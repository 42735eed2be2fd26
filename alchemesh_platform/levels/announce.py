"""Announce and cancel maintenance of a port, before it starts and as far as its contract allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.base.units import format_duration
from alchemesh_platform.levels.bounds import SLICE
from alchemesh_platform.levels.maintenance import in_force, longest_total
from alchemesh_platform.manifest.models import ServiceLevels
from alchemesh_platform.registry.audit import Act, record_act
from alchemesh_platform.registry.records import ContractRecord, MaintenanceRecord

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.registry.store import Registry

ANNOUNCE, CANCEL = "contract maintenance", "contract maintenance cancel"  # the names of actions
FARTHEST = timedelta(days=366)
TEXT_MAX = 2_000
MaintenanceState = Literal["announced", "running", "over", "cancelled"]


class MaintenanceRefused(Failure):
    """Raised when maintenance cannot be announced or cancelled."""

    exit_code = ExitCode.FORBIDDEN


def announce(
    registry: Registry,
    environment: str,
    port: str,
    starts_at: datetime,
    ends_at: datetime,
    identity: Identity,
    now: datetime,
    *,
    message: str = "",
) -> MaintenanceRecord:
    """Announce maintenance of a port. Announcing the same one again changes nothing.

    Args:
        port: Address of the output port.
        starts_at: Its start, a whole minute in the future.
        ends_at: Its end.
        identity: The person or pipeline that announces.
        now: The time of the registry.
        message: Further information for consumers.

    Raises:
        MaintenanceRefused: when it has started already, its times are impossible, or the contract does not allow it.
    """
    starts_at, ends_at = starts_at.astimezone(UTC), ends_at.astimezone(UTC)
    _check_times(starts_at, ends_at, now, message)
    with registry.transaction(_turn(environment, port)) as turn:
        contract = turn.get(ContractRecord, environment, port)
        levels = ServiceLevels.model_validate((contract.document if contract else {}).get("service_levels") or {})
        if contract is None or levels.uptime is None or not levels.maintenance:
            raise MaintenanceRefused(
                f"the contract of {port} in {environment} allows no maintenance",
                hint=remedy(
                    "add `uptime` and the longest `maintenance` to its service_levels, and deploy it with {}",
                    command("up"),
                ),
            )
        address = address_of(port, starts_at)
        before = turn.get(MaintenanceRecord, environment, address)
        if before is not None and before.cancelled_at is None:
            if before.ends_at == ends_at:
                return before
            until = _at(before.ends_at)
            raise MaintenanceRefused(
                f"maintenance of {port} that starts at {_at(starts_at)} is announced already, until {until}",
                hint=remedy("cancel it first: {}", command("contract", "maintenance", "cancel", port, _at(starts_at))),
            )
        others = [
            (each.starts_at, each.ends_at)
            for each in in_force(turn.all(MaintenanceRecord, environment, contract.product), now)
            if each.port == port
        ]
        total = longest_total([*others, (starts_at, ends_at)], levels.window_in_force)
        if total > levels.maintenance:
            window, allowed = format_duration(levels.window_in_force), format_duration(levels.maintenance)
            raise MaintenanceRefused(
                f"with it, {port} would be in maintenance for {_length(total)} within {window}, and its contract "
                f"allows {allowed}",
                hint="announce a shorter one, or a later one",
            )
        record = MaintenanceRecord(
            environment=environment,
            address=address,
            product=contract.product,
            port=port,
            starts_at=starts_at,
            ends_at=ends_at,
            announced_at=now,
            announced_by=identity.subject,
            message=message,
        )
        turn.put(record)
        _record(turn, ANNOUNCE, record, identity, now)
    return record


def cancel(
    registry: Registry, environment: str, port: str, starts_at: datetime, identity: Identity, now: datetime
) -> MaintenanceRecord:
    """Cancel maintenance that has not started yet. Cancelling it again changes nothing.

    Raises:
        MaintenanceRefused: when there is no such maintenance, or it has started.
    """
    with registry.transaction(_turn(environment, port)) as turn:
        record = turn.get(MaintenanceRecord, environment, address_of(port, starts_at.astimezone(UTC)))
        if record is None:
            raise MaintenanceRefused(
                f"no maintenance of {port} that starts at {_at(starts_at)} is announced in {environment}",
                hint=remedy("{} lists all", command("contract", "maintenance", "list")),
            )
        if record.cancelled_at is not None:
            return record
        if record.starts_at <= now:
            raise MaintenanceRefused(
                f"maintenance of {port} started at {_at(record.starts_at)}, so it cannot be cancelled any more"
            )
        cancelled = record.model_copy(update={"cancelled_at": now, "cancelled_by": identity.subject})
        turn.put(cancelled)
        _record(turn, CANCEL, cancelled, identity, now)
    return cancelled


def state_of(record: MaintenanceRecord, now: datetime) -> MaintenanceState:
    """The state of an announced maintenance at a time."""
    if record.cancelled_at is not None:
        return "cancelled"
    if now < record.starts_at:
        return "announced"
    return "running" if now < record.ends_at else "over"


def address_of(port: str, starts_at: datetime) -> str:
    """The address of the maintenance of a port that starts at a time."""
    return f"{port}#maintenance@{_at(starts_at)}"


def _check_times(starts_at: datetime, ends_at: datetime, now: datetime, message: str) -> None:
    if any(each.second or each.microsecond for each in (starts_at, ends_at)):
        raise MaintenanceRefused(
            "maintenance starts and ends at a whole minute", hint="uptime is measured in slices of 60 s"
        )
    if starts_at <= now:
        raise MaintenanceRefused(
            f"maintenance must be announced before it starts, and {_at(starts_at)} is not in the future",
            hint="give a later time; downtime that nobody announced counts",
        )
    if ends_at - starts_at < SLICE:
        raise MaintenanceRefused(f"maintenance that starts at {_at(starts_at)} cannot end at {_at(ends_at)}")
    if ends_at - now > FARTHEST:
        raise MaintenanceRefused(f"{_at(ends_at)} is more than {FARTHEST.days} days ahead")
    if len(message) > TEXT_MAX or "\0" in message:
        raise MaintenanceRefused(f"a message has at most {TEXT_MAX:,} characters, and no NUL character")


def _turn(environment: str, port: str) -> str:
    return f"maintenance {environment} {port}"


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def _length(span: timedelta) -> str:
    minutes = round(span / timedelta(minutes=1))
    return format_duration(timedelta(minutes=minutes))


def _record(registry: Registry, operation: str, record: MaintenanceRecord, identity: Identity, now: datetime) -> None:
    record_act(
        registry,
        Act(
            environment=record.environment,
            product=record.product,
            operation=operation,
            address=record.port,
            actor=identity.subject,
            issuer=identity.issuer,
            reason=record.message,
            detail={"starts_at": record.starts_at.isoformat(), "ends_at": record.ends_at.isoformat()},
            at=now,
        ),
    )
