"""Streaming topics of a Kafka cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi

from alchemesh_components.kafka.provider import kafka_provider
from alchemesh_components.kafka.settings import Settings
from alchemesh_components.output_ports.kafka_topic.models import Args
from alchemesh_components.output_ports.kafka_topic.names import topic_config, topic_name
from alchemesh_components.output_ports.kafka_topic.spec import SPEC
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.models import SemanticModel
from alchemesh_platform.systems.kafka.client.users import (
    ITERATIONS,
    MECHANISM,
    ending,
    group_prefixes,
    new_password,
    own_user,
    principal_of,
    principals,
)
from alchemesh_platform.systems.kafka.model_schema import model_schema
from alchemesh_platform.systems.kafka.resources import MemberUsers, Rights, Topic

if TYPE_CHECKING:
    import pulumi_kafka


class KafkaTopics(Component[Args, Settings]):
    """A topic for each model of the port, with the model's JSON Schema published."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One topic for each model."""
        # Create it with and without grants, since the port's record must not depend on resources that grants add or
        # remove.
        self.provider = kafka_provider(f"{self.name}-kafka", self.settings.kafka, self)
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
            "issues_credentials": kafka.create_users,
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
        """Grant a consumer ACLs to read the topics and their schemas with its own groups, and create its user."""
        name = f"{self.name}-{consumer.request.replace('/', '-')}"
        opts = pulumi.ResourceOptions(parent=self, provider=self.provider, depends_on=list(self.topics.values()))
        if self.settings.kafka.create_users:
            user = own_user(consumer)
            rights = self.rights(name, user, group_prefixes(consumer), opts)
            return [self.user(name, user, opts), *rights, self.members(name, consumer)]
        return [self.shared_rights(f"{name}-{user}", user, consumer.request) for user in principals(consumer)]

    def principals(self, consumer: Consumer) -> Sequence[str]:
        """The users with access."""
        users = [own_user(consumer)] if self.settings.kafka.create_users else principals(consumer)
        return [principal_of(user) for user in users]

    def members(self, name: str, consumer: Consumer) -> MemberUsers:
        """The users of the consumer's members: `alchemesh access credential` creates them."""
        kafka = self.settings.kafka
        topics = [topic_name(self.args, self.settings, self.wiring, model) for model in self.topics]
        return MemberUsers(
            f"{name}-members",
            kafka=kafka.access(),
            request=consumer.request,
            ending=ending(consumer.request),
            topics=[*topics, kafka.schema_topic],
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(self.topics.values())),
        )

    def shared_rights(self, name: str, user: str, request: str) -> Rights:
        """The rights of an existing user, which may also have them through another request."""
        kafka = self.settings.kafka
        return Rights(
            name,
            kafka=kafka.access(),
            user=user,
            topics=[topic_name(self.args, self.settings, self.wiring, model) for model in self.topics],
            shared_topics=[kafka.schema_topic],
            group_prefixes=[f"{user}."],
            environment=self.wiring.environment,
            port=self.wiring.address,
            request=request,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(self.topics.values())),
        )

    def rights(
        self, name: str, user: str, groups: Sequence[str], opts: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        """ACLs of one user: to read each topic and the schemas, and to use groups with these prefixes."""
        topics = {"schemas": self.settings.kafka.schema_topic}
        topics |= {model: topic_name(self.args, self.settings, self.wiring, model) for model in self.topics}
        of_topics = [self.right(f"{name}-{key}", user, "Topic", topic, opts) for key, topic in topics.items()]
        first, *more = groups
        of_groups = [self.right(f"{name}-groups", user, "Group", first, opts)]
        of_groups += [self.right(f"{name}-groups-{prefix}", user, "Group", prefix, opts) for prefix in more]
        return [*of_topics, *of_groups]

    def right(self, name: str, user: str, kind: str, resource: str, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """The right to read a topic, or to use the groups with a prefix."""
        import pulumi_kafka

        return pulumi_kafka.Acl(
            name,
            acl_principal=f"User:{user}",
            acl_host="*",
            acl_operation="Read",
            acl_permission_type="Allow",
            acl_resource_type=kind,
            acl_resource_name=resource,
            resource_pattern_type_filter="Literal" if kind == "Topic" else "Prefixed",
            opts=opts,
        )

    def user(self, name: str, user: str, opts: pulumi.ResourceOptions) -> pulumi_kafka.UserScramCredential:
        """A user with a random password that is never shown: `alchemesh access credential` sets a new one."""
        import pulumi_kafka

        once = pulumi.ResourceOptions(ignore_changes=["password"], additional_secret_outputs=["password"])
        return pulumi_kafka.UserScramCredential(
            f"{name}-user",
            username=user,
            scram_mechanism=MECHANISM,
            scram_iterations=ITERATIONS,
            password=pulumi.Output.secret(new_password()),
            opts=pulumi.ResourceOptions.merge(opts, once),
        )
