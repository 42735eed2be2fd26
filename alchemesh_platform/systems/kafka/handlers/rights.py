"""Rights of an existing Kafka user, which may also need the same rights for another grant."""

from __future__ import annotations

from pydantic import Field

from alchemesh_platform.provider.handler import Context, Handler
from alchemesh_platform.provider.inputs import Properties
from alchemesh_platform.registry.records import GrantRecord
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.kafka.client.access import KafkaAccess
from alchemesh_platform.systems.kafka.client.cluster import Cluster
from alchemesh_platform.systems.kafka.client.rights import Right, grant_rights, missing_rights, revoke_rights
from alchemesh_platform.systems.kafka.client.users import principal_of
from alchemesh_platform.systems.kafka.handlers.topic import TopicName


class RightsInputs(Properties):
    """The rights of a user, and the access request that they answer."""

    kafka: KafkaAccess = Field(description="The cluster, and how it is reached; passwords as {secret: NAME}.")
    user: str = Field(min_length=1, description="The user.")
    topics: tuple[TopicName, ...] = Field(description="Topics of the port, which it may read.")
    shared_topics: tuple[TopicName, ...] = Field(
        default=(), description="Topics that it may read beside those of any port."
    )
    group_prefixes: tuple[str, ...] = Field(default=(), description="How the groups that it may use begin.")
    environment: str = Field(min_length=1, description="The environment whose grants are looked at.")
    port: str = Field(min_length=1, description="Address of the port.")
    request: str | None = Field(
        default=None, description="The access request that it answers; without one, nothing is ever taken away."
    )


class RightsOutputs(Properties):
    """The user with access."""

    principal: str = Field(description="The user, as Kafka calls it: User:….")


class RightsHandler(Handler[RightsInputs, RightsOutputs]):
    """Kafka stores equal ACLs once, so deleting this resource keeps ACLs that another granted request needs."""

    pulumi_type = "alchemesh:kafka:Rights"
    summary = "Rights of a Kafka user that exists already. Rights that another grant of the user needs are kept."
    inputs = RightsInputs
    outputs = RightsOutputs
    replace_on = frozenset({"user", "environment", "port", "request"})

    def identify(self, inputs: RightsInputs) -> str:
        return f"{inputs.request or inputs.port}:{inputs.user}"

    def drift(self, inputs: RightsInputs, outputs: RightsOutputs, context: Context) -> Drift | None:
        gone = missing_rights(Cluster(inputs.kafka), _rights(inputs))
        return Drift(f"missing right: {gone[0]}; `up` grants it again", "principal") if gone else None

    def create(self, inputs: RightsInputs, context: Context) -> RightsOutputs:
        grant_rights(Cluster(inputs.kafka), _rights(inputs))
        return RightsOutputs(principal=principal_of(inputs.user))

    def read(
        self, inputs: RightsInputs, outputs: RightsOutputs, context: Context
    ) -> tuple[RightsInputs, RightsOutputs] | None:
        rights = _rights(inputs)
        return (inputs, outputs) if len(missing_rights(Cluster(inputs.kafka), rights)) < len(rights) else None

    def update(
        self, inputs: RightsInputs, old_inputs: RightsInputs, outputs: RightsOutputs, context: Context
    ) -> RightsOutputs:
        done = self.create(inputs, context)
        _end(old_inputs, set(_rights(old_inputs)) - set(_rights(inputs)), context)
        return done

    def delete(self, inputs: RightsInputs, outputs: RightsOutputs, context: Context) -> None:
        _end(inputs, set(_rights(inputs)), context)


def _end(inputs: RightsInputs, rights: set[Right], context: Context) -> None:
    """Revoke the rights that no other grant needs."""
    kept = rights & _needed(inputs, context)
    revoke_rights(Cluster(inputs.kafka), sorted(rights - kept, key=str))
    for right in sorted(kept, key=str):
        context.info(f"kept: {right}, which {'another grant needs' if inputs.request else 'others may need'}")


def _needed(inputs: RightsInputs, context: Context) -> set[Right]:
    """Rights that other grants of the same user need, according to their records."""
    if inputs.request is None:
        return set(_rights(inputs))
    others = [
        grant
        for grant in context.registry().all(GrantRecord, inputs.environment)
        if grant.address != inputs.request and principal_of(inputs.user) in grant.principals
    ]
    at_port = any(grant.port == inputs.port for grant in others)
    own = {Right(inputs.user, "topic", topic) for topic in inputs.topics}
    return {right for right in _rights(inputs) if others and (at_port or right not in own)}


def _rights(inputs: RightsInputs) -> list[Right]:
    topics = [Right(inputs.user, "topic", topic) for topic in (*inputs.topics, *inputs.shared_topics)]
    return topics + [Right(inputs.user, "group", prefix) for prefix in inputs.group_prefixes]
