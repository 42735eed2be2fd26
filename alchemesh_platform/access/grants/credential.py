"""Issue the credential of a granted request to one of its members, for ports whose component requires one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from alchemesh_platform.access.finding import known_port, known_request
from alchemesh_platform.access.grants.holders import expiry_of, holders, issuer_of
from alchemesh_platform.access.requester import Requester, resolve
from alchemesh_platform.access.requests.states import describe_state, moment, next_step
from alchemesh_platform.access.rights import check_speaks_for
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.remedy import Command, command, remedy
from alchemesh_platform.registry.audit import Act, acts_of, record_act
from alchemesh_platform.registry.records import AccessRequestRecord, CredentialRecord, ProductRecord
from alchemesh_platform.registry.writes import Key
from alchemesh_platform.sdk.system.credential import Holder, IssuedCredential

if TYPE_CHECKING:
    from alchemesh_platform.access.requests.acts import Requests
    from alchemesh_platform.sdk.consumer import Consumer
    from alchemesh_platform.sdk.system.credential import Credentials


@dataclass(frozen=True, slots=True)
class Terms:
    """How long credentials are valid.

    Args:
        valid_for: Validity of a new credential; None: it ends with the access only.
        overlap: Validity of the previous credential after a rotation.
    """

    valid_for: timedelta | None = None
    overlap: timedelta = timedelta(days=1)


class NoCredential(Failure):
    """Raised when a request gets no credential; describes how its consumer gets access."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Handed:
    """A credential that was issued to a member of a consumer.

    Args:
        issued: The credential; shown once, never stored.
        record: Its record, without the secret.
        replaced: The previous credential of the holder, which stays valid during a rotation.
    """

    issued: IssuedCredential
    record: CredentialRecord
    replaced: CredentialRecord | None = None


def issue_credential(
    requests: Requests, address: str, terms: Terms | None = None, *, rotate: bool = False, code: bool = False
) -> Handed:
    """Issue a credential for a granted request to the acting user. This ends the user's earlier credential.

    Only the requester and the requester's people may do this: the right to decide about access gives no access.

    Args:
        requests: The requests, for the acting user.
        address: Address of the request.
        terms: Validity of credentials; by default they end with the access only.
        rotate: Whether the earlier credential stays valid for the overlap.
        code: Whether the credential is for code of products that reads through the request. A request of a data product
            has no other.

    Raises:
        UnknownRequest, NotAllowed: as for every operation on a request.
        NoCredential: when the request is not granted, its port requires no credential, or it cannot be rotated.
        BrokenSystem: when the package of the port's system cannot be loaded.
        Failure: when the system refuses to issue one.
    """
    registry, environment, holder = requests.registry, requests.environment, requests.identity.subject
    terms = terms or Terms()
    request = known_request(registry, environment, address)
    check_speaks_for(registry, requests.identity, request, "get the credential of")
    if request.state != "granted":
        raise NoCredential(f"there is no credential yet: {describe_state(request)}", hint=next_step(request))
    issuer = issuer_of(known_port(registry, environment, request.port))
    consumer = resolve(registry, environment, Requester.of(request), request=request.address)
    if issuer is None:
        raise _needs_none(request)
    credentials, connection = issuer
    if code and credentials.by_member and not credentials.code_user:
        raise NoCredential(
            f"the platform keeps the credential of code that reads {request.port}",
            hint=remedy("{} issues one for your code; {} your own", command("up"), _command(request)),
        )
    shared = is_shared(credentials, request, code=code)
    users = credentials.code_users(consumer) if shared else ()
    if rotate and len(users) == 1:
        raise NoCredential(
            f"the code that reads {request.port} through {request.address} has one credential, which cannot overlap "
            "with the next one",
            hint=remedy("{} replaces it at once", _command(request, "--code") if code else _command(request)),
        )
    now = requests.now
    replaceable = _replaceable(requests, request, credentials, consumer, shared=shared)
    if shared and rotate and not replaceable:
        replaceable = _issued_before(requests, request, credentials.shared_user(consumer))
    current = max(
        (record for record in replaceable if shared or record.holder == holder),
        key=lambda record: record.issued_at,
        default=None,
    )
    slot = 1 if current is None else 3 - current.slot if rotate else current.slot
    by_itself = now + terms.valid_for if terms.valid_for is not None and not shared else None
    issued = credentials.issue(connection, consumer, Holder(holder, slot, by_itself, shared))
    if issued is None:
        raise _needs_none(request)
    over = [each for each in replaceable if each.user == issued.user or not rotate]
    record = CredentialRecord(
        environment=environment,
        address=f"{request.address}/{issued.user}/{holder}",
        product=request.product,
        port=request.port,
        request=request.address,
        holder=holder,
        user=issued.user,
        slot=slot,
        issued_at=now,
        expires_at=expiry_of(by_itself, request.ends_at),
    )
    credentials.end(connection, sorted({each.user for each in over} - {issued.user}))
    overlapping: list[CredentialRecord] = []
    if rotate and current is not None:
        until = min(now + terms.overlap, current.expires_at or now + terms.overlap)
        credentials.limit(connection, current.user, until)
        of_user = [current, *(each for each in replaceable if each.user == current.user and each != current)]
        overlapping = [each.model_copy(update={"expires_at": until}) for each in of_user]
    removals = [Key(CredentialRecord, environment, each.address) for each in over if each.address != record.address]
    registry.write([record, *overlapping], removals)
    record_act(
        registry,
        Act(
            environment=environment,
            product=request.product,
            operation="access credential",
            address=request.address,
            actor=holder,
            issuer=requests.identity.issuer,
            detail={
                "port": request.port,
                "user": issued.user,
                **({"expires_at": record.expires_at.isoformat()} if record.expires_at is not None else {}),
                **({"rotates": current.user} if overlapping and current is not None else {}),
            },
            at=now,
        ),
    )
    return Handed(issued, record, overlapping[0] if overlapping else current)


def is_shared(credentials: Credentials, request: AccessRequestRecord, *, code: bool = False) -> bool:
    """Whether a credential belongs to the request: to the code that reads through it, and to each member who has it."""
    of_code = credentials.code_user and (code or request.requester_kind == "data_product")
    return of_code or not credentials.by_member


def _replaceable(
    requests: Requests, request: AccessRequestRecord, credentials: Credentials, consumer: Consumer, *, shared: bool
) -> list[CredentialRecord]:
    """The credentials that a new one can replace: those of the request's user, or those of the holder's own users."""
    held = holders(requests.registry, requests.environment, request=request.address)
    if not credentials.by_member:
        return held
    if not credentials.code_user:
        return [record for record in held if record.holder == requests.identity.subject]
    users = credentials.code_users(consumer)
    if shared:  # one password: the new one ends that of every other holder
        return [record for record in held if record.user in users]
    return [record for record in held if record.user not in users and record.holder == requests.identity.subject]


def _issued_before(requests: Requests, request: AccessRequestRecord, user: str) -> list[CredentialRecord]:
    """The last credential of the request's user that an earlier version issued: it recorded them in the audit only."""
    acts = [
        act
        for act in acts_of(requests.registry, requests.environment, request.product)
        if act.address == request.address
        and act.operation in ("access credential", "access credential end")
        and act.detail.get("user") in (None, user)
    ]
    return [
        CredentialRecord(
            environment=requests.environment,
            address=f"{request.address}/{user}/{act.actor}",
            product=request.product,
            port=request.port,
            request=request.address,
            holder=act.actor,
            user=user,
            slot=1,
            issued_at=act.at,
        )
        for act in acts[:1]
        if act.operation == "access credential"
    ]


def replaced_by(requests: Requests, address: str, *, rotate: bool = False, code: bool = False) -> list[str]:
    """The credentials that a new one of a request replaces, each as a sentence; empty if it replaces none.

    Args:
        requests: The requests, for the acting user.
        address: Address of the request.
        rotate: Whether the user's earlier credential stays valid for the overlap.
        code: Whether the credential is for code of products that reads through the request.

    Raises:
        UnknownRequest, NotAllowed: as for :func:`issue_credential`.
    """
    registry, environment = requests.registry, requests.environment
    request = known_request(registry, environment, address)
    check_speaks_for(registry, requests.identity, request, "get the credential of")
    issuer = issuer_of(known_port(registry, environment, request.port))
    if request.state != "granted" or issuer is None or rotate:
        return []  # there is nothing to issue, or the earlier one stays valid for now
    shared = is_shared(issuer[0], request, code=code)
    consumer = resolve(registry, environment, Requester.of(request), request=address)
    held = _replaceable(requests, request, issuer[0], consumer, shared=shared)
    if shared and not held:
        held = _issued_before(requests, request, issuer[0].shared_user(consumer))
    sentences = [
        f"the credential of {record.holder} for {request.port}, issued {moment(record.issued_at)}, stops working"
        for record in held
    ]
    running = request.requester_kind == "data_product" and registry.get(ProductRecord, environment, request.requester)
    if sentences and running and shared:
        sentences.append(f"{request.requester} is deployed and cannot read the port until its code has the new one")
    return sentences


def _command(request: AccessRequestRecord, *options: str) -> Command:
    return command("access", "credential", request.address, *options)


def _needs_none(request: AccessRequestRecord) -> NoCredential:
    return NoCredential(
        f"{request.port} needs no credential of the platform",
        hint=remedy("{} shows how its consumer gets access", command("access", "show", request.address)),
    )
