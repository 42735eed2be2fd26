"""Subscribers of topics: each signs in as itself, with a password that it keeps itself."""

from __future__ import annotations

from typing import Any

from alchemesh_platform.sdk.subscription import Subscriber, SubscriberAccess
from alchemesh_platform.systems.kafka.connections import TopicConnection
from alchemesh_platform.systems.kafka.users import MECHANISM, own_user, principals


class TopicSubscribers(SubscriberAccess):
    """Users of the cluster."""

    def as_subscriber(self, connection: TopicConnection, subscriber: Subscriber) -> TopicConnection:
        """The topics with the subscriber's user and the name of its password, where the cluster asks for one.

        The user is that of its request, or, where users exist already, its own or its team's.
        """
        if not connection.security.get("mechanism"):
            return connection
        kept = {name: value for name, value in connection.security.items() if name not in ("username", "password")}
        security: dict[str, Any] = kept | ({"mechanism": MECHANISM} if connection.issues_credentials else {})
        consumer = subscriber.granted()
        if consumer is not None:
            team = f"{subscriber.product.partition('/')[0]}.{subscriber.team}"
            users = (own_user(consumer),) if connection.issues_credentials else principals(consumer)
            # A domain's teams are not known where no mesh is recorded.
            security["username"] = users[0] if users and team not in users else team
            security["password"] = {"secret": f"{subscriber.name.upper().replace('-', '_')}_PASSWORD"}
        return connection.model_copy(update={"security": security})


SUBSCRIBERS = TopicSubscribers()
