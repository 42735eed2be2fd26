"""Files of another bucket, copied into the port's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import pulumi
from pulumi_gcp import storage

from alchemesh_components.gcp.settings import Settings
from alchemesh_components.infrastructure.gcs_bucket.component import GcsBucket
from alchemesh_components.infrastructure.gcs_bucket.models import Args as BucketArgs
from alchemesh_components.input_ports.storage_transfer.models import Args
from alchemesh_components.input_ports.storage_transfer.spec import SPEC
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component

# Roles that the agent needs: https://cloud.google.com/storage-transfer/docs/iam-cloud
SOURCE_ROLES = ("roles/storage.objectViewer", "roles/storage.legacyBucketReader")
SINK_ROLES = ("roles/storage.objectUser", "roles/storage.legacyBucketWriter")
# A transfer needs a first day. A day in the past is the same in every preview. Without a time of day, a repeated
# transfer starts at once: https://cloud.google.com/storage-transfer/docs/reference/rest/v1/transferJobs#schedule
FIRST_DAY = storage.TransferJobScheduleScheduleStartDateArgs(year=2020, month=1, day=1)


class StorageTransfer(Component[Args, Settings]):
    """A private bucket, and a job of Storage Transfer that copies new and changed files into it."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """A bucket, the agent's rights at both ends, and the job."""
        self.landing = self.landing_bucket()
        rights = [*self.rights_at_sink(), *(self.rights_at_source() if self.args.ask_source else ())]
        self.transfer(rights)
        return {**self.landing.outputs, "format": self.args.format, "reading": self.args.reading()}

    def landing_bucket(self) -> GcsBucket:
        """The bucket that files land in."""
        args = BucketArgs(keep_on_destroy=self.args.keep_on_destroy)
        return GcsBucket(f"{self.name}-landing", args, self.settings, self.wiring, self.child_options)

    @property
    def agent(self) -> str:
        """Google's agent that copies, as a member of IAM.

        Source: https://cloud.google.com/storage-transfer/docs/iam-cloud
        """
        name = f"project-{self.settings.gcp.project_number}@storage-transfer-service"
        return f"serviceAccount:{name}.iam.gserviceaccount.com"

    def rights_at_sink(self) -> list[storage.BucketIAMMember]:
        """The rights of the agent to write into the port's bucket."""
        return [self.right("sink", role, self.landing.bucket.name) for role in SINK_ROLES]

    def rights_at_source(self) -> list[storage.BucketIAMMember]:
        """The rights of the agent to read the source. They do not affect other rights of the source."""
        return [self.right("source", role, self.source) for role in SOURCE_ROLES]

    def right(self, end: str, role: str, bucket: pulumi.Input[str]) -> storage.BucketIAMMember:
        """One right of the agent at one end."""
        return storage.BucketIAMMember(
            f"{self.name}-{end}-{role.rpartition('.')[2]}",
            bucket=bucket,
            role=role,
            member=self.agent,
            opts=self.child_options,
        )

    @property
    def source(self) -> str:
        """The source bucket."""
        return urlsplit(self.args.path).netloc

    def transfer(self, rights: Sequence[pulumi.Resource]) -> storage.TransferJob:
        """The job, which depends on the agent's roles. Files that are removed at the source stay, without `mirror`.

        The service generates its name: a fixed name would be blocked for 30 days after the port is removed.

        Source: https://cloud.google.com/storage-transfer/docs/reference/rest/v1/transferJobs#Status
        """
        gcp = self.settings.gcp
        return storage.TransferJob(
            f"{self.name}-transfer",
            project=gcp.project,
            description=f"{self.args.path} into {self.wiring.address}",
            schedule=storage.TransferJobScheduleArgs(
                schedule_start_date=FIRST_DAY, repeat_interval=f"{int(self.args.every.total_seconds())}s"
            ),
            transfer_spec=storage.TransferJobTransferSpecArgs(
                gcs_data_source=storage.TransferJobTransferSpecGcsDataSourceArgs(
                    bucket_name=self.source, path=urlsplit(self.args.path).path.lstrip("/") or None
                ),
                gcs_data_sink=storage.TransferJobTransferSpecGcsDataSinkArgs(bucket_name=self.landing.bucket.name),
                transfer_options=storage.TransferJobTransferSpecTransferOptionsArgs(
                    overwrite_when="DIFFERENT", delete_objects_unique_in_sink=self.args.mirror
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(rights)),
        )

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the code read access to the copied files."""
        return self.landing.admit(identity)
