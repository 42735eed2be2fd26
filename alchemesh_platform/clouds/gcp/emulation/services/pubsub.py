"""Pub/Sub: topics, subscriptions and schemas are stored. No message is delivered or written to Cloud Storage.

Source: https://cloud.google.com/pubsub/docs
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from alchemesh_platform.clouds.gcp.emulation.services.iam import grant
from alchemesh_platform.clouds.gcp.emulation.services.storage import BUCKET, BUCKET_GRANT
from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
from alchemesh_platform.clouds.gcp.emulation.types.limits import Name, labels, one_of, within
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import Reference, ResourceType, Values, with_labels
from alchemesh_platform.clouds.gcp.emulation.world import World
from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.provider.values import reveal

SERVICE = "pubsub.googleapis.com"
TOPIC = "gcp:pubsub/topic:Topic"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
SCHEMA = "gcp:pubsub/schema:Schema"

# https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names
NAME_MAX = 255
NAME = Name(
    re.compile(rf"(?!goog)[A-Za-z][\w.~+%-]{{2,{NAME_MAX - 1}}}"),
    f"3 to {NAME_MAX} letters, digits and -._~+%, a letter first, not 'goog'",
    NAME_MAX,
)
# https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions
ACK_SECONDS = (10, 600)
ACK_SECONDS_DEFAULT = 10
RETENTION_SECONDS = (600, 31 * 24 * 3600)
# https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions#cloudstorageconfig
MAX_DURATION_SECONDS = (60, 600)
MAX_DURATION_DEFAULT = "300s"
MAX_BYTES = (1000, 10 * 1024**3)
DESTINATIONS = ("pushConfig", "bigqueryConfig", "cloudStorageConfig")
# https://cloud.google.com/pubsub/docs/create-cloudstorage-subscription#assign_roles_service_agent
SERVICE_AGENT = "@gcp-sa-pubsub.iam.gserviceaccount.com"
WRITING_ROLES = frozenset(
    f"roles/storage.{role}" for role in ("admin", "objectAdmin", "objectCreator", "objectUser", "legacyBucketWriter")
)

LOOKING_ROLES = frozenset(
    f"roles/storage.{role}" for role in ("admin", "legacyBucketOwner", "legacyBucketReader", "legacyBucketWriter")
)

TOPIC_ID = "projects/{project}/topics/{it}"
ON_TOPIC = Reference(TOPIC, "topic", TOPIC_ID)


@dataclass(frozen=True, kw_only=True)
class Subscription(ResourceType):
    """A subscription. With Cloud Storage as its target, Pub/Sub's service agent needs rights on the bucket.

    Source: https://cloud.google.com/pubsub/docs/create-cloudstorage-subscription#assign_roles_service_agent
    """

    def make(self, world: World, values: Values, *, recreating: bool) -> None:
        config = values.get("cloudStorageConfig")
        if not isinstance(config, Mapping):
            return
        writer = str(config.get("serviceAccountEmail") or SERVICE_AGENT)
        bucket = str(config["bucket"])
        grants = (kept.inputs for kept in world.store.all(BUCKET_GRANT))
        roles = {
            str(given["role"])
            for given in grants
            if given["bucket"] == bucket and str(given["member"]).endswith(writer)
        }
        if not (roles & WRITING_ROLES and roles & LOOKING_ROLES):
            raise Refused(
                400,
                "Cloud Pub/Sub did not have the necessary permissions configured to access the provided bucket "
                f"{bucket} (or the bucket may not exist). Please verify that the service account {writer} was granted "
                "the Storage Legacy Bucket Reader and Storage Object Creator roles for the provided bucket.",
            )


def _destination(inputs: Values) -> Iterator[Refusal]:
    given = [name for name in DESTINATIONS if inputs.get(name) is not None]
    if len(given) > 1:
        yield Refusal(given[1], f"found {' and '.join(given)}, expected one of them")


def _batch(inputs: Values) -> Iterator[Refusal]:
    """Check that the time limit of a file is not longer than the acknowledgement deadline of its messages."""
    config = inputs.get("cloudStorageConfig")
    given = reveal(config.get("maxDuration")) if isinstance(config, Mapping) else None
    acked = reveal(inputs.get("ackDeadlineSeconds", ACK_SECONDS_DEFAULT))
    if not isinstance(config, Mapping) or not isinstance(acked, int):
        return
    duration = given if isinstance(given, str) else MAX_DURATION_DEFAULT
    if (seconds := duration.removesuffix("s")).isdigit() and int(seconds) > acked:
        yield Refusal(
            "cloudStorageConfig.maxDuration", f"found {duration}, expected at most ackDeadlineSeconds, {acked}"
        )


def _definition(inputs: Values) -> Iterator[Refusal]:
    definition = reveal(inputs.get("definition"))
    if reveal(inputs.get("type")) != "AVRO" or not isinstance(definition, str):
        return
    try:
        document = json.loads(definition)
    except ValueError as error:
        yield Refusal("definition", f"found no JSON, expected an Avro schema: {error}")
        return
    if not isinstance(document, Mapping) or document.get("type") != "record" or "fields" not in document:
        yield Refusal("definition", "expected an Avro schema of type record, with fields")


TYPES = (
    ResourceType(
        type=TOPIC,
        id="projects/{project}/topics/{name}",
        service=SERVICE,
        name=NAME,
        replace_on=frozenset({"name", "project"}),
        limits=(labels, within("messageRetentionDuration", *RETENTION_SECONDS, unit="s")),
        references=(Reference(SCHEMA, "schemaSettings.schema"),),
        outputs=with_labels(),
    ),
    Subscription(
        type=SUBSCRIPTION,
        id="projects/{project}/subscriptions/{name}",
        service=SERVICE,
        name=NAME,
        replace_on=frozenset({"name", "project", "topic", "filter", "enableMessageOrdering"}),
        limits=(
            labels,
            _destination,
            within("ackDeadlineSeconds", *ACK_SECONDS),
            within("messageRetentionDuration", *RETENTION_SECONDS, unit="s"),
            within("cloudStorageConfig.maxDuration", *MAX_DURATION_SECONDS, unit="s"),
            within("cloudStorageConfig.maxBytes", *MAX_BYTES),
            _batch,
        ),
        references=(
            ON_TOPIC,
            Reference(BUCKET, "cloudStorageConfig.bucket"),
            Reference(TOPIC, "deadLetterPolicy.deadLetterTopic", TOPIC_ID),
        ),
        defaults={"ackDeadlineSeconds": ACK_SECONDS_DEFAULT, "messageRetentionDuration": "604800s"},
        outputs=with_labels(),
    ),
    ResourceType(
        type=SCHEMA,
        id="projects/{project}/schemas/{name}",
        service=SERVICE,
        name=NAME,
        replace_on=frozenset({"name", "project", "type"}),
        limits=(one_of("type", "AVRO", "PROTOCOL_BUFFER"), _definition),
        outputs={"revisionId": lambda values, world: "00000001"},
    ),
    grant("gcp:pubsub/topicIAMMember:TopicIAMMember", TOPIC_ID, SERVICE, ON_TOPIC),
    grant(
        "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember",
        "projects/{project}/subscriptions/{subscription}",
        SERVICE,
        Reference(SUBSCRIPTION, "subscription", "projects/{project}/subscriptions/{it}"),
    ),
    grant(
        "gcp:pubsub/schemaIamMember:SchemaIamMember",
        "projects/{project}/schemas/{schema}",
        SERVICE,
        Reference(SCHEMA, "schema", "projects/{project}/schemas/{it}"),
    ),
)
