"""Rights of users in a cluster, as ACLs: to read a topic, or to use a consumer group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.systems.kafka.client.cluster import Cluster
from alchemesh_platform.systems.kafka.client.users import principal_of, user_of

if TYPE_CHECKING:
    from confluent_kafka.admin import AclBinding, AclBindingFilter


@dataclass(frozen=True, slots=True)
class Right:
    """The right to read a topic, or to use the consumer groups with a prefix. Kafka stores equal rights once."""

    user: str
    kind: Literal["topic", "group"]
    name: str

    def __str__(self) -> str:
        return (
            f"user {self.user} may {'read topic' if self.kind == 'topic' else 'use groups that begin with'} {self.name}"
        )


def grant_rights(cluster: Cluster, rights: Iterable[Right]) -> None:
    """Grant rights, and wait until the brokers report them. Existing rights are no error. Raises KafkaFailed."""
    rights = list(rights)
    for right in rights:
        acl = _acl(right)
        cluster.answer(cluster.admin.create_acls([acl])[acl], f"have it that {right}")
    cluster.await_reported(
        lambda: next((f"it is not so that {right}" for right in missing_rights(cluster, rights)), None)
    )


def revoke_rights(cluster: Cluster, rights: Iterable[Right]) -> None:
    """Revoke rights, and wait until the brokers report it. Missing rights are no error. Raises KafkaFailed."""
    rights = list(rights)
    for right in rights:
        exactly = _exactly(right)
        cluster.answer(cluster.admin.delete_acls([exactly])[exactly], f"end it that {right}")

    def still_missing() -> str | None:
        gone = missing_rights(cluster, rights)
        return next((f"the brokers still report that {right}" for right in rights if right not in gone), None)

    cluster.await_reported(still_missing)


def missing_rights(cluster: Cluster, rights: Iterable[Right]) -> list[Right]:
    """The rights that the cluster does not have. Raises KafkaFailed."""
    found = []
    for right in rights:
        exactly = _exactly(right)
        if not cluster.answer(cluster.admin.describe_acls(exactly), f"look whether {right}"):
            found.append(right)
    return found


def rights_of(cluster: Cluster, user: str | None = None) -> list[Right]:
    """The rights of a user, or of all users, to read topics, and to use groups by their prefix. Raises KafkaFailed."""
    from confluent_kafka.admin import (
        AclBindingFilter,
        AclOperation,
        AclPermissionType,
        ResourcePatternType,
        ResourceType,
    )

    # Any resource, and any host.
    anything: Any = (ResourceType.ANY, None, ResourcePatternType.ANY)
    principal = principal_of(user) if user is not None else None
    reading: Any = (principal, None, AclOperation.READ, AclPermissionType.ALLOW)
    every = AclBindingFilter(*anything, *reading)
    found = cluster.answer(cluster.admin.describe_acls(every), f"look for the rights of user {user or 'any'}")
    topics = [Right(user_of(acl.principal), "topic", acl.name) for acl in found if acl.restype == ResourceType.TOPIC]
    groups = [Right(user_of(acl.principal), "group", acl.name) for acl in found if acl.restype == ResourceType.GROUP]
    return [*topics, *groups]


def _acl(right: Right) -> AclBinding:
    from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

    is_topic = right.kind == "topic"
    return AclBinding(
        ResourceType.TOPIC if is_topic else ResourceType.GROUP,
        right.name,
        ResourcePatternType.LITERAL if is_topic else ResourcePatternType.PREFIXED,
        principal_of(right.user),
        "*",
        AclOperation.READ,
        AclPermissionType.ALLOW,
    )


def _exactly(right: Right) -> AclBindingFilter:
    from confluent_kafka.admin import AclBindingFilter

    acl = _acl(right)
    where = (acl.restype, acl.name, acl.resource_pattern_type)
    return AclBindingFilter(*where, acl.principal, acl.host, acl.operation, acl.permission_type)
