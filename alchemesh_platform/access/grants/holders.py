"""The holders of credentials: each member of a consumer holds their own, and it ends when the member leaves.

The registry knows who holds a credential and since when, never the credential. The system of the port checks it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.access.requester import Requester, is_recorded, resolve
from alchemesh_platform.access.rights import representatives
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import joined, remedy
from alchemesh_platform.registration.systems import Parts, installed_systems, part_of
from alchemesh_platform.registry.audit import Act, acts_of, record_act
from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    CredentialRecord,
    GrantRecord,
    PortRecord,
    UserRecord,
)
from alchemesh_platform.sdk.connections.ports import PortConnections
from alchemesh_platform.sdk.system.credential import Credentials

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.sdk.connections.base import Connection

LEFT, EXPIRED, OVER = "the holder left", "it expired", "the access ended"


@dataclass(frozen=True, slots=True)
class Ended:
    """A credential that was ended.

    Args:
        holder: Its holder; the requester for a credential that all members shared.
        reason: Why it was ended.
    """

    request: str
    port: str
    user: str
    holder: str
    reason: str

    def as_json(self) -> dict[str, str]:
        """The ended credential as one JSON object."""
        return {
            "request": self.request,
            "port": self.port,
            "user": self.user,
            "holder": self.holder,
            "reason": self.reason,
        }


def issuer_of(port: PortRecord) -> tuple[Credentials, Connection] | None:
    """The credentials of a port's proxy, or else of its storage, with the connection; None if it has none."""
    offers = installed_systems().offers("credentials", lambda system: system.credentials)
    issuers = Parts(offers, part_of(Credentials))
    given = PortConnections.model_validate(port.connections)
    for connection in (given.proxy, given.storage):
        if connection is not None and connection.kind in issuers:
            return issuers[connection.kind], connection
    return None


def holders(
    registry: Registry, environment: str, *, product: str | None = None, request: str | None = None
) -> list[CredentialRecord]:
    """The credentials that are held, by holder; only those for ports of a product, or of a request."""
    found = registry.all(
        CredentialRecord, environment, product, where={"request": request} if request is not None else None
    )
    now = registry.now() if found else None
    current = [record for record in found if record.expires_at is None or now is None or now < record.expires_at]
    return sorted(current, key=lambda record: (record.request, record.holder, record.issued_at))


def end_former_credentials(
    registry: Registry,
    environment: str,
    identity: Identity,
    *,
    product: str | None = None,
    report: Callable[[str], None],
) -> list[Ended]:
    """End the credentials of members who left, of access that is over, and those that expired.

    Args:
        registry: The registry.
        environment: Name of the environment.
        identity: The acting user, for the audit.
        product: Only the credentials for ports of this product.
        report: Receives a line for each credential that could not be ended from here.

    Returns:
        The ended credentials. Those that could not be ended stay, and the next call tries again.
    """
    wanted: defaultdict[str, list[tuple[Ended, list[CredentialRecord]]]] = defaultdict(list)
    for ended, records in (
        *_held(registry, environment, product, report),
        *_shared_before(registry, environment, product),
    ):
        wanted[ended.port].append((ended, records))
    done: list[Ended] = []
    for address, found in sorted(wanted.items()):
        port = registry.get(PortRecord, environment, address)
        issuer = issuer_of(port) if port is not None else None
        over: Collection[str] = ()
        if issuer is not None:  # otherwise nothing accepts the credential any more
            try:
                over = issuer[0].end(issuer[1], list(dict.fromkeys(ended.user for ended, _ in found)))
            except Failure as failure:
                users = ", ".join(dict.fromkeys(ended.holder for ended, _ in found))
                still = remedy("{}: the credentials of {} still work: {}", address, users, failure.message)
                report(joined("; ", filter(None, (still, failure.hint))))
                continue
        for ended, records in found:
            for record in (*records, *_of_the_same_user(registry, environment, records)):
                registry.remove(CredentialRecord, environment, record.address)
            if records or ended.user in over:
                _record(registry, environment, identity, ended)
                done.append(ended)
    return done


def _held(
    registry: Registry, environment: str, product: str | None, report: Callable[[str], None]
) -> Iterator[tuple[Ended, list[CredentialRecord]]]:
    """The recorded credentials that have to end."""
    records = registry.all(CredentialRecord, environment, product)
    if not records:
        return
    recorded, now = is_recorded(registry, environment), registry.now()
    people: dict[Requester, frozenset[str]] = {}
    for record in records:
        request = registry.get(AccessRequestRecord, environment, record.request)
        reason = None
        if request is None or request.state != "granted":
            reason = OVER
        elif record.expires_at is not None and record.expires_at <= now:
            reason = EXPIRED
        elif recorded:
            requester = Requester.of(request)
            if requester not in people:
                people[requester] = representatives(registry, environment, requester)
            known = registry.get(UserRecord, environment, record.holder) is not None
            reason = None if known and record.holder in people[requester] else LEFT
        if reason is None:
            continue
        port = registry.get(PortRecord, environment, record.port)
        issuer = issuer_of(port) if port is not None else None
        of_product = request is not None and request.requester_kind == "data_product"
        if reason == LEFT and of_product and issuer is not None and (issuer[0].code_user or not issuer[0].by_member):
            report(f"{record.holder} left and knows the credential of {record.request} for {record.port}: replace it")
            continue  # its end would stop the product
        yield Ended(record.request, record.port, record.user, record.holder, reason), [record]


def _shared_before(
    registry: Registry, environment: str, product: str | None
) -> Iterator[tuple[Ended, list[CredentialRecord]]]:
    """Credentials without a recorded holder, which all members of a team shared, if a member left since the grant."""
    for grant in registry.all(GrantRecord, environment, product):
        if grant.requester_kind == "data_product":
            continue
        consumer = resolve(
            registry, environment, Requester(grant.requester_kind, grant.requester), request=grant.address
        )
        if not {who for who in grant.behind if "@" in who} - set(consumer.users):
            continue
        port = registry.get(PortRecord, environment, grant.port)
        issuer = issuer_of(port) if port is not None else None
        if issuer is None:
            continue
        user = issuer[0].shared_user(consumer)
        recorded = registry.all(CredentialRecord, environment, where={"request": grant.address})
        if issuer[0].code_user and not _was_issued(registry, environment, grant, user):
            continue
        if user not in {record.user for record in recorded}:
            yield Ended(grant.address, grant.port, user, grant.requester, LEFT), []


def _of_the_same_user(
    registry: Registry, environment: str, records: Collection[CredentialRecord]
) -> list[CredentialRecord]:
    """Records of other holders who have the password that ended."""
    users = {(record.request, record.user) for record in records}
    others = [
        other
        for request in {record.request for record in records}
        for other in registry.all(CredentialRecord, environment, where={"request": request})
    ]
    return [other for other in others if (other.request, other.user) in users and other not in records]


def _was_issued(registry: Registry, environment: str, grant: GrantRecord, user: str) -> bool:
    """Whether somebody received the credential of a request's user, and it did not end since."""
    for act in acts_of(registry, environment, grant.product):
        if act.address == grant.address and act.detail.get("user", user) == user:
            if act.operation == "access credential":
                return True
            if act.operation == "access credential end":
                return False
    return False


def _record(registry: Registry, environment: str, identity: Identity, ended: Ended) -> None:
    record_act(
        registry,
        Act(
            environment=environment,
            product=ended.port.rpartition("/")[0],
            operation="access credential end",
            address=ended.request,
            actor=identity.subject,
            issuer=identity.issuer,
            reason=ended.reason,
            detail={"port": ended.port, "user": ended.user, "holder": ended.holder},
            at=registry.now(),
        ),
    )


def expiry_of(valid_for_ends: datetime | None, request_ends: datetime | None) -> datetime | None:
    """The expiry of a credential: its own, unless the access ends earlier."""
    return min((end for end in (valid_for_ends, request_ends) if end is not None), default=None)
