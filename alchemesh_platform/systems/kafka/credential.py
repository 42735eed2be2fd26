"""Issues and ends the credentials of consumers for topics whose users the platform creates."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress

from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.system.credential import Credentials, Holder, IssuedCredential
from alchemesh_platform.systems.kafka.client.cluster import Cluster
from alchemesh_platform.systems.kafka.client.rights import Right, grant_rights, revoke_rights, rights_of
from alchemesh_platform.systems.kafka.client.users import (
    MECHANISM,
    NoSuchUser,
    code_users,
    group_prefixes,
    is_member_user,
    member_groups,
    member_user,
    own_user,
    put_password,
    set_password,
)
from alchemesh_platform.systems.kafka.connections import TopicConnection


class TopicCredentials(Credentials):
    """Credentials of topics: two users of the cluster for each member, in turn, and one for the code of products.

    Kafka has no expiry for users. The platform ends an expired credential with its next run.
    """

    by_member = True
    code_user = True

    def issue(self, connection: TopicConnection, consumer: Consumer, holder: Holder) -> IssuedCredential | None:
        """A new password for the holder's user; None if the platform does not manage the cluster's users.

        Raises:
            SecretMissing, KafkaFailed, NoSuchUser: when the cluster does not accept it.
        """
        if not connection.issues_credentials:
            return None
        cluster = Cluster(connection.access)
        if holder.code:
            groups, user = group_prefixes(consumer), code_users(consumer)[holder.slot - 1]
            if user == own_user(consumer):
                password = set_password(cluster, user)
            else:
                grant_rights(cluster, _rights(connection, user, groups))
                password = put_password(cluster, user)
        else:
            groups, user = member_groups(consumer, holder.member), member_user(consumer, holder)
            grant_rights(cluster, _rights(connection, user, groups))
            password = put_password(cluster, user)
        protocol = connection.security.get("protocol")
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
            *([f"secret    {user}:PASSWORD, which the variable of the code holds"] if holder.code else []),
        )
        return IssuedCredential(user, password, valid_for, lines)

    def shared_user(self, consumer: Consumer) -> str:
        """The user of the request."""
        return own_user(consumer)

    def code_users(self, consumer: Consumer) -> tuple[str, ...]:
        """The user of the request, and a second one."""
        return code_users(consumer)

    def end(self, connection: TopicConnection, users: Collection[str]) -> Collection[str]:
        """Revoke the rights of members, and give users a password that is stored nowhere.

        A member's open connections lose access with the rights. The member's user stays without access until the grant
        ends: Kafka can lose other users when it restarts after a removal (docs/troubleshooting.md).

        Returns:
            The users that the cluster has.

        Raises:
            SecretMissing, KafkaFailed: when the cluster does not accept it.
        """
        over: list[str] = []
        if connection.issues_credentials and users:
            cluster = Cluster(connection.access)
            for user in users:
                if is_member_user(user):
                    revoke_rights(cluster, rights_of(cluster, user))
                with suppress(NoSuchUser):
                    set_password(cluster, user)
                    over.append(user)
        return over


CREDENTIALS = TopicCredentials()


def _rights(connection: TopicConnection, user: str, groups: Sequence[str]) -> list[Right]:
    topics = [*connection.topics.values(), *([connection.schema_topic] if connection.schema_topic else [])]
    return [*(Right(user, "topic", topic) for topic in topics), *(Right(user, "group", prefix) for prefix in groups)]
