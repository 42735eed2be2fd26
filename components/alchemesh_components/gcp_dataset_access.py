"""Access to a BigQuery dataset, one entry for each member; imported by components, for it brings Pulumi along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_gcp import bigquery

from alchemesh_components.gcp_access import condition_of, member_slug, members_of
from alchemesh_components.gcp_settings import GcpSettings
from alchemesh_platform.catalog.consumer import Consumer
from alchemesh_platform.catalog.identity import GOOGLE_SERVICE_ACCOUNT, CodeIdentity
from alchemesh_platform.component import Component

# Basic roles of a dataset: https://cloud.google.com/bigquery/docs/access-control-basic-roles#dataset-basic-roles
READER = "READER"
WRITER = "WRITER"
LISTED_KINDS = ("user", "serviceAccount", "group", "domain")  # members that an access list has a field of its own for


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
    component: Component[Any, Any], dataset: bigquery.Dataset, gcp: GcpSettings, consumer: Consumer
) -> Sequence[pulumi.Resource]:
    """Let a consumer read a dataset until its access ends, with an entry of its own for each of its members."""
    condition = condition_of(consumer)
    return [
        bigquery.DatasetAccess(
            f"{component.name}-{member_slug(member)}-{consumer.request}",
            project=dataset.project,
            dataset_id=dataset.dataset_id,
            role=READER,
            condition=bigquery.DatasetAccessConditionArgs(
                title=condition.title, description=condition.description, expression=condition.expression
            ),
            user_by_email=_name(member, "user", "serviceAccount"),
            group_by_email=_name(member, "group"),
            domain=_name(member, "domain"),
            iam_member=None if _name(member, *LISTED_KINDS) else member,
            opts=component.child_options,
        )
        for member in members_of(consumer, gcp, component.wiring.environment)
    ]


def _name(member: str, *kinds: str) -> str | None:
    """The name of a member of one of the kinds, as an entry of a dataset's access list has it."""
    kind, _, name = member.partition(":")
    return name if kind in kinds else None
