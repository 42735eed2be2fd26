"""Streaming topics in Pub/Sub."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi
from pulumi_gcp import pubsub

from alchemesh_components.cloud_names import member_name
from alchemesh_components.gcp.access import members_of
from alchemesh_components.gcp.foundations import observer_of
from alchemesh_components.gcp.labels import labels_of
from alchemesh_components.gcp.names import SCHEMA, SUBSCRIPTION, TOPIC, name_of, resource_name
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.output_ports.pubsub_topic.models import Args
from alchemesh_components.output_ports.pubsub_topic.spec import SPEC
from alchemesh_platform.clouds.gcp.avro import avro_schema
from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.models import SemanticModel


class PubsubTopics(Component[Args, Settings]):
    """A topic for each model of the port. It accepts only messages of the model's schema."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """A schema and a topic for each model."""
        self.topics = {name: self.topic(name, self.schema(name, model)) for name, model in self.wiring.models.items()}
        self.admit_observer()
        return {
            "kind": "topic",
            "broker": "pubsub",
            "servers": [],
            "topics": {name: topic.id for name, topic in self.topics.items()},
        }

    def schema(self, name: str, model: SemanticModel) -> pubsub.Schema:
        """The model as an Avro schema. A changed schema becomes its next revision."""
        gcp = self.settings.gcp
        return pubsub.Schema(
            f"{self.name}-{name}-schema",
            project=gcp.project,
            name=resource_name(SCHEMA, gcp, self.wiring, name),
            type="AVRO",
            definition=json.dumps(avro_schema(name, model)),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=self.args.keep_on_destroy),
        )

    def topic(self, name: str, schema: pubsub.Schema) -> pubsub.Topic:
        """The topic of one model. Its messages stay in the platform's region."""
        gcp = self.settings.gcp
        return pubsub.Topic(
            f"{self.name}-{name}",
            project=gcp.project,
            name=resource_name(TOPIC, gcp, self.wiring, name),
            labels=labels_of(gcp, self.wiring),
            kms_key_name=gcp.encryption_keys.pubsub,
            message_retention_duration=f"{int(self.args.retention.total_seconds())}s",
            message_storage_policy=pubsub.TopicMessageStoragePolicyArgs(allowed_persistence_regions=[gcp.region]),
            schema_settings=pubsub.TopicSchemaSettingsArgs(schema=schema.id, encoding="JSON"),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=self.args.keep_on_destroy),
        )

    def admit_observer(self) -> None:
        """Grant the job that observes all products the right to see the topics. It reads no messages."""
        account = observer_of(self.wiring)
        if account is None:
            return
        for name, topic in self.topics.items():
            pubsub.TopicIAMMember(
                f"{self.name}-{name}-observer",
                project=topic.project,
                topic=topic.name,
                role="roles/pubsub.viewer",
                member=f"serviceAccount:{account}",
                opts=self.child_options,
            )

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the code the right to publish."""
        if identity.kind != GOOGLE_SERVICE_ACCOUNT:
            return ()
        return [
            pubsub.TopicIAMMember(
                f"{self.name}-{name}-code",
                project=topic.project,
                topic=topic.name,
                role="roles/pubsub.publisher",
                member=pulumi.Output.concat("serviceAccount:", identity.name),
                opts=self.child_options,
            )
            for name, topic in self.topics.items()
        ]

    def grant(self, consumer: Consumer) -> Sequence[pulumi.Resource]:
        """Grant a consumer its own subscription to each topic.

        Pub/Sub supports no conditions, so rights on the topic could not be separated by request. Subscriptions can.
        """
        return [part for name, topic in self.topics.items() for part in self.subscription(name, topic, consumer)]

    def subscription(self, name: str, topic: pubsub.Topic, consumer: Consumer) -> Iterator[pulumi.Resource]:
        """One consumer's subscription to one topic, and the right of each of its members to read it."""
        gcp, place = self.settings.gcp, self.wiring
        address = (gcp.name_prefix, place.environment, place.domain, place.product, place.port, name)
        subscription = pubsub.Subscription(
            f"{self.name}-{name}-{consumer.request}",
            project=gcp.project,
            name=name_of(SUBSCRIPTION, (*address, consumer.request.lower().replace("/", "-"))),
            topic=topic.id,
            labels=labels_of(gcp, place),
            expiration_policy=pubsub.SubscriptionExpirationPolicyArgs(ttl=""),
            opts=self.child_options,
        )
        yield subscription
        for member in members_of(consumer, gcp, place.environment):
            yield pubsub.SubscriptionIAMMember(
                f"{self.name}-{name}-{member_name(member)}-{consumer.request}",
                project=subscription.project,
                subscription=subscription.name,
                role="roles/pubsub.subscriber",
                member=member,
                opts=self.child_options,
            )
