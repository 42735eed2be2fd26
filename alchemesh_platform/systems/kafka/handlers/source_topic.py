"""An external topic that a product reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from alchemesh_platform.provider.handler import Context, Handler
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.kafka.client.access import KafkaAccess
from alchemesh_platform.systems.kafka.client.cluster import Cluster, KafkaDenied
from alchemesh_platform.systems.kafka.client.topics import check_source, describe_topic
from alchemesh_platform.systems.kafka.handlers.topic import TopicName


class SourceTopicInputs(Properties):
    """The topic, and its cluster."""

    kafka: KafkaAccess = Field(description="The cluster, and how it is reached; passwords as {secret: NAME}.")
    topic: TopicName = Field(description="Name of the topic.")


class SourceTopicOutputs(Properties):
    """The address of the topic."""

    url: str = Field(description="Address of the topic: kafka://host:port/topic.")


class SourceTopicHandler(Handler[SourceTopicInputs, SourceTopicOutputs]):
    """A reference on which the readers of the topic depend. It creates and deletes nothing."""

    pulumi_type = "alchemesh:kafka:SourceTopic"
    summary = "An external Kafka topic, which must exist before a product reads it."
    inputs = SourceTopicInputs
    outputs = SourceTopicOutputs
    replace_on = frozenset({"topic"})

    def identify(self, inputs: SourceTopicInputs) -> str:
        return inputs.topic

    def check(
        self, inputs: SourceTopicInputs, old_inputs: SourceTopicInputs | None, context: Context
    ) -> Iterator[Refusal]:
        _look(inputs, context)
        return iter(())

    def plan(self, inputs: SourceTopicInputs, old: SourceTopicOutputs | None, context: Context) -> Mapping[str, Any]:
        known = isinstance(inputs.kafka, KafkaAccess) and isinstance(inputs.topic, str)
        return {"url": _url(inputs)} if known else {}

    def drift(self, inputs: SourceTopicInputs, outputs: SourceTopicOutputs, context: Context) -> Drift | None:
        return None  # the check reads the topic before every run

    def create(self, inputs: SourceTopicInputs, context: Context) -> SourceTopicOutputs:
        _look(inputs, context)
        return SourceTopicOutputs(url=_url(inputs))

    def read(
        self, inputs: SourceTopicInputs, outputs: SourceTopicOutputs, context: Context
    ) -> tuple[SourceTopicInputs, SourceTopicOutputs] | None:
        return (inputs, outputs) if describe_topic(Cluster(inputs.kafka), inputs.topic) is not None else None

    def update(
        self,
        inputs: SourceTopicInputs,
        old_inputs: SourceTopicInputs,
        outputs: SourceTopicOutputs,
        context: Context,
    ) -> SourceTopicOutputs:
        return self.create(inputs, context)

    def delete(self, inputs: SourceTopicInputs, outputs: SourceTopicOutputs, context: Context) -> None:
        """Do nothing: the product does not own the topic."""


def _look(inputs: SourceTopicInputs, context: Context) -> None:
    try:
        check_source(inputs.kafka, inputs.topic)
    except KafkaDenied:
        # A user that may create ACLs need not have the right to describe topics.
        context.info(f"whether there is a topic {inputs.topic} cannot be seen: no ACL lets us look")


def _url(inputs: SourceTopicInputs) -> str:
    return f"kafka://{inputs.kafka.bootstrap_servers[0]}/{inputs.topic}"
