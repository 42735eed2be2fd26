"""Operations on access requests: request, decide, revoke, renew. One transaction writes the record and the act."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from alchemesh_platform.access.approval.facts import facts_of
from alchemesh_platform.access.approval.rules import AutoApproval, approved_at_once
from alchemesh_platform.access.finding import known_port, known_request
from alchemesh_platform.access.operating import Operating, Target
from alchemesh_platform.access.requester import Requester, check_known
from alchemesh_platform.access.requests.expiry import expire, open_requests, turn
from alchemesh_platform.access.requests.states import (
    FIRST,
    OPEN,
    InvalidTransition,
    advance,
    describe_state,
    is_due,
    moment,
    next_step,
)
from alchemesh_platform.access.requests.until import in_future
from alchemesh_platform.access.rights import check_asks, check_decides, check_takes_part, speaks_for
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.registry.audit import Act, record_act
from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    RequestState,
    RequestStep,
)

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.registry.store import Registry

_ADDRESS_BYTES = 4


class AlreadyAsked(Failure):
    """Raised when a requester already has an open request for a port; names the request."""

    def __init__(self, request: AccessRequestRecord) -> None:
        self.request = request
        super().__init__(
            f"{request.requester} already requested {request.port}: {describe_state(request)}", hint=next_step(request)
        )


class NotARequest(Failure):
    """Raised when a request is invalid: it has no purpose, or is for a port of the requesting product."""

    exit_code = ExitCode.USAGE


def _silent(_line: str) -> None:
    """The report of a caller that shows nothing."""


@dataclass(frozen=True, slots=True)
class Requests:
    """The access requests of an environment, for one acting user.

    Args:
        registry: The registry of the requests.
        environment: Name of the environment.
        identity: The acting user.
        auto: Policies that approve automatically.
        clock: Returns the current time; by default the registry's time.
        report: Receives the warnings of policies about the acting user.
    """

    registry: Registry
    environment: str
    identity: Identity
    auto: AutoApproval | None = None
    clock: Callable[[], datetime] | None = None
    report: Callable[[str], None] = _silent

    @property
    def now(self) -> datetime:
        """The current time."""
        return self.clock() if self.clock is not None else self.registry.now()

    def ask(
        self,
        port: str,
        requester: Requester,
        purpose: str,
        ends_at: datetime | None = None,
        *,
        renews: AccessRequestRecord | None = None,
        deploying: bool = False,
    ) -> AccessRequestRecord:
        """Request access. If a rule approves it automatically, the returned request is approved.

        Args:
            port: Address of the output port.
            requester: The requester.
            purpose: Purpose of the request.
            ends_at: The end of access; None for no end.
            renews: The request that this one renews; it may still be open.
            deploying: Whether the deployment of the requesting product makes the request. Any user that may deploy the
                product may then make it.

        Raises:
            NotAllowed, NotARequest, BadEnd, UnknownPort, UnknownRequester, AlreadyAsked: each with a fix.
        """
        now = self.now
        if not purpose.strip():
            raise NotARequest("a request needs a purpose", hint='--purpose "purpose of the access"')
        if ends_at is not None:
            in_future(ends_at, now)
        with self.registry.transaction(self._turn(port)) as registry:
            product = known_port(registry, self.environment, port).product
            if requester == Requester("data_product", product):
                raise NotARequest(f"{product} needs no request for its own ports")
            check_known(registry, self.environment, requester)
            if not deploying:
                check_asks(registry, self.environment, self.identity, requester)
            self._refuse_second(registry, port, requester, renews, now)
            request = AccessRequestRecord(
                environment=self.environment,
                address=_free_address(registry, self.environment),
                product=product,
                port=port,
                requester_kind=requester.kind,
                requester=requester.address,
                purpose=purpose.strip(),
                ends_at=ends_at,
                renews=renews.address if renews is not None else None,
                state=FIRST,
                steps=(RequestStep(state=FIRST, at=now, by=self.identity.subject),),
            )
            facts = facts_of(registry, self.environment, port, requester, request.purpose, ends_at)
            at_once = approved_at_once(facts, self.auto)
            if at_once is not None:
                request = advance(request, "approved", at=now, by=at_once.by, reason=at_once.reason)
            registry.put(request)
            detail = {"port": port, "requester": str(requester), "state": request.state}
            detail |= {"approved_by": at_once.by} if at_once is not None else {}
            detail |= {"renews": renews.address} if renews is not None else {}
            self._record(registry, "renew" if renews is not None else "request", request, request.purpose, detail)
        return request

    def approve(self, address: str, reason: str = "") -> AccessRequestRecord:
        """Approve a request; the next deployment of the port grants access.

        A policy of the mesh decides whether an owner may approve their own request; the audit records that it was one.

        Raises:
            UnknownRequest, NotAllowed, InvalidTransition: the last one names the earlier decision and its author.
        """
        found = known_request(self.registry, self.environment, address)
        own = found.steps[0].by == self.identity.subject or speaks_for(self.registry, self.identity, found)
        if own and found.state == FIRST:
            operating = Operating.of(self.registry, self.environment, self.identity)
            check_decides(self.registry, self.identity, found, "approve")
            right = operating.check("access approve", Target.product(found.product), own_request=True)
            for warning in right.warnings:
                self.report(f"warning: {warning}")
        return self._decide(address, "approved", "approve", reason, {"own_request": True} if own else {})

    def reject(self, address: str, reason: str = "") -> AccessRequestRecord:
        """Reject a request; raises as :meth:`approve` does."""
        return self._decide(address, "rejected", "reject", reason)

    def revoke(self, address: str, reason: str = "") -> AccessRequestRecord:
        """Revoke a request. The owner may revoke approved requests; the requester's people also undecided ones.

        Raises:
            UnknownRequest, NotAllowed, InvalidTransition: each with the users that may, or the request's status.
        """

        def revoked(registry: Registry, request: AccessRequestRecord, now: datetime) -> AccessRequestRecord:
            check_takes_part(registry, self.identity, request, "revoke")
            author = request.steps[0].by == self.identity.subject  # a platform owner may have made it for others
            if request.state == FIRST and not author and not speaks_for(registry, self.identity, request):
                raise InvalidTransition(request, "revoked")
            return advance(request, "revoked", at=now, by=self.identity.subject, reason=reason)

        return self._act(address, "revoke", reason, revoked)

    def extend(self, address: str, ends_at: datetime | None, reason: str = "") -> AccessRequestRecord:
        """Change the end date of an approved or granted request; the consumer keeps its access.

        Args:
            address: The request.
            ends_at: The new end, later or earlier than the old one; None for no end.
            reason: The reason for the change.

        Raises:
            BadEnd, UnknownRequest, NotAllowed, InvalidTransition: as for the other operations.
        """
        if ends_at is not None:
            in_future(ends_at, self.now)

        def moved(registry: Registry, request: AccessRequestRecord, now: datetime) -> AccessRequestRecord:
            check_decides(registry, self.identity, request, "extend")
            words = f"until {moment(ends_at.astimezone(UTC))}" if ends_at is not None else "without an end"
            why = f"{words}: {reason}" if reason else words
            if request.state == FIRST:
                raise InvalidTransition(request, "approved")
            extended = advance(request, request.state, at=now, by=self.identity.subject, reason=why)
            return extended.model_copy(update={"ends_at": ends_at})

        return self._act(address, "extend", reason, moved)

    def renew(self, address: str, ends_at: datetime | None, purpose: str = "") -> AccessRequestRecord:
        """Create a new request that replaces an expired or expiring one. It needs a decision like any other request.

        Both requests are valid until the old one ends, so that a consumer can switch.

        Raises:
            UnknownRequest, NotAllowed: as for the other operations.
            AlreadyAsked: when the request is undecided, does not end, or is being renewed.
        """
        request = known_request(self.registry, self.environment, address)
        check_takes_part(self.registry, self.identity, request, "renew")
        if request.state == FIRST or (request.state in OPEN and request.ends_at is None):
            raise AlreadyAsked(request)
        return self.ask(request.port, Requester.of(request), purpose or request.purpose, ends_at, renews=request)

    def _decide(
        self, address: str, to: RequestState, what: str, reason: str, detail: Mapping[str, Any] = MappingProxyType({})
    ) -> AccessRequestRecord:
        def decided(registry: Registry, request: AccessRequestRecord, now: datetime) -> AccessRequestRecord:
            if request.state != FIRST:
                raise InvalidTransition(request, to)
            check_decides(registry, self.identity, request, what)
            return advance(request, to, at=now, by=self.identity.subject, reason=reason)

        return self._act(address, what, reason, decided, detail)

    def _act(
        self,
        address: str,
        what: str,
        reason: str,
        change: Callable[[Registry, AccessRequestRecord, datetime], AccessRequestRecord],
        detail: Mapping[str, Any] = MappingProxyType({}),
    ) -> AccessRequestRecord:
        """Change the current request under a lock: concurrent changes run one after the other."""
        port = known_request(self.registry, self.environment, address).port
        now = self.now
        expired = False
        with self.registry.transaction(self._turn(port)) as registry:
            request = known_request(registry, self.environment, address)
            if is_due(request, now):
                request, expired = expire(registry, request, now), True
            else:
                request = change(registry, request, now)
                registry.put(request)
                self._record(registry, what, request, reason, {"state": request.state, "port": port, **detail})
        if expired:  # raised outside the transaction, which must commit the expiry
            raise InvalidTransition(request, _WANTED.get(what, request.state))
        return request

    def _refuse_second(
        self,
        registry: Registry,
        port: str,
        requester: Requester,
        renews: AccessRequestRecord | None,
        now: datetime,
    ) -> None:
        for request in open_requests(registry, self.environment, port, [requester]):
            if is_due(request, now):
                expire(registry, request, now)
            elif renews is None or request.address != renews.address:
                raise AlreadyAsked(request)

    def _turn(self, port: str) -> str:
        return turn(self.environment, port)

    def _record(
        self, registry: Registry, what: str, request: AccessRequestRecord, reason: str, detail: dict[str, Any]
    ) -> None:
        act = Act(
            environment=self.environment,
            product=request.product,
            operation=f"access {what}",
            address=request.address,
            actor=self.identity.subject,
            issuer=self.identity.issuer,
            reason=reason,
            detail=detail,
            at=request.steps[-1].at,
        )
        record_act(registry, act)


_WANTED: dict[str, RequestState] = {"approve": "approved", "reject": "rejected", "revoke": "revoked"}


def _free_address(registry: Registry, environment: str) -> str:
    while True:
        address = f"req-{secrets.token_hex(_ADDRESS_BYTES)}"
        if registry.get(AccessRequestRecord, environment, address) is None:
            return address
