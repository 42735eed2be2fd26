"""Issues and ends the credentials of consumers for topics whose users the platform creates."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.credential import Credentials, Holder, IssuedCredential
from alchemesh_platform.systems.kafka.cluster import Cluster
from alchemesh_platform.systems.kafka.connections import TopicConnection
from alchemesh_platform.systems.kafka.users import MECHANISM, NoSuchUser, group_prefixes, own_user, set_password


class TopicCredentials(Credentials):
    """Credentials of topics: one user of the cluster for each request, which all members of the consumer share."""

    def issue(self, connection: TopicConnection, consumer: Consumer, holder: Holder) -> IssuedCredential | None:
        """A new password for the consumer's user; None if the platform does not manage the cluster's users.

        Raises:
            SecretMissing, KafkaFailed, NoSuchUser: when the cluster does not accept it.
        """
        if not connection.issues_credentials:
            return None
        user = own_user(consumer)
        password = set_password(Cluster(connection.access), user)
        protocol, groups = connection.security.get("protocol"), group_prefixes(consumer)
        valid_for = {
            "servers": list(connection.servers),
            "protocol": protocol,
            "mechanism": MECHANISM,
            "topics": connection.topics,
            "groups": list(groups),
        }
        lines = (
            f"servers   {', '.join(connection.servers)}  {protocol}, {MECHANISM}",
            *(f"topic     {topic}" for topic in connection.topics.values()),
            *(f"groups    {prefix}…" for prefix in groups),
        )
        return IssuedCredential(user, password, valid_for, lines)

    def shared_user(self, consumer: Consumer) -> str:
        """The user of the request."""
        return own_user(consumer)

    def end(self, connection: TopicConnection, users: Collection[str]) -> Collection[str]:
        """Give users a password that is stored nowhere; returns the users that the cluster has.

        Raises:
            SecretMissing, KafkaFailed: when the cluster does not accept it.
        """
        over: list[str] = []
        if connection.issues_credentials:
            cluster = Cluster(connection.access)
            for user in users:
                with suppress(NoSuchUser):
                    set_password(cluster, user)
                    over.append(user)
        return over


CREDENTIALS = TopicCredentials()
