"""Issue the credential of a granted request, for ports whose component requires one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_platform.access.finding import known_port, known_request
from alchemesh_platform.access.requester import Requester, resolve
from alchemesh_platform.access.requests.states import describe_state, next_step
from alchemesh_platform.access.rights import check_speaks_for
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.registration.systems import Parts, function_part, installed_systems
from alchemesh_platform.registry.audit import Act, record_act
from alchemesh_platform.sdk.connections.ports import PortConnections
from alchemesh_platform.sdk.credential import IssuedCredential

if TYPE_CHECKING:
    from alchemesh_platform.access.requests.acts import Requests
    from alchemesh_platform.sdk.consumer import Consumer


class NoCredential(Failure):
    """Raised when a request gets no credential; describes how its consumer gets access."""

    exit_code = ExitCode.USAGE


def issue_credential(requests: Requests, address: str) -> IssuedCredential:
    """Issue a credential for a granted request. This revokes an earlier credential.

    Only the requester and the requester's people may do this: the right to decide about access gives no access.

    Raises:
        UnknownRequest, NotAllowed: as for every operation on a request.
        NoCredential: when the request is not granted, or its port requires no credential.
        BrokenSystem: when the package of the port's system cannot be loaded.
        Failure: when the system refuses to issue one.
    """
    registry, environment = requests.registry, requests.environment
    request = known_request(registry, environment, address)
    check_speaks_for(registry, requests.identity, request, "get the credential of")
    if request.state != "granted":
        raise NoCredential(f"there is no credential yet: {describe_state(request)}", hint=next_step(request))
    given = PortConnections.model_validate(known_port(registry, environment, request.port).connections)
    consumer = resolve(registry, environment, Requester.of(request), request=request.address)
    issued = _issue(given, consumer)
    if issued is None:
        raise NoCredential(
            f"{request.port} needs no credential of the platform",
            hint=remedy("{} shows how its consumer gets access", command("access", "show", request.address)),
        )
    record_act(
        registry,
        Act(
            environment=environment,
            product=request.product,
            operation="access credential",
            address=request.address,
            actor=requests.identity.subject,
            issuer=requests.identity.issuer,
            detail={"port": request.port, "user": issued.user},
            at=requests.now,
        ),
    )
    return issued


def _issue(connections: PortConnections, consumer: Consumer) -> IssuedCredential | None:
    """A credential from the system of the proxy, or else of the storage; None if neither requires one."""
    issuers = Parts(installed_systems().offers("credential", lambda system: system.credentials), function_part)
    for connection in (connections.proxy, connections.storage):
        if connection is not None and connection.kind in issuers:
            issued = issuers[connection.kind](connection, consumer)
            if isinstance(issued, IssuedCredential):
                return issued
    return None
