"""Gives notice of a coming change of a port to its consumers, and withdraws notices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.contracts.notices.period import WORDS, NoticeOf
from alchemesh_platform.contracts.notices.recorded import (
    GivenNotice,
    given,
    notice_address,
    notice_record,
    notices_of,
    same_major,
)
from alchemesh_platform.contracts.notices.rights import check_announces
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.manifest.models import ContractLifecycle
from alchemesh_platform.registry.audit import Act, record_act
from alchemesh_platform.registry.records import ContractRecord, NoticeRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

GIVE, WITHDRAW = "contract notice", "contract notice withdraw"  # the names of actions
# The lifecycle that shows that a change is deployed. A removal or a breaking change leaves no notice.
_DONE: dict[ContractLifecycle, NoticeOf] = {
    ContractLifecycle.DEPRECATED: "deprecation",
    ContractLifecycle.RETIRED: "retirement",
}


class NothingPromised(Failure):
    """Raised when a user gives notice for a port without a contract."""


class NoSuchNotice(Failure):
    """Raised when a user withdraws a notice that does not exist."""


class HappenedAlready(Failure):
    """Raised when a user withdraws the notice of a change that is already deployed."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A notice in force, and whether this call gave it."""

    given: GivenNotice
    new: bool


def give_notice(
    registry: Registry,
    environment: str,
    port: str,
    what: NoticeOf,
    identity: Identity,
    now: datetime,
    *,
    message: str = "",
) -> Announced:
    """Give the consumers of a port notice of a coming change. The notice period starts now.

    A notice stays in force: giving it again changes nothing. If two users give it at the same time, the first counts.

    Args:
        registry: Registry that records the notice.
        environment: Name of the environment.
        port: Address of the output port.
        what: The kind of the coming change.
        identity: The user that gives notice.
        now: The time, with its time zone.
        message: Further information for consumers.

    Raises:
        NothingPromised: when the port has no contract, a draft or a retired one.
        NotAllowed: when the user may not give notice for this port.
    """
    with registry.transaction(turn_of(environment, port)) as turn:
        contract = _promised(turn, environment, port)
        check_announces(turn, environment, contract.product, identity)
        for current in notices_of(turn, environment, [port]).get(port, ()):
            if current.notice.what == what and same_major(current.notice.version, contract.version):
                return Announced(current, new=False)
        record = notice_record(contract, what, identity.subject, now, message=message)
        turn.put(record)
        announced = given(record)
        _record(turn, GIVE, record, identity, now, reason=message, passes_at=announced.passes_at.isoformat())
    return Announced(announced, new=True)


def withdraw_notice(
    registry: Registry, environment: str, port: str, what: NoticeOf, identity: Identity, now: datetime
) -> GivenNotice:
    """Withdraw a notice, as long as the change is not deployed.

    Raises:
        NothingPromised: when the port has no contract.
        NotAllowed: when the user may not withdraw notices of this port.
        NoSuchNotice: when no such notice exists.
        HappenedAlready: when the change is already deployed.
    """
    with registry.transaction(turn_of(environment, port)) as turn:
        contract = turn.get(ContractRecord, environment, port)
        if contract is None:
            raise NothingPromised(f"{port} has no contract in {environment}", hint="notices went with it")
        check_announces(turn, environment, contract.product, identity)
        in_force = notices_of(turn, environment, [port]).get(port, [])
        current = next((each for each in in_force if each.notice.what == what), None)
        if current is None:
            others = ", ".join(each.notice.what for each in in_force)
            raise NoSuchNotice(
                f"no notice of {WORDS[what]} exists for {port} in {environment}",
                hint=f"there is notice of: {others}"
                if others
                else remedy("{} lists the notices in force", command("contract", "notices")),
            )
        if _DONE.get(ContractLifecycle(contract.lifecycle)) == what:
            back = "write `lifecycle: active` and deploy it, which takes the deprecation back"
            raise HappenedAlready(
                f"{WORDS[what]} of {port} has happened: version {contract.version} is {contract.lifecycle}",
                hint=back if what == "deprecation" else "a retired version does not come back",
            )
        address = notice_address(port, what, current.notice.version)
        record = turn.get(NoticeRecord, environment, address)
        turn.remove(NoticeRecord, environment, address)
        if record is not None:
            _record(turn, WITHDRAW, record, identity, now)
    return current


def turn_of(environment: str, port: str) -> str:
    """The lock for writing a port's contract and its notices."""
    return f"contract {environment} {port}"


def _promised(registry: Registry, environment: str, port: str) -> ContractRecord:
    """The contract of a port on which consumers can rely."""
    contract = registry.get(ContractRecord, environment, port)
    if contract is None:
        raise NothingPromised(
            f"{port} has no contract in {environment}, so no notice is required",
            hint=remedy(
                "{} records a contract; notice applies to the recorded contract, not to the manifest", command("up")
            ),
        )
    if contract.lifecycle == ContractLifecycle.DRAFT:
        raise NothingPromised(
            f"version {contract.version} of {port} is a draft, which promises nothing: change it as you like",
            hint="notice is for what consumers rely on: an active or deprecated contract",
        )
    if contract.lifecycle == ContractLifecycle.RETIRED:
        raise NothingPromised(
            f"version {contract.version} of {port} is retired: nothing is promised any more",
            hint="you can remove the port now",
        )
    return contract


def _record(
    registry: Registry,
    operation: str,
    record: NoticeRecord,
    identity: Identity,
    now: datetime,
    *,
    reason: str = "",
    **more: str,
) -> None:
    record_act(
        registry,
        Act(
            environment=record.environment,
            product=record.product,
            operation=operation,
            address=record.port,
            actor=identity.subject,
            issuer=identity.issuer,
            reason=reason,
            detail={"what": record.what, "version": record.version, **more},
            at=now,
        ),
    )
