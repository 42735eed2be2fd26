"""Issues the credential of a consumer for topics whose users the platform creates."""

from __future__ import annotations

from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.credential import IssuedCredential
from alchemesh_platform.systems.kafka.cluster import Cluster
from alchemesh_platform.systems.kafka.connections import TopicConnection
from alchemesh_platform.systems.kafka.users import MECHANISM, group_prefixes, own_user, set_password


def topic_credential(connection: TopicConnection, consumer: Consumer) -> IssuedCredential | None:
    """A new password for the consumer's user in the cluster; None if the platform does not manage the cluster's users.

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
