"""Issuing the credential of a granted request, for ports whose component asks for one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.access.finding import known_port, known_request
from alchemesh_platform.access.requester import Requester, resolve
from alchemesh_platform.access.requests.states import next_step, reported
from alchemesh_platform.access.rights import check_speaks_for
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.registry.audit import Act, record_act
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.connections.ports import PortConnections
from alchemesh_platform.systems.kafka.connections import TopicConnection

if TYPE_CHECKING:
    from alchemesh_platform.access.requests.acts import Requests
    from alchemesh_platform.sdk.consumer import Consumer


class NoCredential(Failure):
    """Raised when there is no credential to be had for a request; says what lets its consumer in."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """A credential as it is told once, and where it is good.

    ``groups`` is what names of its consumer groups have to begin with, where it is good for topics.
    """

    request: str
    user: str
    password: str = field(repr=False)
    connection: DataApiConnection | TopicConnection
    groups: tuple[str, ...] = ()


def issue_credential(requests: Requests, address: str) -> IssuedCredential:
    """Make a credential for a granted request; the one before is refused from now on.

    Only the requester's own people may: who decides on access does not get in by that.

    Raises:
        UnknownRequest, NotAllowed: as for every act on a request.
        NoCredential: when it is not granted, or its port asks for no credential.
        CredentialFailed, GatewayFailed: when the gateway of a data API does not take it.
        SecretMissing, KafkaFailed, NoSuchUser: when a Kafka cluster does not take it.
    """
    registry, environment = requests.registry, requests.environment
    request = known_request(registry, environment, address)
    check_speaks_for(registry, requests.identity, request, "be told the credential of")
    if request.state != "granted":
        raise NoCredential(f"there is no credential yet: {reported(request)}", hint=next_step(request))
    given = PortConnections.model_validate(known_port(registry, environment, request.port).connections)
    consumer = resolve(registry, environment, Requester.of(request), request=request.address)
    if isinstance(given.proxy, DataApiConnection) and given.proxy.credential_file is not None:
        issued = _at_gateway(given.proxy, consumer)
    elif isinstance(given.storage, TopicConnection) and given.storage.issues_credentials:
        issued = _at_cluster(given.storage, consumer)
    else:
        raise NoCredential(
            f"{request.port} asks for no credential of ours",
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
            at=requests.clock(),
        ),
    )
    return issued


def _at_gateway(connection: DataApiConnection, consumer: Consumer) -> IssuedCredential:
    from alchemesh_platform.systems.local.data_api.gateway.credentials import user_name
    from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
    from alchemesh_platform.systems.local.data_api.gateway.issue import issue

    gateway = Gateway.at(Path(connection.credential_file or "").parent)
    issued = issue(gateway, user_name(consumer.address, consumer.request))
    without_file = connection.model_copy(update={"credential_file": None})
    return IssuedCredential(consumer.request, issued.user, issued.password, without_file)


def _at_cluster(connection: TopicConnection, consumer: Consumer) -> IssuedCredential:
    from alchemesh_platform.systems.kafka.cluster import Cluster
    from alchemesh_platform.systems.kafka.users import MECHANISM, group_prefixes, own_user, set_password

    user = own_user(consumer)
    password = set_password(Cluster(connection.access), user)
    security = {"protocol": connection.security.get("protocol"), "mechanism": MECHANISM, "username": user}
    theirs = connection.model_copy(update={"security": security})
    return IssuedCredential(consumer.request, user, password, theirs, group_prefixes(consumer))
