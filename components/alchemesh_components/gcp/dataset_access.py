"""Access to a BigQuery dataset, one entry for each member.

Only components import this module, since it imports Pulumi.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_gcp import bigquery

from alchemesh_components.cloud_names import member_name
from alchemesh_components.gcp.access import condition_of, members_of
from alchemesh_components.gcp.foundations import observer_of
from alchemesh_components.gcp.settings import GcpSettings
from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer

# Basic role of a dataset: https://cloud.google.com/bigquery/docs/access-control-basic-roles#dataset-basic-roles
WRITER = "WRITER"
# The role of IAM that equals the basic role READER.
VIEWER = "roles/bigquery.dataViewer"
LISTED_KINDS = ("user", "serviceAccount", "group", "domain")  # kinds of members with their own field in an access list


def dataset_options(component: Component[Any, Any], *, kept: bool) -> pulumi.ResourceOptions:
    """Options of a dataset.

    The id of a dataset is unique in the project, so the old dataset is deleted before one with the same id is created
    in another location. A kept dataset is not deleted, so it stays in its location.
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
    """Grant the product's code read and write access to a dataset."""
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
    """Grant a consumer read access to a dataset until its access expires, with one binding for each of its members.

    Args:
        after: Entries of the same dataset. The provider reads the whole list, changes it and writes it back, with one
            lock for entries and another for bindings. In parallel, one could overwrite the other.

    This does not use ``DatasetAccess``. The provider identifies its entries by role and member only, without their
    condition. So it would reject a second request of the same member, or a new end date, as an existing entry.

    Source: https://github.com/GoogleCloudPlatform/magic-modules/blob/main/mmv1/products/bigquery/DatasetAccess.yaml
    """
    condition = condition_of(consumer)
    return [
        bigquery.DatasetIamMember(
            f"{component.name}-{member_name(member)}-{consumer.request}",
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


def admit_observer(component: Component[Any, Any], dataset: bigquery.Dataset) -> Sequence[pulumi.Resource]:
    """Grant the job that observes all products read access to tables, if the platform's stack has one.

    It is an entry, as the other ones of the dataset.
    """
    account = observer_of(component.wiring)
    if account is None:
        return ()
    return [
        bigquery.DatasetAccess(
            f"{component.name}-observer",
            project=dataset.project,
            dataset_id=dataset.dataset_id,
            role="READER",
            user_by_email=account,
            opts=component.child_options,
        )
    ]


def grant_to_observer(component: Component[Any, Any], dataset: bigquery.Dataset) -> Sequence[pulumi.Resource]:
    """Grant the job that observes all products the rights of a consumer of views, as a binding like those."""
    account = observer_of(component.wiring)
    if account is None:
        return ()
    return [
        bigquery.DatasetIamMember(
            f"{component.name}-observer",
            project=dataset.project,
            dataset_id=dataset.dataset_id,
            role=VIEWER,
            member=f"serviceAccount:{account}",
            opts=component.child_options,
        )
    ]


def _listed(member: str) -> str:
    """An IAM member in the form of a dataset's bindings, which mark kinds of members without their own field."""
    return member if member.partition(":")[0] in LISTED_KINDS else f"iamMember:{member}"
