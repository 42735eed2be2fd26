"""The platform stack on AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pulumi
from pulumi_aws_native import ecr, rds, s3

from alchemesh_components.aws.access import document
from alchemesh_components.aws.names import REPOSITORY, product_resource_name
from alchemesh_components.aws.policies import aws_provider, only_encrypted_connections, private
from alchemesh_components.aws.settings import Settings
from alchemesh_components.aws.tags import tags_of
from alchemesh_components.foundations.aws_platform.models import Args
from alchemesh_components.foundations.aws_platform.spec import SPEC
from alchemesh_platform.sdk.component import Component

POSTGRES = "17"
OLD_STATES = 50  # states that can be restored
BACKUP_DAYS = 7
ADMINISTRATOR = "alchemesh"
PRODUCTS = "products"  # the repository


class AwsPlatform(Component[Args, Settings]):
    """The setup of an account: bucket of the state, server of the registry, repository of images."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """Create what the platform file's addresses need."""
        provider = aws_provider(self, self.settings.aws)
        # Their loss would lose the state of all deployments, or the record of all products.
        self.lasting = pulumi.ResourceOptions(parent=self, provider=provider, protect=True)
        bucket = self.state_bucket() if self.args.state.startswith("s3://") else None
        repository = self.repository()
        server = self.registry() if self.args.registry.startswith("postgresql") else None
        return {
            "state_bucket": bucket,
            "image_repository": repository,
            "registry_address": server.endpoint.apply(lambda at: at.address if at else None) if server else None,
            "registry_secret": (
                server.master_user_secret.apply(lambda secret: secret.secret_arn if secret else None)
                if server
                else None
            ),
        }

    def state_bucket(self) -> pulumi.Output[str]:
        """The bucket of the state. It keeps versions; returns its name.

        The lock of a run is an object in it, written on condition that there is none: it needs no table.
        """
        aws = self.settings.aws
        name = urlsplit(self.args.state).netloc
        old = {"noncurrent_days": 1, "newer_noncurrent_versions": OLD_STATES}
        bucket = s3.Bucket(
            f"{self.name}-state",
            bucket_name=name,
            **private(aws.encryption_keys.s3),
            versioning_configuration={"status": "Enabled"},
            lifecycle_configuration={
                "rules": [{"id": "old-states", "status": "Enabled", "noncurrent_version_expiration": old}]
            },
            tags=tags_of(aws, self.wiring),
            opts=self.lasting,
        )
        only_encrypted_connections(f"{self.name}-state-tls", bucket, name, aws, self.lasting)
        known: pulumi.Output[str] = bucket.bucket_name.apply(lambda _: name)
        return known

    def repository(self) -> pulumi.Output[str]:
        """The repository for products' images, whose tags never move; returns its address.

        Source: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#gettingstarted-images-permissions
        """
        aws = self.settings.aws
        name = product_resource_name(REPOSITORY, aws, self.wiring.environment, PRODUCTS)
        function = {"StringLike": {"aws:SourceArn": aws.arn("lambda", "function:*")}}
        pull = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Condition": function,
        }
        repository = ecr.Repository(
            f"{self.name}-products",
            repository_name=name,
            image_tag_mutability=ecr.RepositoryImageTagMutability.IMMUTABLE,
            image_scanning_configuration={"scan_on_push": True},
            repository_policy_text=document([pull]),
            tags=tags_of(aws, self.wiring),
            opts=self.lasting,
        )
        host = f"{aws.account}.dkr.ecr.{aws.region}.amazonaws.com{'.cn' if aws.partition == 'aws-cn' else ''}"
        address: pulumi.Output[str] = repository.repository_name.apply(lambda _: f"{host}/{name}")
        return address

    def registry(self) -> rds.DbInstance:
        """The registry's server and database: private, encrypted, backed up, and protected from deletion.

        RDS keeps the password of its administrator as a secret, so that none passes through a state.

        Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
        """
        aws = self.settings.aws
        wanted = aws.database
        words = (aws.name_prefix, self.wiring.environment, "registry")
        return rds.DbInstance(
            f"{self.name}-registry",
            db_instance_identifier="-".join(word for word in words if word),
            db_name=urlsplit(self.args.registry).path.lstrip("/") or ADMINISTRATOR,
            engine="postgres",
            engine_version=POSTGRES,
            db_instance_class=wanted.instance,
            allocated_storage=str(wanted.storage),
            storage_type="gp3",
            storage_encrypted=True,
            master_username=ADMINISTRATOR,
            manage_master_user_password=True,
            enable_iam_database_authentication=True,
            publicly_accessible=False,
            db_subnet_group_name=wanted.subnet_group,
            vpc_security_groups=list(wanted.security_groups) or None,
            backup_retention_period=BACKUP_DAYS,
            copy_tags_to_snapshot=True,
            deletion_protection=aws.deletion_protection,
            tags=tags_of(aws, self.wiring),
            opts=self.lasting,
        )
