"""Streaming topics of a Kafka cluster."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi

from alchemesh_components.kafka_provider import kafka_provider
from alchemesh_components.kafka_settings import Settings
from alchemesh_components.output_ports.kafka_topic.models import Args
from alchemesh_components.output_ports.kafka_topic.names import topic_config, topic_name, user_names
from alchemesh_components.output_ports.kafka_topic.spec import SPEC
from alchemesh_platform.catalog.consumer import Consumer
from alchemesh_platform.component import Component
from alchemesh_platform.kafka.model_schema import model_schema
from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.resources.kafka import Topic

if TYPE_CHECKING:
    import pulumi_kafka

PASSWORD_BYTES = 24
MECHANISM = "SCRAM-SHA-512"


class KafkaTopics(Component[Args, Settings]):
    """A topic for each model of the port, with the model's JSON Schema published.

    Attributes:
        passwords: Request: password of the user that was made for it, a secret; none where users exist already.
    """

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One topic for each model."""
        self.passwords: dict[str, pulumi.Output[str | None]] = {}
        self._provider: pulumi_kafka.Provider | None = None
        models = self.wiring.models
        self.topics = {name: self.topic(name, model) for name, model in models.items()}
        kafka = self.settings.kafka
        return {
            "kind": "topic",
            "broker": "kafka",
            "servers": list(kafka.bootstrap_servers),
            "security": kafka.access().get("security", {}),
            "topics": {name: topic.topic for name, topic in self.topics.items()},
            "schemas": {name: model_schema(name, model) for name, model in models.items()},
            "schema_topic": kafka.schema_topic,
        }

    def topic(self, name: str, model: SemanticModel) -> Topic:
        """The topic of one model."""
        return Topic(
            f"{self.name}-{name}",
            kafka=self.settings.kafka.access(),
            topic=topic_name(self.args, self.settings, self.wiring, name),
            owner=f"{self.wiring.address}/{name}",
            partitions=self.args.partitions,
            replication=self.settings.kafka.replication,
            config=topic_config(self.args),
            model=name,
            message_schema=model_schema(name, model),
            schema_topic=self.settings.kafka.schema_topic,
            adopt=self.args.adopt,
            keep_on_delete=self.args.keep_on_destroy,
            opts=self.child_options,
        )

    def grant(self, consumer: Consumer) -> Sequence[pulumi.Resource]:
        """ACLs that let a consumer read the topics and their schemas, with groups named after it; and its user."""
        import pulumi_kafka

        name = f"{self.name}-{consumer.request.replace('/', '-')}"
        if self._provider is None:
            self._provider = kafka_provider(f"{self.name}-kafka", self.settings.kafka, self)
        opts = pulumi.ResourceOptions(parent=self, provider=self._provider, depends_on=list(self.topics.values()))
        granted: list[pulumi.Resource] = []
        for user in user_names(consumer):
            suffix = f"{name}-{user}"
            if self.settings.kafka.create_users:
                made = self.user(suffix, user, opts)
                self.passwords[consumer.request] = made.password
                granted.append(made)
            topics = {"schemas": self.settings.kafka.schema_topic}
            topics |= {model: topic_name(self.args, self.settings, self.wiring, model) for model in self.topics}
            rights = [("Topic", topic, "Literal", f"{suffix}-{key}") for key, topic in topics.items()]
            for kind, resource, pattern, resource_name in (
                *rights,
                ("Group", f"{user}.", "Prefixed", f"{suffix}-groups"),
            ):
                granted.append(
                    pulumi_kafka.Acl(
                        resource_name,
                        acl_principal=f"User:{user}",
                        acl_host="*",
                        acl_operation="Read",
                        acl_permission_type="Allow",
                        acl_resource_type=kind,
                        acl_resource_name=resource,
                        resource_pattern_type_filter=pattern,
                        opts=opts,
                    )
                )
        return granted

    def user(self, name: str, user: str, opts: pulumi.ResourceOptions) -> pulumi_kafka.UserScramCredential:
        """A user with a password that is made once, and is nowhere but in the state, encrypted, and in the cluster."""
        import pulumi_kafka

        once = pulumi.ResourceOptions(ignore_changes=["password"], additional_secret_outputs=["password"])
        return pulumi_kafka.UserScramCredential(
            f"{name}-user",
            username=user,
            scram_mechanism=MECHANISM,
            password=pulumi.Output.secret(secrets.token_urlsafe(PASSWORD_BYTES)),
            opts=pulumi.ResourceOptions.merge(opts, once),
        )
