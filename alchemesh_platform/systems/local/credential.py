"""Issues the credential of a consumer for a data API of this machine."""

from __future__ import annotations

from pathlib import Path

from alchemesh_platform.registration.protocol import addresses_by_protocol, known_protocols
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.credential import IssuedCredential
from alchemesh_platform.systems.local.data_api.gateway.credentials import user_name
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.issue import issue


def data_api_credential(connection: DataApiConnection, consumer: Consumer) -> IssuedCredential | None:
    """A new credential at the gateway; None if the data API requires none.

    Raises:
        CredentialFailed, GatewayFailed: when the gateway does not accept it.
    """
    if connection.credential_file is None:
        return None
    gateway = Gateway.at(Path(connection.credential_file).parent)
    issued = issue(gateway, user_name(consumer.address, consumer.request))
    known = known_protocols()
    addresses = addresses_by_protocol(connection.model_dump())
    lines = (
        f"{protocol:<8}  {address}  {known[protocol].sign_in.format(user=issued.user)}"
        for protocol, address in addresses.items()
    )
    return IssuedCredential(issued.user, issued.password, addresses, tuple(lines))
