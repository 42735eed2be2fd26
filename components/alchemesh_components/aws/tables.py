"""The rights of reading tables of the Glue catalog. Only components import this module, since it imports Pulumi."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pulumi
from pulumi_aws_native import iam, lakeformation

from alchemesh_components.aws.access import (
    Principal,
    Statement,
    allow,
    document,
    literal,
    principals_of,
    role_arn,
    until_end,
)
from alchemesh_components.aws.foundations import boundary_of
from alchemesh_components.aws.names import POLICY, ROLE, resource_name
from alchemesh_components.aws.policies import OTHERS_POLICIES, grant_to, inline_policy
from alchemesh_components.aws.settings import AwsSettings
from alchemesh_components.aws.tags import tags_of
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer

# https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
READ_CATALOG = ("glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:GetPartitions")
# https://docs.aws.amazon.com/lake-formation/latest/dg/access-control-underlying-data.html
READ_GOVERNED = ("lakeformation:GetDataAccess",)


def catalog(settings: AwsSettings, database: str, tables: Iterable[str]) -> Statement:
    """The right to read the description of some tables."""
    names = ["catalog", f"database/{database}", *(f"table/{database}/{name}" for name in tables)]
    return allow(READ_CATALOG, [settings.arn("glue", name) for name in names])


def grant_tables(
    component: Component[Any, Any],
    settings: AwsSettings,
    consumer: Consumer,
    database: str,
    tables: Sequence[str],
    *,
    files: Sequence[Statement],
    more: Sequence[Statement] = (),
    opts: pulumi.ResourceOptions,
) -> Sequence[pulumi.Resource]:
    """Grant a consumer read access to tables, until its access expires.

    Args:
        component: The component of the port.
        settings: Settings of the platform.
        consumer: The consumer.
        database: The database of the tables.
        tables: Their names.
        files: The rights on their files, which Lake Formation replaces.
        more: Further rights, such as those to query.
        opts: Options of the resources.
    """
    described = catalog(settings, database, tables)
    if not settings.lake_formation:
        return grant_to(component, settings, consumer, [described, *files, *more], opts)
    rights = [described, allow(READ_GOVERNED, "*"), *more]
    return list(_governed(component, settings, consumer, database, tables, rights, opts))


def _governed(
    component: Component[Any, Any],
    settings: AwsSettings,
    consumer: Consumer,
    database: str,
    tables: Sequence[str],
    rights: Sequence[Statement],
    opts: pulumi.ResourceOptions,
) -> Iterator[pulumi.Resource]:
    """A role of the request that Lake Formation lets read the tables, and the consumer's right to act as it.

    Lake Formation has one set of permissions for a principal and a table, without an end. So a grant to the consumer
    itself would be shared by all of its requests, and the end of one would end the others. The policy of the role has
    the end of the access.

    Source: https://docs.aws.amazon.com/lake-formation/latest/dg/lf-permissions-reference.html
    """
    place, request = component.wiring, consumer.request
    name = resource_name(ROLE, settings, place, place.role, request)
    arn = role_arn(settings, name)
    principals = [literal(each.arn(settings)) for each in principals_of(consumer, settings, place.environment)]
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": settings.arn("iam", "root", is_global=True)},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": principals}},
    }
    role = iam.Role(
        f"{component.name}-access-{request}",
        role_name=name,
        description=f"Access request {request} of {consumer.address}"[:1000],
        assume_role_policy_document=document([trust]),
        permissions_boundary=boundary_of(settings, place),
        tags=tags_of(settings, place),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=OTHERS_POLICIES)),
    )
    yield role
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[role]))
    own = resource_name(POLICY, settings, place, place.role, request)
    statements = until_end(consumer, rights)
    yield inline_policy(f"{component.name}-access-rights-{request}", Principal("role", name), own, statements, after)
    for table in tables:
        yield lakeformation.PrincipalPermissions(
            f"{component.name}-access-{table}-{request}",
            catalog=settings.account,
            principal={"data_lake_principal_identifier": arn},
            resource={"table": {"catalog_id": settings.account, "database_name": database, "name": table}},
            permissions=["SELECT", "DESCRIBE"],
            permissions_with_grant_option=[],
            opts=after,
        )
    yield from grant_to(component, settings, consumer, [allow(["sts:AssumeRole"], arn)], opts)
