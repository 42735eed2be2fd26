"""Inline policies of roles, users and groups, and the provider of a component's resources.

Only components import this module, since it imports Pulumi.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws_native as aws
from pulumi_aws_native import iam, s3

from alchemesh_components.aws.access import Principal, Statement, document, principals_of, until_end
from alchemesh_components.aws.names import POLICY, resource_name
from alchemesh_components.aws.settings import AwsSettings
from alchemesh_platform.clouds.aws.identities import AWS_ROLE
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer

CODE = "code"
# Cloud Control reads all policies of a role, also those of grants. Compared with the declaration, they would be drift,
# and the next deployment would remove them.
OTHERS_POLICIES = ["policies", "managed_policy_arns"]


def aws_provider(component: Component[Any, Any], settings: AwsSettings) -> aws.Provider:
    """The provider of a component's resources: the region, and the identity that deploys.

    It refuses credentials of another account: https://www.pulumi.com/registry/packages/aws-native/installation-configuration/
    """
    return aws.Provider(
        f"{component.name}-aws",
        region=settings.region,
        allowed_account_ids=[settings.account],
        profile=settings.profile,
        assume_role={"role_arn": settings.role} if settings.role else None,
        opts=pulumi.ResourceOptions(parent=component),
    )


def inline_policy(
    name: str,
    principal: Principal,
    policy: str,
    statements: Sequence[Statement],
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    """One inline policy of a principal. It does not affect other policies.

    Args:
        name: Name of the resource.
        principal: The principal.
        policy: Name of the policy.
        statements: The rights.
        opts: Options of the resource.
    """
    parts = {"policy_name": policy, "policy_document": document(statements), "opts": opts}
    made: pulumi.Resource
    if principal.kind == "user":
        made = iam.UserPolicy(name, user_name=principal.name, **parts)
    elif principal.kind == "group":
        made = iam.GroupPolicy(name, group_name=principal.name, **parts)
    else:
        made = iam.RolePolicy(name, role_name=principal.name, **parts)
    return made


def only_encrypted_connections(
    name: str, bucket: s3.Bucket, bucket_name: str, settings: AwsSettings, opts: pulumi.ResourceOptions
) -> s3.BucketPolicy:
    """The policy of a bucket that refuses requests without TLS. Grants are no part of it.

    Args:
        name: Name of the resource.
        bucket: The bucket.
        bucket_name: Its name. As a text, it is the id by which the next deployment imports the policy of a bucket that
            stayed.
        settings: Settings of the platform.
        opts: Options of the resource. A bucket that stays keeps its policy.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
    """
    arn = f"arn:{settings.partition}:s3:::{bucket_name}"
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[bucket]))
    refused: Statement = {
        "Sid": "OnlyEncryptedConnections",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return s3.BucketPolicy(name, bucket=bucket_name, policy_document=document([refused]), opts=after)


def private(key: str | None) -> dict[str, Any]:
    """The properties of a bucket with access by IAM only: never public, encrypted.

    Args:
        key: The key that encrypts its objects; None for a key of AWS.
    """
    encryption: dict[str, Any] = {"sse_algorithm": "AES256"}
    if key:
        encryption = {"sse_algorithm": "aws:kms", "kms_master_key_id": key}
    return {
        "bucket_encryption": {
            "server_side_encryption_configuration": [
                {"server_side_encryption_by_default": encryption, "bucket_key_enabled": key is not None}
            ]
        },
        "ownership_controls": {"rules": [{"object_ownership": "BucketOwnerEnforced"}]},
        "public_access_block_configuration": {
            "block_public_acls": True,
            "block_public_policy": True,
            "ignore_public_acls": True,
            "restrict_public_buckets": True,
        },
    }


def admit_role(
    component: Component[Any, Any],
    settings: AwsSettings,
    identity: CodeIdentity,
    statements: Sequence[Statement],
    opts: pulumi.ResourceOptions,
) -> Sequence[pulumi.Resource]:
    """Grant the product's code some rights, as one inline policy of its role."""
    if identity.kind != AWS_ROLE:
        return ()
    policy = resource_name(POLICY, settings, component.wiring, _role_of(component), CODE)
    principal = Principal("role", identity.name)
    return [inline_policy(f"{component.name}-{CODE}", principal, policy, statements, opts)]


def grant_to(
    component: Component[Any, Any],
    settings: AwsSettings,
    consumer: Consumer,
    statements: Sequence[Statement],
    opts: pulumi.ResourceOptions,
) -> Sequence[pulumi.Resource]:
    """Grant a consumer some rights until its access ends, as one inline policy of each of its principals."""
    policy = resource_name(POLICY, settings, component.wiring, _role_of(component), consumer.request)
    principals = principals_of(consumer, settings, component.wiring.environment)
    return [
        inline_policy(
            f"{component.name}-{principal.slug}-{consumer.request}",
            principal,
            policy,
            until_end(consumer, statements),
            opts,
        )
        for principal in principals
    ]


def _role_of(component: Component[Any, Any]) -> str:
    """The role of the component in its port, as a word: a storage and its proxy have policies of their own."""
    return component.wiring.role.replace(" ", "-")
