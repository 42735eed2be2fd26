"""Subscribers of topics. Each one signs in with its own user and its own password."""

from __future__ import annotations

from typing import Any

from alchemesh_platform.sdk.system.subscription import Subscriber, SubscriberAccess
from alchemesh_platform.systems.kafka.client.users import MECHANISM, own_user, principals
from alchemesh_platform.systems.kafka.connections import TopicConnection


class TopicSubscribers(SubscriberAccess):
    """Connections of subscribers, with their users of the cluster."""

    def as_subscriber(self, connection: TopicConnection, subscriber: Subscriber) -> TopicConnection:
        """The topics with the subscriber's user and the name of its password, if the cluster requires one.

        The user belongs to the request or, if the platform does not create users, to the product or its team.
        """
        if not connection.security.get("mechanism"):
            return connection
        kept = {name: value for name, value in connection.security.items() if name not in ("username", "password")}
        security: dict[str, Any] = kept | ({"mechanism": MECHANISM} if connection.issues_credentials else {})
        consumer = subscriber.granted()
        if consumer is not None:
            team = f"{subscriber.product.partition('/')[0]}.{subscriber.team}"
            users = (own_user(consumer),) if connection.issues_credentials else principals(consumer)
            # Without a recorded mesh, the teams of a domain are unknown.
            security["username"] = users[0] if users and team not in users else team
            security["password"] = {"secret": f"{subscriber.name.upper().replace('-', '_')}_PASSWORD"}
        return connection.model_copy(update={"security": security})


SUBSCRIBERS = TopicSubscribers()
