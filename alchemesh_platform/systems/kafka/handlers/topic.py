"""A topic of a Kafka cluster, with the published schema of its messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from alchemesh_platform.machine.files import count
from alchemesh_platform.provider.handler import Context, Handler, NotDone
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.provider.loss import Loss
from alchemesh_platform.provider.operations import explain
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.kafka.client import schemas, topics
from alchemesh_platform.systems.kafka.client.access import KafkaAccess
from alchemesh_platform.systems.kafka.client.cluster import Cluster, KafkaDenied, KafkaFailed
from alchemesh_platform.systems.kafka.client.schemas import SCHEMA_TOPIC, Published
from alchemesh_platform.systems.kafka.client.topics import TOPIC_NAME_MAX, TOPIC_NAME_PATTERN, Topic
from alchemesh_platform.systems.kafka.probes import end_probe

TopicName = Annotated[str, StringConstraints(pattern=TOPIC_NAME_PATTERN, max_length=TOPIC_NAME_MAX)]


class TopicInputs(Properties):
    """The declaration of a topic."""

    kafka: KafkaAccess = Field(description="The cluster, and how it is reached; passwords as {secret: NAME}.")
    topic: TopicName = Field(description="Name of the topic.")
    owner: str = Field(min_length=1, description="Address that the topic belongs to.")
    partitions: int = Field(default=1, ge=1, description="Partitions; Kafka can add some and take none away.")
    replication: int = Field(default=1, ge=1, description="Copies of each partition when the topic is made.")
    config: dict[str, str] = Field(default_factory=dict, description="Configuration of this topic alone.")
    model: str = Field(min_length=1, description="Name of the semantic model of its messages.")
    message_schema: dict[str, Any] = Field(description="JSON Schema of a message.")
    schema_topic: TopicName = Field(default=SCHEMA_TOPIC, description="Topic that schemas are published in.")
    adopt: bool = Field(default=False, description="Whether to adopt an existing topic of another owner.")
    keep_on_delete: bool = Field(default=True, description="Whether a topic with messages stays when this goes.")


class TopicOutputs(Properties):
    """The address of the topic."""

    url: str = Field(description="Address of the topic: kafka://host:port/topic.")


class TopicHandler(Handler[TopicInputs, TopicOutputs]):
    """A topic. Creating it again adopts it if the owner is the same; a change never re-creates it."""

    pulumi_type = "alchemesh:kafka:Topic"
    summary = "A Kafka topic with its published schema, kept with its messages when the resource is removed."
    inputs = TopicInputs
    outputs = TopicOutputs
    replace_on = frozenset({"topic"})

    def identify(self, inputs: TopicInputs) -> str:
        return inputs.topic

    def check(self, inputs: TopicInputs, old_inputs: TopicInputs | None, context: Context) -> Iterator[Refusal]:
        """Ask the cluster to validate the topic. An error fails only this topic."""
        cluster = Cluster(inputs.kafka)
        now = topics.topic_of(cluster, inputs.topic)
        _make_sure(cluster, now, inputs, old_inputs, context.environment)
        try:
            if now is None:
                topics.create_topic(cluster, _wanted(inputs), dry=True)
            else:
                topics.change_topic(cluster, now, _wanted(inputs), dry=True)
        except KafkaDenied:
            raise  # the topic itself is valid
        except KafkaFailed as refused:
            yield Refusal("config", explain(refused))

    def plan(self, inputs: TopicInputs, old: TopicOutputs | None, context: Context) -> Mapping[str, Any]:
        known = isinstance(inputs.kafka, KafkaAccess) and isinstance(inputs.topic, str)
        return {"url": _url(inputs)} if known else {}

    def drift(self, inputs: TopicInputs, outputs: TopicOutputs, context: Context) -> Drift | None:
        cluster = Cluster(inputs.kafka)
        now = topics.topic_of(cluster, inputs.topic)
        if now is None:
            return Drift(f"topic {inputs.topic} is missing; `up` creates it again, empty", "url")
        wanted = _wanted(inputs)
        if differing := topics.differences(now, wanted):
            reason = f"topic {inputs.topic} was changed by hand: {', '.join(differing)}"
            return Drift(reason, "url", tuple(topics.deviations(now, wanted)))
        published = schemas.published_of(cluster, inputs.schema_topic, inputs.topic)
        if published is not None and published.environment is None and published == _published(inputs, None):
            return Drift(
                f"the schema of topic {inputs.topic} does not name its environment; `up` adds it", "url", expected=True
            )
        if published != _published(inputs, context):
            return Drift(f"the schema of topic {inputs.topic} is not what is published: it is published again", "url")
        return None

    def create(self, inputs: TopicInputs, context: Context) -> TopicOutputs:
        return self._apply(inputs, None, context)

    def read(
        self, inputs: TopicInputs, outputs: TopicOutputs, context: Context
    ) -> tuple[TopicInputs, TopicOutputs] | None:
        return (inputs, outputs) if topics.topic_of(Cluster(inputs.kafka), inputs.topic) is not None else None

    def update(
        self, inputs: TopicInputs, old_inputs: TopicInputs, outputs: TopicOutputs, context: Context
    ) -> TopicOutputs:
        return self._apply(inputs, old_inputs, context)

    def loss(self, inputs: TopicInputs, context: Context) -> Loss | None:
        if inputs.keep_on_delete:
            return None
        cluster = Cluster(inputs.kafka)
        now = topics.topic_of(cluster, inputs.topic)
        if now is None or not _is_published_by(cluster, inputs, context):
            return None
        held, _last = topics.messages_in(cluster, now)
        return Loss() if held else None

    def delete(self, inputs: TopicInputs, outputs: TopicOutputs, context: Context) -> None:
        cluster = Cluster(inputs.kafka)
        now = topics.topic_of(cluster, inputs.topic)
        if now is not None:
            if not _is_published_by(cluster, inputs, context):
                return  # it has another owner now
            if inputs.kafka.security.mechanism is not None:
                end_probe(cluster, inputs.topic)
            held, _last = topics.messages_in(cluster, now)
            if held and inputs.keep_on_delete and not context.delete_data:
                context.info(f"kept topic {inputs.topic} with {count(held, 'message')}; a later `up` finds it again")
                return
            topics.delete_topic(cluster, inputs.topic)
        schemas.withdraw(cluster, inputs.schema_topic, inputs.topic)

    def _apply(self, inputs: TopicInputs, old_inputs: TopicInputs | None, context: Context) -> TopicOutputs:
        cluster = Cluster(inputs.kafka)
        wanted = _wanted(inputs)
        now = topics.topic_of(cluster, inputs.topic)
        _make_sure(cluster, now, inputs, old_inputs, context.environment)
        # Publish the owner's mark first, so that the next run recognises a topic that a killed run created.
        schemas.publish(
            cluster,
            inputs.schema_topic,
            inputs.topic,
            _published(inputs, context),
            replication=min(wanted.replication, cluster.brokers),
        )
        if now is None:
            topics.create_topic(cluster, wanted)
        else:
            topics.change_topic(cluster, now, wanted)
        topics.await_topic(cluster, wanted)
        return TopicOutputs(url=_url(inputs))


def _make_sure(
    cluster: Cluster, now: Topic | None, inputs: TopicInputs, old_inputs: TopicInputs | None, environment: str | None
) -> None:
    """Make sure that the topic can match its declaration.

    Raises:
        NotDone: when there are too few brokers, or when the existing topic has another owner or more partitions.
    """
    if now is None:
        if inputs.replication > cluster.brokers:
            raise NotDone(
                f"found {inputs.replication} copies of each partition, expected at most one for each of "
                f"{count(cluster.brokers, 'broker')}",
                hint="set `replication` in settings.kafka of the platform file",
            )
        return
    if (stranger := _stranger(cluster, inputs, old_inputs, environment)) is not None:
        raise stranger
    if now.partitions > inputs.partitions:
        raise NotDone(
            f"topic {inputs.topic} has {count(now.partitions, 'partition')}, and Kafka takes none away: found "
            f"{inputs.partitions}, expected {now.partitions} or more",
            hint=f"leave it at {now.partitions}, or give the port another topic",
        )


def _stranger(
    cluster: Cluster, inputs: TopicInputs, old_inputs: TopicInputs | None, environment: str | None
) -> NotDone | None:
    """The reason why an existing topic cannot be adopted, or None."""
    if inputs.adopt:
        return None
    published = schemas.published_of(cluster, inputs.schema_topic, inputs.topic)
    holder = published.owner if published else None
    if published is not None and not _is_in(published, environment):
        return NotDone(
            f"topic {inputs.topic} exists and belongs to {holder} in environment {published.environment}, "
            f"not in {environment}",
            hint=f"set another `topic_prefix` in settings.kafka of environment {environment} in the platform file, "
            "or give the port another topic",
        )
    if holder == inputs.owner or (old_inputs is not None and holder in (old_inputs.owner, None)):
        return None
    whose = f"belongs to {holder}, not to {inputs.owner}" if holder else "was created by another user"
    return NotDone(
        f"topic {inputs.topic} exists and {whose}",
        hint="give the port another topic, or say `adopt: true` to take this one over",
    )


def _wanted(inputs: TopicInputs) -> Topic:
    return Topic(inputs.topic, inputs.partitions, inputs.replication, inputs.config)


def _published(inputs: TopicInputs, context: Context | None) -> Published:
    return Published(
        owner=inputs.owner,
        environment=context.environment if context is not None else None,
        model=inputs.model,
        schema=inputs.message_schema,
    )


def _is_published_by(cluster: Cluster, inputs: TopicInputs, context: Context) -> bool:
    """Whether the published schema names the owner of the topic, in the environment of the operation."""
    published = schemas.published_of(cluster, inputs.schema_topic, inputs.topic)
    return published is not None and published.owner == inputs.owner and _is_in(published, context.environment)


def _is_in(published: Published, environment: str | None) -> bool:
    """Whether the topic may be the one of an environment. Records of earlier versions name none."""
    return None in (published.environment, environment) or published.environment == environment


def _url(inputs: TopicInputs) -> str:
    return f"kafka://{inputs.kafka.bootstrap_servers[0]}/{inputs.topic}"
