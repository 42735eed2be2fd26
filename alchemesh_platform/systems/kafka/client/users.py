"""The identity of a consumer in a Kafka cluster: its users, and the names of its consumer groups.

If the platform creates users, each granted request has a user for the code of products, and each member of the consumer
has users of their own: two, which a rotation uses in turn. A renewal has other users than the earlier request, so the
end of one request does not affect the other.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.systems.kafka.client.cluster import ANSWER_SECONDS, Cluster, refusals

if TYPE_CHECKING:
    from alchemesh_platform.sdk.consumer import Consumer
    from alchemesh_platform.sdk.system.credential import Holder

MECHANISM = "SCRAM-SHA-512"
PASSWORD_BYTES = 32
ITERATIONS = 4096  # Kafka's minimum; enough, since the password is random
_END_DIGITS = 8


class NoSuchUser(Failure):
    """Raised when a cluster has no user for a request."""


def principals(consumer: Consumer) -> tuple[str, ...]:
    """The existing users of a consumer: ``domain.product``, ``domain.team``, or an email."""
    if consumer.product is not None:
        return (_dotted(consumer.product),)
    return tuple(dict.fromkeys([*(_dotted(team) for team in consumer.teams), *consumer.users]))


def principal_of(user: str) -> str:
    """The name of a user in Kafka's ACLs."""
    return f"User:{user}"


def user_of(principal: str) -> str:
    """The user of a name in Kafka's ACLs."""
    return principal.removeprefix("User:")


def own_user(consumer: Consumer) -> str:
    """The user that the platform creates for one request: ``operations.punctuality.1f0c9a2b``."""
    return f"{_dotted(consumer.address)}.{ending(consumer.request)}"


def code_users(consumer: Consumer) -> tuple[str, str]:
    """The users of the code that reads through a request: its own, and one that a rotation uses in turn with it.

    The second is named like the users of members, so that the resource of the members gives it the topics of the port,
    and removes it with the grant.
    """
    return own_user(consumer), f"{own_user(consumer)}.2"


def ending(request: str) -> str:
    """The part of the users' names that only the users of one request have."""
    return hashlib.sha256(request.encode()).hexdigest()[:_END_DIGITS]


def member_user(consumer: Consumer, holder: Holder) -> str:
    """The user of one member: ``ada@shop.example.1f0c9a2b.1``, and ``….2`` for the next credential of a rotation."""
    return f"{holder.member}.{ending(consumer.request)}.{holder.slot}"


def is_member_user(user: str, request_ending: str | None = None) -> bool:
    """Whether a user belongs to a member; of the request with an ending, if one is given."""
    found = re.fullmatch(rf".+\.([0-9a-f]{{{_END_DIGITS}}})\.[12]", user)
    return found is not None and request_ending in (None, found[1])


def member_groups(consumer: Consumer, member: str) -> tuple[str, ...]:
    """The prefixes of a member's groups: those of the teams, and the member's own."""
    return tuple(f"{name}." for name in dict.fromkeys([*(_dotted(team) for team in consumer.teams), member]))


def group_prefixes(consumer: Consumer) -> tuple[str, ...]:
    """The prefix of a consumer's groups; the same for all its requests, so that a renewal resumes reading."""
    return tuple(f"{name}." for name in principals(consumer))


def new_password() -> str:
    """A password of 256 random bits."""
    return secrets.token_urlsafe(PASSWORD_BYTES)


def set_password(cluster: Cluster, user: str) -> str:
    """Set and return a new password for a user. It is stored nowhere, and the earlier password stops working.

    Raises:
        NoSuchUser: when the cluster has no user of that name.
        KafkaFailed: when the cluster refuses.
    """
    if not has_user(cluster, user):
        raise NoSuchUser(
            f"Kafka at {cluster.access.servers} has no user {user}",
            hint=remedy("{} grants it access again", command("access", "apply")),
        )
    return put_password(cluster, user)


def put_password(cluster: Cluster, user: str) -> str:
    """Set and return a new password for a user, who is created if missing. It is stored nowhere. Raises KafkaFailed."""
    from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

    password = new_password()
    information = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    change = UserScramCredentialUpsertion(user, information, password.encode())
    cluster.answer(cluster.admin.alter_user_scram_credentials([change])[user], f"give user {user} a password")
    return password


def has_user(cluster: Cluster, user: str) -> bool:
    """Whether the cluster has a SCRAM user. Raises KafkaFailed."""
    from confluent_kafka import KafkaError, KafkaException

    with refusals(cluster.access, f"look for user {user}"):
        try:
            described: Any = cluster.admin.describe_user_scram_credentials([user])
            described[user].result(ANSWER_SECONDS)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.RESOURCE_NOT_FOUND:
                return False
            raise
    return True


def member_users(cluster: Cluster, request_ending: str) -> list[str]:
    """The users of the members of a request, also those whose credential ended. Raises KafkaFailed."""
    described: Any = cluster.admin.describe_user_scram_credentials()
    return sorted(user for user in cluster.answer(described, "list its users") if is_member_user(user, request_ending))


def remove_user(cluster: Cluster, user: str) -> None:
    """Remove a SCRAM user. A missing one is no error. Raises KafkaFailed."""
    from confluent_kafka.admin import ScramMechanism, UserScramCredentialDeletion

    if has_user(cluster, user):
        removal = UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_512)
        cluster.answer(cluster.admin.alter_user_scram_credentials([removal])[user], f"remove user {user}")


def _dotted(address: str) -> str:
    return address.replace("/", ".")
