"""The items that wait for a person of the mesh: decisions, notices, ends of access, broken commitments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.access.requests.states import BECAME, GRANTING_STATES
from alchemesh_platform.access.rights import PLATFORM_OWNER, owner_of, people_of_request
from alchemesh_platform.base.remedy import Remedy, command, commands_of, remedy
from alchemesh_platform.contracts.notices.period import moment_in_words
from alchemesh_platform.contracts.notices.recorded import notices_of
from alchemesh_platform.observed.standing import broken_commitments
from alchemesh_platform.registry.records import AccessRequestRecord, RequestState, UserRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

ItemKind = Literal["decision wanted", "decided", "notice", "end of access", "broken commitment"]

RECENT = timedelta(days=30)  # how long a decision or a broken commitment stays in the inbox
SOON = timedelta(days=30)  # how early an end of access is in the inbox
_SHOWN: frozenset[RequestState] = frozenset({"approved", "granted", "rejected", "revoked", "expired"})


@dataclass(frozen=True, slots=True)
class Item:
    """One item of an inbox.

    Args:
        kind: The kind of the item.
        port: Address of the output port.
        sentence: The item in a sentence, without a full stop.
        recipients: Emails of the users that it is for, sorted.
        at: The time at which it came up, in UTC.
        due: The time by which to act; None if there is none.
        request: Address of the access request, if it is about one.
        remedy: The next step.
    """

    kind: ItemKind
    port: str
    sentence: str
    recipients: tuple[str, ...]
    at: datetime
    due: datetime | None = None
    request: str | None = None
    remedy: Remedy | None = None

    @property
    def id(self) -> str:
        """The same text each time that the item is read, so that it is delivered once."""
        about = self.request or self.port
        return f"{self.kind}:{about}:{(self.due or self.at).isoformat()}"

    def as_json(self) -> dict[str, Any]:
        """As one JSON object."""
        return {
            "kind": self.kind,
            "port": self.port,
            "sentence": self.sentence,
            "at": self.at.isoformat(),
            "due": self.due.isoformat() if self.due is not None else None,
            "request": self.request,
            "next": str(self.remedy) if self.remedy is not None else None,
            "commands": commands_of(self.remedy),
        }


def inbox_of(registry: Registry, environment: str, subject: str, now: datetime) -> list[Item]:
    """The items of one user, those to act on first."""
    return [item for item in all_items(registry, environment, now) if subject in item.recipients]


def all_items(registry: Registry, environment: str, now: datetime) -> list[Item]:
    """The items of all users: what is due first, then the newest.

    Args:
        now: The time, with its time zone.
    """
    requests = registry.all(AccessRequestRecord, environment)
    found = [
        *_decisions_wanted(registry, environment, requests),
        *_decided(registry, environment, requests, now),
        *_notices(registry, environment, requests, now),
        *_ends(registry, environment, requests, now),
        *_broken(registry, environment, requests, now),
    ]
    return sorted(found, key=lambda item: (item.kind != "decision wanted", item.due is None, _order(item)))


def _order(item: Item) -> float:
    return item.due.timestamp() if item.due is not None else -item.at.timestamp()


def _decisions_wanted(registry: Registry, environment: str, requests: Iterable[AccessRequestRecord]) -> Iterator[Item]:
    """Requests without a decision, for the owner of the product; without an owner, for the platform owners."""
    for request in requests:
        if request.state != "requested":
            continue
        owner = owner_of(registry, request)
        yield Item(
            "decision wanted",
            request.port,
            f"{request.requester_kind}:{request.requester} requests access to {request.port}: {request.purpose}",
            (owner,) if owner is not None else _platform_owners(registry, environment),
            request.steps[-1].at,
            request=request.address,
            remedy=remedy(
                "{} or {}", command("access", "approve", request.address), command("access", "reject", request.address)
            ),
        )


def _decided(
    registry: Registry, environment: str, requests: Iterable[AccessRequestRecord], now: datetime
) -> Iterator[Item]:
    """Recent decisions, for the people of the requester."""
    for request in requests:
        step = request.steps[-1]
        if request.state not in _SHOWN or now - step.at > RECENT:
            continue
        reason = f": {step.reason}" if step.reason else ""
        by = f" by {step.by}" if request.state in ("approved", "rejected", "revoked") else ""
        yield Item(
            "decided",
            request.port,
            f"access of {request.requester} to {request.port} {BECAME[request.state]}{by}{reason}",
            tuple(sorted(people_of_request(registry, request) - {step.by})),
            step.at,
            request=request.address,
            remedy=remedy("{} issues the credential", command("access", "credential", request.address))
            if request.state == "granted"
            else None,
        )


def _notices(
    registry: Registry, environment: str, requests: Iterable[AccessRequestRecord], now: datetime
) -> Iterator[Item]:
    """Notices of coming changes, for the people of each consumer of the port."""
    consumers = _people_by_port(registry, environment, requests)
    for port, notices in notices_of(registry, environment, consumers.keys()).items():
        for each in notices:
            yield Item(
                "notice",
                port,
                f"{port}: {each.in_words(now)}",
                consumers[port],
                each.notice.given_at,
                due=each.passes_at,
                remedy=remedy("{} shows the contract", command("contract", "show", port)),
            )


def _ends(
    registry: Registry, environment: str, requests: Iterable[AccessRequestRecord], now: datetime
) -> Iterator[Item]:
    """Access that ends soon, for the people of the requester."""
    renewed = {request.renews for request in requests if request.renews is not None}
    for request in requests:
        ends_at = request.ends_at
        if ends_at is None or request.state not in GRANTING_STATES or request.address in renewed:
            continue
        if now < ends_at <= now + SOON:
            yield Item(
                "end of access",
                request.port,
                f"access of {request.requester} to {request.port} ends at {moment_in_words(ends_at)}",
                tuple(sorted(people_of_request(registry, request))),
                request.steps[-1].at,
                due=ends_at,
                request=request.address,
                remedy=remedy("{} requests it again", command("access", "renew", request.address)),
            )


def _broken(
    registry: Registry, environment: str, requests: Iterable[AccessRequestRecord], now: datetime
) -> Iterator[Item]:
    """Changes of a port before the end of its notice period, for the people of each consumer."""
    consumers = _people_by_port(registry, environment, requests)
    for act in broken_commitments(registry, environment):
        if act.address in consumers and now - act.at <= RECENT:
            yield Item(
                "broken commitment",
                act.address,
                f"{act.actor} changed {act.address} before the end of its notice period: {act.reason}",
                consumers[act.address],
                act.at,
                remedy=remedy("{} shows the contract", command("contract", "show", act.address)),
            )


def _people_by_port(
    registry: Registry, environment: str, requests: Iterable[AccessRequestRecord]
) -> dict[str, tuple[str, ...]]:
    """The people of the consumers of each port."""
    found: dict[str, set[str]] = {}
    for request in requests:
        if request.state in GRANTING_STATES:
            found.setdefault(request.port, set()).update(people_of_request(registry, request))
    return {port: tuple(sorted(people)) for port, people in found.items()}


def _platform_owners(registry: Registry, environment: str) -> tuple[str, ...]:
    users = registry.all(UserRecord, environment)
    return tuple(sorted(user.address for user in users if PLATFORM_OWNER in user.personas))
