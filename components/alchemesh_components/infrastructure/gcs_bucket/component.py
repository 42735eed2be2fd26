"""Object storage as a private bucket of Google Cloud Storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_gcp import storage

from alchemesh_components.cloud_names import member_name
from alchemesh_components.gcp.access import condition_of, members_of
from alchemesh_components.gcp.foundations import observer_of
from alchemesh_components.gcp.labels import labels_of
from alchemesh_components.gcp.names import BUCKET, resource_name
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.infrastructure.gcs_bucket.models import Args
from alchemesh_components.infrastructure.gcs_bucket.spec import SPEC
from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.spec import Role

UNFINISHED_UPLOAD_DAYS = 7  # parts of an abandoned upload are invisible and cost money


class GcsBucket(Component[Args, Settings]):
    """A private bucket with access by IAM only, and with versions, lifecycle rules and labels."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One bucket."""
        self.bucket = self.private_bucket()
        self.admit_observer()
        return {"kind": "files", "url": self.bucket.name.apply("gs://{}".format), "format": None}

    def private_bucket(self) -> storage.Bucket:
        """The bucket: access by IAM only, never public, kept with its files by default."""
        gcp, args = self.settings.gcp, self.args
        key = gcp.encryption_keys.storage
        return storage.Bucket(
            f"{self.name}-bucket",
            name=resource_name(BUCKET, gcp, self.wiring),
            project=gcp.project,
            location=gcp.region,
            storage_class=args.storage_class,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            versioning=storage.BucketVersioningArgs(enabled=True),
            lifecycle_rules=self.lifecycle_rules(),
            soft_delete_policy=self.soft_delete_policy(),
            encryption=storage.BucketEncryptionArgs(default_kms_key_name=key) if key else None,
            labels=labels_of(gcp, self.wiring),
            force_destroy=not args.keep_on_destroy,
            # A kept bucket stays in its location: its name is taken, and a new one elsewhere would be empty.
            opts=pulumi.ResourceOptions(
                parent=self,
                retain_on_delete=args.keep_on_destroy,
                ignore_changes=["location"] if args.keep_on_destroy else None,
            ),
        )

    def lifecycle_rules(self) -> list[storage.BucketLifecycleRuleArgs]:
        """Rules that delete old versions and unfinished uploads, and files if a retention is set."""
        args = self.args
        rules = [
            lifecycle_rule("Delete", days_since_noncurrent_time=args.old_versions.days),
            lifecycle_rule("AbortIncompleteMultipartUpload", age=UNFINISHED_UPLOAD_DAYS),
        ]
        if args.retention is not None:
            rules.append(lifecycle_rule("Delete", age=args.retention.days, with_state="LIVE"))
        return rules

    def soft_delete_policy(self) -> storage.BucketSoftDeletePolicyArgs | None:
        """The retention of deleted files: the service's default is a week."""
        return None

    def admit_observer(self) -> None:
        """Grant the job that observes all products the rights of a consumer of an output port."""
        account = observer_of(self.wiring)
        if account is not None and self.wiring.role == Role.STORAGE:
            storage.BucketIAMMember(
                f"{self.name}-observer",
                bucket=self.bucket.name,
                role="roles/storage.objectViewer",
                member=f"serviceAccount:{account}",
                opts=self.child_options,
            )

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the code read access, and write access unless this is an input."""
        if identity.kind != GOOGLE_SERVICE_ACCOUNT:
            return ()
        # https://cloud.google.com/storage/docs/access-control/iam-roles
        role = "objectViewer" if self.wiring.role == Role.INPUT_PORT else "objectUser"
        return [
            storage.BucketIAMMember(
                f"{self.name}-code",
                bucket=self.bucket.name,
                role=f"roles/storage.{role}",
                member=pulumi.Output.concat("serviceAccount:", identity.name),
                opts=self.child_options,
            )
        ]

    def grant(self, consumer: Consumer) -> Sequence[pulumi.Resource]:
        """Grant a consumer read access to the files, until its access expires."""
        condition = condition_of(consumer)
        return [
            storage.BucketIAMMember(
                f"{self.name}-{member_name(member)}-{consumer.request}",
                bucket=self.bucket.name,
                role="roles/storage.objectViewer",
                member=member,
                condition=storage.BucketIAMMemberConditionArgs(
                    title=condition.title, description=condition.description, expression=condition.expression
                ),
                opts=self.child_options,
            )
            for member in members_of(consumer, self.settings.gcp, self.wiring.environment)
        ]


def lifecycle_rule(action: str, **condition: Any) -> storage.BucketLifecycleRuleArgs:
    """A lifecycle rule of a bucket: the action for objects that meet all conditions."""
    return storage.BucketLifecycleRuleArgs(
        action=storage.BucketLifecycleRuleActionArgs(type=action),
        condition=storage.BucketLifecycleRuleConditionArgs(**condition),
    )
