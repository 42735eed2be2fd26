"""Issues and ends the credentials of consumers for data APIs of this machine."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from alchemesh_platform.registration.protocol import addresses_by_protocol, known_protocols
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.system.credential import Credentials, Holder, IssuedCredential
from alchemesh_platform.systems.local.data_api.gateway.credentials import user_name
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.grants import end_credentials, join_member, limit_credential
from alchemesh_platform.systems.local.data_api.gateway.issue import issue


class DataApiCredentials(Credentials):
    """Credentials of data APIs on this machine: one user of the gateway for each member of a consumer."""

    by_member = True

    def issue(self, connection: DataApiConnection, consumer: Consumer, holder: Holder) -> IssuedCredential | None:
        """A new credential at the gateway; None if the data API requires none.

        Raises:
            CredentialFailed, GatewayFailed: when the gateway does not accept it.
        """
        if connection.credential_file is None:
            return None
        gateway = _gateway(connection)
        user = _user(holder, consumer.request)
        join_member(gateway, user=user, member=holder.member, request=consumer.request, expires_at=holder.expires_at)
        issued = issue(gateway, user)
        known = known_protocols()
        addresses = addresses_by_protocol(connection.model_dump())
        lines = (
            f"{protocol:<8}  {address}  {known[protocol].sign_in.format(user=issued.user)}"
            for protocol, address in addresses.items()
        )
        return IssuedCredential(issued.user, issued.password, addresses, tuple(lines))

    def shared_user(self, consumer: Consumer) -> str:
        """The user of the grant. Members of a team shared its credential before each had their own."""
        return user_name(consumer.address, consumer.request)

    def limit(self, connection: DataApiConnection, user: str, expires_at: datetime) -> None:
        """Let the credential of a user expire at another time."""
        if connection.credential_file is not None:
            limit_credential(_gateway(connection), user, expires_at)

    def end(self, connection: DataApiConnection, users: Collection[str]) -> Collection[str]:
        """End the credentials of users, and close their connections; returns the users that had one."""
        return end_credentials(_gateway(connection), users) if connection.credential_file is not None else ()


CREDENTIALS = DataApiCredentials()


def _gateway(connection: DataApiConnection) -> Gateway:
    return Gateway.at(Path(connection.credential_file or "").parent)


def _user(holder: Holder, request: str) -> str:
    return user_name(holder.member, request if holder.slot == 1 else f"{request} {holder.slot}")
