"""The platform stack on Google Cloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import pulumi
from pulumi_gcp import artifactregistry, projects, sql, storage

from alchemesh_components.foundations.gcp_platform.models import Args
from alchemesh_components.foundations.gcp_platform.observer import Observer
from alchemesh_components.foundations.gcp_platform.spec import SPEC
from alchemesh_components.gcp.foundations import DATA_API, MIRROR, PRODUCTS, registry_host
from alchemesh_components.gcp.labels import labels_of
from alchemesh_components.gcp.names import REPOSITORY, SQL_INSTANCE, product_resource_name
from alchemesh_components.gcp.settings import Settings
from alchemesh_platform.sdk.component import Component

# The services that the components for Google Cloud use, including the domain stack.
SERVICES = (
    "artifactregistry",
    "bigquery",
    "bigquerydatatransfer",
    "billingbudgets",
    "cloudresourcemanager",
    "cloudscheduler",
    "iam",
    "iamcredentials",
    "monitoring",
    "pubsub",
    "run",
    "secretmanager",
    "sqladmin",
    "storage",
    "storagetransfer",
)
# Services whose agents receive roles. Google creates an agent on the first request, and IAM accepts no member that does
# not exist: https://cloud.google.com/iam/docs/create-service-agents
AGENTS = ("pubsub", "storagetransfer")
POSTGRES = "POSTGRES_17"
OLD_STATES = 50  # states that can be restored


class GcpPlatform(Component[Args, Settings]):
    """The setup of a project: services, bucket of the state, database of the registry, repositories of images."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """Enable the services first, then create the other resources."""
        services = self.services()
        self.agents(services)
        bucket = self.state_bucket(services) if self.args.state.startswith("gs://") else None
        products = self.products_repository(services)
        mirror = self.mirror_repository(services)
        instance = self.registry(services) if self.args.registry.startswith("postgresql") else None
        observe = self.settings.gcp.observe
        observer = Observer(self, observe, services).account if observe is not None else None
        return {
            "state_bucket": bucket.name if bucket else None,
            "image_repository": self.address_of(products),
            "mirror_repository": self.address_of(mirror),
            "data_api_image": pulumi.Output.concat(self.address_of(products), "/", DATA_API),
            "registry_connection": instance.connection_name if instance else None,
            "observer": observer.email if observer else None,
        }

    def services(self) -> list[projects.Service]:
        """Google's services. They stay enabled after this stack is destroyed, since others may use them."""
        return [
            projects.Service(
                f"{self.name}-{service}",
                project=self.settings.gcp.project,
                service=f"{service}.googleapis.com",
                disable_on_destroy=False,
                opts=self.child_options,
            )
            for service in SERVICES
        ]

    def agents(self, services: Sequence[pulumi.Resource]) -> list[projects.ServiceIdentity]:
        """Google's own service accounts that transfer files and messages."""
        return [
            projects.ServiceIdentity(
                f"{self.name}-{service}-agent",
                project=self.settings.gcp.project,
                service=f"{service}.googleapis.com",
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(services)),
            )
            for service in AGENTS
        ]

    def state_bucket(self, services: Sequence[pulumi.Resource]) -> storage.Bucket:
        """The bucket of the state.

        It is protected and keeps versions, since its loss would lose the state of all deployments.
        """
        gcp = self.settings.gcp
        key = gcp.encryption_keys.storage
        return storage.Bucket(
            f"{self.name}-state",
            name=urlsplit(self.args.state).netloc,
            project=gcp.project,
            location=gcp.region,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            versioning=storage.BucketVersioningArgs(enabled=True),
            lifecycle_rules=[
                storage.BucketLifecycleRuleArgs(
                    action=storage.BucketLifecycleRuleActionArgs(type="Delete"),
                    condition=storage.BucketLifecycleRuleConditionArgs(num_newer_versions=OLD_STATES),
                )
            ],
            encryption=storage.BucketEncryptionArgs(default_kms_key_name=key) if key else None,
            labels=labels_of(gcp, self.wiring),
            force_destroy=False,
            opts=self.lasting(services),
        )

    def products_repository(self, services: Sequence[pulumi.Resource]) -> artifactregistry.Repository:
        """The repository for products' images."""
        gcp = self.settings.gcp
        return artifactregistry.Repository(
            f"{self.name}-products",
            project=gcp.project,
            location=gcp.region,
            repository_id=product_resource_name(REPOSITORY, gcp, self.wiring.environment, PRODUCTS),
            format="DOCKER",
            description="Images of data products",
            kms_key_name=gcp.encryption_keys.artifact_registry,
            labels=labels_of(gcp, self.wiring),
            opts=self.lasting(services),
        )

    def mirror_repository(self, services: Sequence[pulumi.Resource]) -> artifactregistry.Repository:
        """The mirror of GitHub's registry in Artifact Registry, since Cloud Run pulls images only from there."""
        gcp = self.settings.gcp
        return artifactregistry.Repository(
            f"{self.name}-mirror",
            project=gcp.project,
            location=gcp.region,
            repository_id=product_resource_name(REPOSITORY, gcp, self.wiring.environment, MIRROR),
            format="DOCKER",
            mode="REMOTE_REPOSITORY",
            description="Images of ghcr.io",
            remote_repository_config=artifactregistry.RepositoryRemoteRepositoryConfigArgs(
                docker_repository=artifactregistry.RepositoryRemoteRepositoryConfigDockerRepositoryArgs(
                    custom_repository=(
                        artifactregistry.RepositoryRemoteRepositoryConfigDockerRepositoryCustomRepositoryArgs(
                            uri="https://ghcr.io"
                        )
                    )
                )
            ),
            labels=labels_of(gcp, self.wiring),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(services)),
        )

    def registry(self, services: Sequence[pulumi.Resource]) -> sql.DatabaseInstance:
        """The registry's server and database: backed up, encrypted on the way, and protected from deletion."""
        gcp = self.settings.gcp
        instance = sql.DatabaseInstance(
            f"{self.name}-registry",
            project=gcp.project,
            region=gcp.region,
            name=product_resource_name(SQL_INSTANCE, gcp, self.wiring.environment, "registry"),
            database_version=POSTGRES,
            deletion_protection=gcp.deletion_protection,
            settings=sql.DatabaseInstanceSettingsArgs(
                tier="db-custom-1-3840",
                edition="ENTERPRISE",
                user_labels=labels_of(gcp, self.wiring),
                backup_configuration=sql.DatabaseInstanceSettingsBackupConfigurationArgs(
                    enabled=True, point_in_time_recovery_enabled=True
                ),
                ip_configuration=sql.DatabaseInstanceSettingsIpConfigurationArgs(
                    ipv4_enabled=True, ssl_mode="ENCRYPTED_ONLY"
                ),
                database_flags=[
                    sql.DatabaseInstanceSettingsDatabaseFlagArgs(name="cloudsql.iam_authentication", value="on")
                ],
            ),
            opts=self.lasting(services),
        )
        sql.Database(
            f"{self.name}-database",
            project=gcp.project,
            instance=instance.name,
            name=urlsplit(self.args.registry).path.lstrip("/") or "alchemesh",
            opts=pulumi.ResourceOptions.merge(self.lasting(), pulumi.ResourceOptions(retain_on_delete=True)),
        )
        return instance

    def lasting(self, services: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        """Options for resources with data that cannot be re-created."""
        return pulumi.ResourceOptions(parent=self, depends_on=list(services), protect=True)

    def address_of(self, repository: artifactregistry.Repository) -> pulumi.Output[str]:
        """The address for pushing and pulling images. It is known in a preview, and depends on the repository."""
        gcp = self.settings.gcp
        return pulumi.Output.concat(registry_host(gcp), "/", repository.repository_id)
