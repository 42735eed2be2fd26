"""Access to output ports: request, decide, and deploy the decisions. The audit records every operation's actor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.access.approval.auto import auto_approval
from alchemesh_platform.access.grants.pending import products_to_apply
from alchemesh_platform.access.operating import Target
from alchemesh_platform.access.requests.acts import Requests
from alchemesh_platform.app.events import (
    GrantsApplied,
    GrantsNotApplied,
    Listener,
    Noted,
    RequestDecided,
    ignore,
    notes_to,
)
from alchemesh_platform.app.mesh.credentials import end_credentials
from alchemesh_platform.app.mesh.inbox import notify
from alchemesh_platform.app.programs import deploy_product
from alchemesh_platform.app.rights import check_recorded_right, record_take_over
from alchemesh_platform.app.usage.meter import meter_before
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.deployment.grants.apply import apply_grants
from alchemesh_platform.registry.records import GrantRecord
from alchemesh_platform.registry.store import Registry

if TYPE_CHECKING:
    from alchemesh_platform.access.grants.credential import Handed
    from alchemesh_platform.access.requester import Requester
    from alchemesh_platform.deployment.report.outcome import Outcome
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import AccessRequestRecord, RequestState


class NoLongerComposed(Failure):
    """Raised when a deployed manifest is no longer valid because a component or the platform file changed."""

    exit_code = ExitCode.PROBLEMS


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of deploying grants.

    Args:
        outcomes: Outcome by product; None if no grant had to change.
        failures: Failure by product whose deployment could not start.
    """

    outcomes: Mapping[str, Outcome | None] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """The exit code of the failures. If they differ, it is the exit code of a failed run."""
        codes = {failure.exit_code for failure in self.failures.values()}
        codes |= {
            ExitCode.FAILED for outcome in self.outcomes.values() if outcome is not None and not outcome.succeeded
        }
        return codes.pop() if len(codes) == 1 else ExitCode.FAILED if codes else ExitCode.DONE


@dataclass(frozen=True, slots=True)
class Decision:
    """A request after a decision.

    Args:
        request: The request.
        grant: The grant of the request, if it is deployed.
        applied: The deployment of the decision, if the caller requested it.
    """

    request: AccessRequestRecord
    grant: GrantRecord | None = None
    applied: Applied | None = None


def request(
    platform: Platform,
    actor: Identity,
    port: str,
    requester: Requester,
    purpose: str,
    *,
    ends_at: datetime | None = None,
    listen: Listener = ignore,
) -> AccessRequestRecord:
    """Request access to an output port.

    Args:
        platform: The environment.
        actor: The identity that makes the request.
        port: ``domain/product/port``.
        requester: The product, team, domain or user that gets access.
        purpose: Purpose of the request.
        ends_at: The end of access; None for no end.
        listen: Receives each event.
    """
    with _requests(platform, actor, listen) as requests:
        return requests.ask(port, requester, purpose, ends_at)


def find(
    platform: Platform,
    *,
    port: str | None = None,
    product: str | None = None,
    requester: str | None = None,
    states: tuple[RequestState, ...] = (),
    speaker: Identity | None = None,
) -> list[AccessRequestRecord]:
    """List requests, the latest first.

    Args:
        platform: The environment.
        port: Only for this output port.
        product: Only for the ports of this product.
        requester: Only requests of this requester: an address, or ``KIND:ADDRESS``.
        states: Only requests in these states.
        speaker: Only requests that this identity made, or may act on for its teams and products.
    """
    from alchemesh_platform.access.finding import list_requests
    from alchemesh_platform.access.rights import speaks_for

    with Registry.open(platform.registry) as registry:
        found = list_requests(
            registry, platform.environment, port=port, product=product, requester=requester, states=states
        )
        return [
            each
            for each in found
            if speaker is None or speaker.subject == each.steps[0].by or speaks_for(registry, speaker, each)
        ]


def show(platform: Platform, address: str) -> Decision:
    """A request, with its grant."""
    with Registry.open(platform.registry) as registry:
        return _decision(registry, platform, address)


def approve(
    platform: Platform,
    actor: Identity,
    address: str,
    reason: str = "",
    *,
    apply: bool = False,
    listen: Listener = ignore,
    cancel: threading.Event | None = None,
) -> Decision:
    """Approve a request.

    Args:
        platform: The environment.
        actor: The identity that decides: the owner of the product, or a platform owner.
        address: Address of the request.
        reason: The reason; recorded with the decision.
        apply: Whether to deploy the decision now, without other changes to the product.
        listen: Receives each event.
        cancel: Set it to stop a deployment cleanly.
    """
    with _requests(platform, actor, listen) as requests:
        return _decided(requests, platform, requests.approve(address, reason), apply, listen, cancel)


def reject(
    platform: Platform, actor: Identity, address: str, reason: str = "", *, listen: Listener = ignore
) -> Decision:
    """Reject a request; see :func:`approve` for the arguments."""
    with _requests(platform, actor, listen) as requests:
        return _decided(requests, platform, requests.reject(address, reason), False, listen, None)


def revoke(
    platform: Platform,
    actor: Identity,
    address: str,
    reason: str = "",
    *,
    apply: bool = False,
    listen: Listener = ignore,
    cancel: threading.Event | None = None,
) -> Decision:
    """Revoke access, or withdraw a request; see :func:`approve` for the arguments."""
    with _requests(platform, actor, listen) as requests:
        return _decided(requests, platform, requests.revoke(address, reason), apply, listen, cancel)


def renew(
    platform: Platform,
    actor: Identity,
    address: str,
    *,
    ends_at: datetime | None = None,
    purpose: str = "",
    listen: Listener = ignore,
) -> Decision:
    """Renew access that has ended or will end, with a new request that needs its own decision.

    Args:
        platform: The environment.
        actor: The requester, or one of its people.
        address: Address of the request to renew.
        ends_at: The new end of access; None for no end.
        purpose: Purpose of the request; unchanged by default.
        listen: Receives each event.
    """
    with _requests(platform, actor, listen) as requests:
        return _decided(requests, platform, requests.renew(address, ends_at, purpose), False, listen, None)


def extend(
    platform: Platform,
    actor: Identity,
    address: str,
    ends_at: datetime | None,
    reason: str = "",
    *,
    apply: bool = False,
    listen: Listener = ignore,
    cancel: threading.Event | None = None,
) -> Decision:
    """Change the end of approved or granted access. With None for ``ends_at``, access does not end by itself.

    See :func:`approve` for the other arguments.
    """
    with _requests(platform, actor, listen) as requests:
        return _decided(requests, platform, requests.extend(address, ends_at, reason), apply, listen, cancel)


def apply(
    platform: Platform,
    actor: Identity,
    product: str | None = None,
    *,
    take_over: str | None = None,
    listen: Listener = ignore,
    cancel: threading.Event | None = None,
) -> Applied:
    """Deploy the access decisions of a product, without its repo and without other changes to it.

    Args:
        platform: The environment.
        actor: The identity that deploys; the history and the audit record it.
        product: ``domain/product``; by default every product whose grants differ from the decisions.
        take_over: The reason to operate a product of another team of the domain. The audit records it.
        listen: Receives each event.
        cancel: Set it to stop cleanly.

    Raises:
        Failure: when ``product`` is given and its deployment cannot start, or the actor may not operate it. Without
            it, the result contains the failures.
    """
    with Registry.open(platform.registry) as registry:

        def check(address: str) -> None:
            target = Target.product(address)
            environment = platform.environment
            right = check_recorded_right(registry, environment, actor, "access apply", target, take_over=take_over)
            record_take_over(registry, environment, actor, right, target, take_over)

        if product is not None:
            check(product)
            end_credentials(registry, platform.environment, actor, product, listen=listen)
            return apply_to(registry, platform, actor, [product], listen=listen, cancel=cancel)
        end_credentials(registry, platform.environment, actor, listen=listen)
        found = products_to_apply(registry, platform.environment, registry.now())
        if not found:
            listen(Noted(f"nothing to do: all access decisions in {platform.environment} are deployed"))
        return apply_to(registry, platform, actor, found, check=check, listen=listen, cancel=cancel)


def apply_to(
    registry: Registry,
    platform: Platform,
    actor: Identity,
    products: Sequence[str],
    *,
    check: Callable[[str], None] = lambda _product: None,
    listen: Listener = ignore,
    cancel: threading.Event | None = None,
) -> Applied:
    """Deploy the access decisions of each product, in order; see :func:`apply` for the arguments.

    Args:
        check: Raises if the actor may not operate a product.
    """
    outcomes: dict[str, Outcome | None] = {}
    failures: dict[str, Failure] = {}
    for product in products:
        if cancel is not None and cancel.is_set():
            break
        try:
            check(product)
            meter_before(registry, platform.environment, product, notes_to(listen), platform=platform)
            outcome = apply_grants(
                registry,
                platform,
                product,
                deploy=deploy_product,
                report=notes_to(listen),
                actor=actor,
                cancel=cancel,
            )
        except (Failure, ProblemsFound) as error:
            if len(products) == 1:
                raise
            failures[product] = error if isinstance(error, Failure) else NoLongerComposed(str(error))
            listen(GrantsNotApplied(product, failures[product]))
            continue
        outcomes[product] = outcome
        listen(GrantsApplied(product, outcome))
    return Applied(outcomes, failures)


def credential(
    platform: Platform,
    actor: Identity,
    address: str,
    *,
    rotate: bool = False,
    code: bool = False,
    listen: Listener = ignore,
) -> Handed:
    """Issue the credential of a granted request to the actor. The registry keeps its holder, and the system its hash.

    Args:
        platform: The environment; it says how long credentials are valid.
        actor: The requester, or one of its people: the holder.
        address: Address of the request.
        rotate: Whether the actor's earlier credential stays valid for the overlap; otherwise it ends now.
        code: Whether the credential is for code of products that reads through the request.
        listen: Receives each event.
    """
    from alchemesh_platform.access.grants.credential import Terms, issue_credential

    terms = Terms(platform.credentials.valid_for, platform.credentials.overlap)
    with _requests(platform, actor, listen) as requests:
        return issue_credential(requests, address, terms, rotate=rotate, code=code)


def replaced_credentials(
    platform: Platform,
    actor: Identity,
    address: str,
    *,
    rotate: bool = False,
    code: bool = False,
    listen: Listener = ignore,
) -> list[str]:
    """What :func:`credential` would replace, each as a sentence. Changes nothing."""
    from alchemesh_platform.access.grants.credential import replaced_by

    with _requests(platform, actor, listen) as requests:
        return replaced_by(requests, address, rotate=rotate, code=code)


@contextmanager
def _requests(platform: Platform, actor: Identity, listen: Listener) -> Iterator[Requests]:
    with Registry.open(platform.registry) as registry:
        auto = auto_approval(registry, platform.environment, lambda line: listen(Noted(f"note: {line}")))
        yield Requests(registry, platform.environment, actor, auto, report=notes_to(listen))
    notify(platform, listen)


def _decided(
    requests: Requests,
    platform: Platform,
    decided: AccessRequestRecord,
    apply: bool,
    listen: Listener,
    cancel: threading.Event | None,
) -> Decision:
    listen(RequestDecided(decided))
    if not apply:
        return Decision(decided)
    registry, actor = requests.registry, requests.identity
    applied = apply_to(registry, platform, actor, [decided.product], listen=listen, cancel=cancel)
    return _decision(registry, platform, decided.address, applied)


def _decision(registry: Registry, platform: Platform, address: str, applied: Applied | None = None) -> Decision:
    from alchemesh_platform.access.finding import known_request

    found = known_request(registry, platform.environment, address)
    return Decision(found, registry.get(GrantRecord, platform.environment, address), applied)
