"""Messages of a Pub/Sub topic, written into the port's bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_gcp import pubsub, storage

from alchemesh_components.gcp.labels import labels_of
from alchemesh_components.gcp.names import SUBSCRIPTION, resource_name
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.infrastructure.gcs_bucket.component import GcsBucket
from alchemesh_components.infrastructure.gcs_bucket.models import Args as BucketArgs
from alchemesh_components.input_ports.pubsub_ingestion.models import Args
from alchemesh_components.input_ports.pubsub_ingestion.spec import SPEC
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component

# https://cloud.google.com/pubsub/docs/create-cloudstorage-subscription#service_account_roles
AGENT_ROLES = ("roles/storage.objectCreator", "roles/storage.legacyBucketReader")
# A batch must not take longer than the acknowledgement deadline of its messages:
# https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions#cloudstorageconfig
ACK_SECONDS = 300
KEPT_SECONDS = 7 * 24 * 60 * 60  # retention of messages that cannot be written; the maximum without extra cost


class PubsubIngestion(Component[Args, Settings]):
    """A private bucket, and a subscription with which Pub/Sub itself writes messages into it."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """A bucket, the agent's rights to it, and the subscription."""
        self.landing = self.landing_bucket()
        self.subscription(self.rights())
        return {**self.landing.outputs, "format": self.args.format, "reading": self.args.reading()}

    def landing_bucket(self) -> GcsBucket:
        """The bucket that files land in."""
        args = BucketArgs(keep_on_destroy=self.args.keep_on_destroy)
        return GcsBucket(f"{self.name}-landing", args, self.settings, self.wiring, self.child_options)

    def rights(self) -> list[storage.BucketIAMMember]:
        """The rights of Google's service agent to write into the bucket."""
        number = self.settings.gcp.project_number
        return [
            storage.BucketIAMMember(
                f"{self.name}-agent-{role.rpartition('.')[2]}",
                bucket=self.landing.bucket.name,
                role=role,
                member=f"serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com",
                opts=self.child_options,
            )
            for role in AGENT_ROLES
        ]

    def subscription(self, rights: Sequence[pulumi.Resource]) -> pubsub.Subscription:
        """The subscription, which never expires. File names start with the time, so that they sort by day."""
        gcp, args = self.settings.gcp, self.args
        avro = pubsub.SubscriptionCloudStorageConfigAvroConfigArgs(write_metadata=True)
        batch_seconds = int(args.batch_time.total_seconds())
        return pubsub.Subscription(
            f"{self.name}-subscription",
            project=gcp.project,
            name=resource_name(SUBSCRIPTION, gcp, self.wiring),
            topic=args.topic if "/" in args.topic else f"projects/{gcp.project}/topics/{args.topic}",
            filter=args.filter,
            labels=labels_of(gcp, self.wiring),
            ack_deadline_seconds=max(batch_seconds, ACK_SECONDS),
            message_retention_duration=f"{KEPT_SECONDS}s",
            expiration_policy=pubsub.SubscriptionExpirationPolicyArgs(ttl=""),
            cloud_storage_config=pubsub.SubscriptionCloudStorageConfigArgs(
                bucket=self.landing.bucket.name,
                filename_datetime_format="YYYY-MM-DD/hh_mm_ssZ",
                filename_suffix=".avro" if args.format == "avro" else ".jsonl",
                max_duration=f"{batch_seconds}s",
                max_bytes=args.batch_megabytes * 1024 * 1024,
                avro_config=avro if args.format == "avro" else None,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(rights)),
        )

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the code read access to the files."""
        return self.landing.admit(identity)
