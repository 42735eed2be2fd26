"""Access to a BigQuery dataset, one entry for each member; imported by components, for it brings Pulumi along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_gcp import bigquery

from alchemesh_components.gcp.access import condition_of, member_slug, members_of
from alchemesh_components.gcp.settings import GcpSettings
from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.sdk.code_identity import CodeIdentity
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer

# Basic role of a dataset: https://cloud.google.com/bigquery/docs/access-control-basic-roles#dataset-basic-roles
WRITER = "WRITER"
# The same as the basic role READER, as a binding of IAM has it.
VIEWER = "roles/bigquery.dataViewer"
LISTED_KINDS = ("user", "serviceAccount", "group", "domain")  # members that an access list has a field of its own for


def dataset_options(component: Component[Any, Any], *, kept: bool) -> pulumi.ResourceOptions:
    """Options of a dataset.

    Its id is unique in the project: it must be deleted before one with the same id is created in another location. A
    kept dataset is not deleted, so it stays in its location.
    """
    return pulumi.ResourceOptions(
        parent=component,
        retain_on_delete=kept,
        delete_before_replace=True,
        ignore_changes=["location"] if kept else None,
    )


def admit_to_dataset(
    component: Component[Any, Any], dataset: bigquery.Dataset, identity: CodeIdentity
) -> Sequence[pulumi.Resource]:
    """Let the product's code read and write a dataset."""
    if identity.kind != GOOGLE_SERVICE_ACCOUNT:
        return ()
    return [
        bigquery.DatasetAccess(
            f"{component.name}-code",
            project=dataset.project,
            dataset_id=dataset.dataset_id,
            role=WRITER,
            user_by_email=identity.name,
            opts=component.child_options,
        )
    ]


def grant_on_dataset(
    component: Component[Any, Any],
    dataset: bigquery.Dataset,
    gcp: GcpSettings,
    consumer: Consumer,
    after: Sequence[pulumi.Resource] = (),
) -> Sequence[pulumi.Resource]:
    """Let a consumer read a dataset until its access ends, with a binding of its own for each of its members.

    Args:
        after: Entries of the same dataset. The provider reads the whole list, changes it and writes it back, with a
            lock for entries and one for bindings: at the same time one could undo the other.

    Not by ``DatasetAccess``: the provider tells its entries apart by role and member alone, whatever their condition,
    so that a second request of one member, and a new end of the first, would be refused as being there already.

    Source: https://github.com/GoogleCloudPlatform/magic-modules/blob/main/mmv1/products/bigquery/DatasetAccess.yaml
    """
    condition = condition_of(consumer)
    return [
        bigquery.DatasetIamMember(
            f"{component.name}-{member_slug(member)}-{consumer.request}",
            project=dataset.project,
            dataset_id=dataset.dataset_id,
            role=VIEWER,
            member=_listed(member),
            condition=bigquery.DatasetIamMemberConditionArgs(
                title=condition.title, description=condition.description, expression=condition.expression
            ),
            opts=pulumi.ResourceOptions(parent=component, depends_on=list(after)),
        )
        for member in members_of(consumer, gcp, component.wiring.environment)
    ]


def _listed(member: str) -> str:
    """A member of IAM as a dataset's bindings have it: what its list has no field for is marked."""
    return member if member.partition(":")[0] in LISTED_KINDS else f"iamMember:{member}"
