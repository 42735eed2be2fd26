"""The identity of a consumer in a Kafka cluster: its user, and the names of its consumer groups.

If the platform creates users, each granted request has its own user. A renewal has another user than the earlier
request, so the end of one request does not affect the other.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.systems.kafka.cluster import ANSWER_SECONDS, Cluster, refusals

if TYPE_CHECKING:
    from alchemesh_platform.sdk.consumer import Consumer

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


def own_user(consumer: Consumer) -> str:
    """The user that the platform creates for one request: ``operations.punctuality.1f0c9a2b``."""
    end = hashlib.sha256(consumer.request.encode()).hexdigest()[:_END_DIGITS]
    return f"{_dotted(consumer.address)}.{end}"


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
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

    with refusals(cluster.access, f"look for user {user}"):
        try:
            described: Any = cluster.admin.describe_user_scram_credentials([user])
            described[user].result(ANSWER_SECONDS)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.RESOURCE_NOT_FOUND:
                raise NoSuchUser(
                    f"Kafka at {cluster.access.servers} has no user {user}",
                    hint=remedy("{} grants it access again", command("access", "apply")),
                ) from error
            raise
    password = new_password()
    information = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    change = UserScramCredentialUpsertion(user, information, password.encode())
    cluster.answer(cluster.admin.alter_user_scram_credentials([change])[user], f"give user {user} a password")
    return password


def _dotted(address: str) -> str:
    return address.replace("/", ".")
