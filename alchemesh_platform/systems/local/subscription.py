"""Subscribers of data APIs on this machine. Each one has its own credential in its own file."""

from __future__ import annotations

from pathlib import Path

from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.system.subscription import Subscriber, SubscriberAccess
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.grants import join
from alchemesh_platform.systems.local.data_api.gateway.issue import is_good, issue, write_credential


class DataApiSubscribers(SubscriberAccess):
    """Connections of subscribers, with their credentials for the gateway."""

    def as_subscriber(self, connection: DataApiConnection, subscriber: Subscriber) -> DataApiConnection:
        """The data API with the subscriber's credential file instead of the product's own."""
        if connection.credential_file is None:
            return connection
        path = subscriber.credential_file
        return connection.model_copy(update={"credential_file": str(path) if path else None})

    def keeps_credential(self, connection: DataApiConnection, subscriber: Subscriber) -> bool:
        """Whether the data API requires a credential and the subscriber has a file for it."""
        return connection.credential_file is not None and subscriber.credential_file is not None

    def is_current(self, connection: DataApiConnection, subscriber: Subscriber) -> bool:
        """Whether the gateway accepts the credential in the file."""
        return is_good(_gateway(connection), _file(subscriber))

    def issue(self, connection: DataApiConnection, subscriber: Subscriber, consumer: Consumer) -> None:
        """A credential at the gateway, for the subscriber's product."""
        gateway = _gateway(connection)
        user = join(gateway, consumer=subscriber.product, request=consumer.request).user
        write_credential(_file(subscriber), issue(gateway, user))


SUBSCRIBERS = DataApiSubscribers()


def _gateway(connection: DataApiConnection) -> Gateway:
    return Gateway.at(Path(connection.credential_file or "").parent)


def _file(subscriber: Subscriber) -> Path:
    return subscriber.credential_file or Path()
