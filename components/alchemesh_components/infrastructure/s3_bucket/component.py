"""Object storage as a private bucket of S3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_aws_native import s3

from alchemesh_components.aws.names import BUCKET, resource_name
from alchemesh_components.aws.policies import admit_role, aws_provider, grant_to, only_encrypted_connections, private
from alchemesh_components.aws.rights import files
from alchemesh_components.aws.settings import Settings
from alchemesh_components.aws.tags import tags_of
from alchemesh_components.infrastructure.s3_bucket.models import Args
from alchemesh_components.infrastructure.s3_bucket.spec import SPEC
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.spec import Role

UNFINISHED_UPLOAD_DAYS = 7  # parts of an abandoned upload are invisible and cost money


class S3Bucket(Component[Args, Settings]):
    """A private bucket with access by IAM only, and with versions, lifecycle rules and tags."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One bucket, and its policy."""
        self.provider = aws_provider(self, self.settings.aws)
        self.options = pulumi.ResourceOptions(parent=self, provider=self.provider)
        self.bucket = self.private_bucket()
        only_encrypted_connections(f"{self.name}-tls", self.bucket, self.bucket_name, self.settings.aws, self.lasting)
        return {"kind": "files", "url": self.address.apply("s3://{}".format), "format": None}

    @property
    def lasting(self) -> pulumi.ResourceOptions:
        """Options of the bucket and its policy, which stay together by default."""
        keep = pulumi.ResourceOptions(retain_on_delete=self.args.keep_on_destroy)
        return pulumi.ResourceOptions.merge(self.options, keep)

    @property
    def bucket_name(self) -> str:
        """The bucket's name, which follows from the port."""
        return resource_name(BUCKET, self.settings.aws, self.wiring)

    @property
    def address(self) -> pulumi.Output[str]:
        """The bucket's name as an output of the bucket, so that resources that use it depend on the bucket."""
        name = self.bucket_name
        known: pulumi.Output[str] = self.bucket.bucket_name.apply(lambda _: name)
        return known

    def private_bucket(self) -> s3.Bucket:
        """The bucket: access by IAM only, never public, encrypted, kept with its files by default.

        Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
        """
        aws = self.settings.aws
        return s3.Bucket(
            f"{self.name}-bucket",
            bucket_name=self.bucket_name,
            **private(aws.encryption_keys.s3),
            versioning_configuration={"status": "Enabled"},
            lifecycle_configuration={"rules": self.lifecycle_rules()},
            tags=tags_of(aws, self.wiring),
            opts=self.lasting,
        )

    def lifecycle_rules(self) -> list[dict[str, Any]]:
        """Rules that delete old versions and unfinished uploads, and files if a retention is set."""
        args = self.args
        rules: list[dict[str, Any]] = [
            {
                "id": "old-versions",
                "status": "Enabled",
                "noncurrent_version_expiration": {"noncurrent_days": args.old_versions.days},
                "expired_object_delete_marker": True,
            },
            {
                "id": "unfinished-uploads",
                "status": "Enabled",
                "abort_incomplete_multipart_upload": {"days_after_initiation": UNFINISHED_UPLOAD_DAYS},
            },
        ]
        if args.retention is not None:
            rules.append({"id": "retention", "status": "Enabled", "expiration_in_days": args.retention.days})
        return rules

    def rights(self, *, write: bool) -> list[dict[str, Any]]:
        """The rights on all objects of the bucket."""
        aws = self.settings.aws
        return list(files(self.address, aws.encryption_keys.s3, write=write, partition=aws.partition))

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the code read access, and write access unless this is an input."""
        write = self.wiring.role != Role.INPUT_PORT
        return admit_role(self, self.settings.aws, identity, self.rights(write=write), self.options)

    def grant(self, consumer: Consumer) -> Sequence[pulumi.Resource]:
        """Grant a consumer read access to the files, until its access expires."""
        return grant_to(self, self.settings.aws, consumer, self.rights(write=False), self.options)
