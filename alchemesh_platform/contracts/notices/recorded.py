"""Recorded notices to the consumers of ports."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from alchemesh_platform.base.units import parse_duration
from alchemesh_platform.contracts.notices.period import WORDS, Notice, NoticeOf, moment_in_words
from alchemesh_platform.manifest.models import ContractLifecycle
from alchemesh_platform.registry.records import ContractRecord, NoticeRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

DEPRECATION: NoticeOf = "deprecation"


@dataclass(frozen=True, slots=True)
class GivenNotice:
    """A notice in force.

    Args:
        port: Address of the port.
        notice: The kind of the change, and when notice was given.
        given_by: The user that gave notice.
        passes_at: The time from which the change is allowed, in UTC.
        message: Further information for consumers.
    """

    port: str
    notice: Notice
    given_by: str
    passes_at: datetime
    message: str = ""

    def in_words(self, now: datetime) -> str:
        """The notice as a sentence for a consumer."""
        since = "may happen from" if self.passes_at > now else "may happen at any time, since"
        message = f": {self.message}" if self.message else ""
        what = f"{WORDS[self.notice.what]} of version {self.notice.version}"
        return f"{what} {since} {moment_in_words(self.passes_at)}{message}"

    def as_json(self) -> dict[str, Any]:
        """The notice as one flat JSON object."""
        return {
            "port": self.port,
            "what": self.notice.what,
            "version": self.notice.version,
            "given_at": self.notice.given_at.astimezone(UTC).isoformat(),
            "given_by": self.given_by,
            "passes_at": self.passes_at.isoformat(),
            "message": self.message,
        }


def notice_address(port: str, what: str, version: str) -> str:
    """``domain/product/port#removal@1.2.0``."""
    return f"{port}#{what}@{version}"


def same_major(one: str, other: str) -> bool:
    """Whether two versions have the same major version, to which a notice applies."""
    return one.partition(".")[0] == other.partition(".")[0]


def notices_of(registry: Registry, environment: str, ports: Collection[str]) -> dict[str, list[GivenNotice]]:
    """The notices in force of each port that has any, by address and in the order in which they were given.

    Args:
        registry: Registry that records the notices.
        environment: Name of the environment.
        ports: Addresses of output ports, of any products.
    """
    products = {port.rpartition("/")[0] for port in ports}
    records = registry.all(NoticeRecord, environment, where={"product": products, "port": ports}) if ports else []
    addresses = {record.port for record in records}
    contracts = registry.all(ContractRecord, environment, where={"address": addresses}) if addresses else []
    periods = {contract.address: period_of(contract) for contract in contracts}
    found: dict[str, list[GivenNotice]] = {}
    for record in sorted(records, key=lambda record: (record.given_at, record.address)):
        found.setdefault(record.port, []).append(given(record, periods.get(record.port)))
    return found


def period_of(contract: ContractRecord) -> timedelta | None:
    """The notice period of a recorded contract, even if other parts of it are unreadable."""
    period = (contract.document.get("terms") or {}).get("notice_period")
    return parse_duration(period) if period else None


def given(record: NoticeRecord, period: timedelta | None = None) -> GivenNotice:
    """A recorded notice, with the current notice period of the contract."""
    notice = Notice(
        cast("NoticeOf", record.what), record.version, record.given_at, timedelta(seconds=record.period_seconds)
    )
    return GivenNotice(record.port, notice, record.given_by, notice.passes_at(period), record.message)


def settle_notices(
    registry: Registry, before: ContractRecord | None, contract: ContractRecord, given_by: str, now: datetime
) -> None:
    """Update the notices of a port after a change of its recorded contract, within the transaction that records it.

    A notice is removed with its major version, and the notice of a deprecation is removed if the deprecation is
    withdrawn. Deploying a deprecation is itself the notice, unless notice was given before.

    Args:
        registry: Registry that records the notices.
        before: The earlier contract.
        contract: The current contract.
        given_by: The user that deployed it.
        now: The time, with its time zone.
    """
    reactivated = (
        before is not None
        and before.lifecycle == ContractLifecycle.DEPRECATED
        and contract.lifecycle == ContractLifecycle.ACTIVE
    )
    in_force = set()
    for each in _of_port(registry, contract):
        if not same_major(each.version, contract.version) or (each.what == DEPRECATION and reactivated):
            registry.remove(NoticeRecord, each.environment, each.address)
        else:
            in_force.add(each.what)
    if contract.lifecycle == ContractLifecycle.DEPRECATED and DEPRECATION not in in_force:
        registry.put(notice_record(contract, DEPRECATION, given_by, now))


def notice_record(
    contract: ContractRecord, what: NoticeOf, given_by: str, now: datetime, *, message: str = ""
) -> NoticeRecord:
    """The record of a notice given now, with the notice period of the contract."""
    period = period_of(contract) or timedelta(0)
    return NoticeRecord(
        environment=contract.environment,
        address=notice_address(contract.address, what, contract.version),
        product=contract.product,
        port=contract.address,
        what=what,
        version=contract.version,
        given_at=now,
        period_seconds=period.total_seconds(),
        given_by=given_by,
        message=message,
    )


def drop_notices(registry: Registry, contract: ContractRecord) -> None:
    """Remove the notices of a port whose contract is removed. The history keeps them."""
    for each in _of_port(registry, contract):
        registry.remove(NoticeRecord, each.environment, each.address)


def _of_port(registry: Registry, contract: ContractRecord) -> list[NoticeRecord]:
    return registry.all(NoticeRecord, contract.environment, contract.product, where={"port": contract.address})
