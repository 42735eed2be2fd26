"""Issues the credential of a consumer for topics whose users the platform creates."""

from __future__ import annotations

from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.credential import IssuedCredential
from alchemesh_platform.systems.kafka.cluster import Cluster
from alchemesh_platform.systems.kafka.connections import TopicConnection
from alchemesh_platform.systems.kafka.users import MECHANISM, group_prefixes, own_user, set_password


def topic_credential(connection: TopicConnection, consumer: Consumer) -> IssuedCredential | None:
    """A new password of the consumer's user at the cluster; None where the cluster keeps users of its own.

    Raises:
        SecretMissing, KafkaFailed, NoSuchUser: when the cluster does not take it.
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
