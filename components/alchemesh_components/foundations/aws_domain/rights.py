"""The rights of the role that deploys a domain's products, and the limit of the roles of these products.

Names of a domain's resources begin with the domain, so that IAM keeps domains of one account apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from alchemesh_components.aws.access import Statement, allow
from alchemesh_components.aws.foundations import DEPLOYER, boundary_arn
from alchemesh_components.aws.names import (
    BUCKET,
    DATABASE,
    FUNCTION,
    QUEUE,
    REPOSITORY,
    ROLE,
    SCHEDULE,
    SECRET,
    STREAM,
    WORKGROUP,
    names_of_domain,
    product_resource_name,
)
from alchemesh_components.aws.rights import ENCRYPT
from alchemesh_components.aws.settings import AwsSettings
from alchemesh_components.cloud_names import NameRule

STATE_FOLDER = ".pulumi"
# Cloud Control, through which the provider works: https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/security.html
CLOUD_CONTROL = tuple(
    f"cloudformation:{act}"
    for act in (
        *("CreateResource", "GetResource", "UpdateResource", "DeleteResource", "ListResources"),
        *("GetResourceRequestStatus", "ListResourceRequests", "CancelResourceRequest"),
    )
)
# Actions on a role of the domain that give it no right: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
DESCRIBE_ROLE = ("iam:GetRole", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:ListRoleTags")
CHANGE_ROLE = (
    *("iam:UpdateRole", "iam:UpdateRoleDescription", "iam:UpdateAssumeRolePolicy", "iam:DeleteRole"),
    *("iam:TagRole", "iam:UntagRole"),
)
LIMITED = ("iam:CreateRole", "iam:PutRolePermissionsBoundary")
ROLE_POLICIES = ("iam:PutRolePolicy", "iam:GetRolePolicy", "iam:DeleteRolePolicy", "iam:ListRolePolicies")
USER_POLICIES = ("iam:PutUserPolicy", "iam:GetUserPolicy", "iam:DeleteUserPolicy", "iam:ListUserPolicies")
# Reading data, which a grant of any domain can allow.
READ_DATA = (
    *("s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation"),
    *("glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:GetPartitions", "lakeformation:GetDataAccess"),
    *("athena:StartQueryExecution", "athena:StopQueryExecution", "athena:GetQuery*", "athena:GetWorkGroup"),
    *("kinesis:Describe*", "kinesis:Get*", "kinesis:List*", "kinesis:SubscribeToShard"),
    *ENCRYPT,
)
WRITE_DATA = (
    *("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "kinesis:PutRecord", "kinesis:PutRecords"),
    *("secretsmanager:GetSecretValue", "logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"),
    "lambda:InvokeFunction",
)


@dataclass(frozen=True, slots=True)
class DomainNames:
    """ARNs of the resources of a domain, with patterns for their names.

    Args:
        settings: Settings of the platform.
        environment: The environment.
        domain: The domain.
    """

    settings: AwsSettings
    environment: str
    domain: str

    def arns(self, rule: NameRule, service: str, kind: str, ending: str = "", *, is_global: bool = False) -> list[str]:
        """The ARNs of one kind of resource.

        Args:
            rule: The rule for its names.
            service: Its service.
            kind: The text before the name: ``role/``.
            ending: The text after the name.
            is_global: Whether the service has no regions.
        """
        names = names_of_domain(rule, self.settings, self.environment, self.domain)
        return [self.settings.arn(service, f"{kind}{name}{ending}", is_global=is_global) for name in names]

    def buckets(self) -> list[str]:
        """The buckets and their objects."""
        names = names_of_domain(BUCKET, self.settings, self.environment, self.domain)
        return [f"arn:{self.settings.partition}:s3:::{name}" for name in names]

    def roles(self) -> list[str]:
        """The roles."""
        return self.arns(ROLE, "iam", "role/", is_global=True)

    def data(self) -> list[str]:
        """Everything that holds data or takes messages. The pattern of a bucket fits its objects too."""
        return [
            *self.buckets(),
            *self.arns(STREAM, "kinesis", "stream/"),
            *self.arns(SECRET, "secretsmanager", "secret:"),
            *self.arns(FUNCTION, "logs", "log-group:/aws/lambda/"),
            *self.arns(QUEUE, "sqs", ""),
            *self.arns(FUNCTION, "lambda", "function:"),
        ]


def limit(names: DomainNames) -> list[Statement]:
    """The limit of the roles of a domain's products: they read what grants allow, and write to the domain's own."""
    aws = names.settings
    start = "--".join(word for word in (aws.name_prefix, names.environment) if word)
    # Roles of grants and of needs. The roles that deploy trust the account: their names are left out.
    every, deployers = (aws.arn("iam", f"role/{start}--{each}*", is_global=True) for each in ("", f"{DEPLOYER}--"))
    act = allow(["sts:AssumeRole"], every)
    return [
        allow(READ_DATA, "*"),
        allow(WRITE_DATA, names.data()),
        act,
        {**act, "Effect": "Deny", "Resource": deployers},
    ]


def deployment(names: DomainNames, state: str) -> Iterator[Statement]:
    """The rights to deploy the domain's products.

    Args:
        names: The names of the domain's resources.
        state: Location of the products' state.
    """
    aws = names.settings
    yield allow(CLOUD_CONTROL, "*")
    yield allow(["s3:*"], names.buckets())
    yield allow(["kinesis:*"], names.arns(STREAM, "kinesis", "stream/"))
    yield allow(["secretsmanager:*"], names.arns(SECRET, "secretsmanager", "secret:"))
    yield allow(["lambda:*"], names.arns(FUNCTION, "lambda", "function:"))
    yield allow(["scheduler:*"], names.arns(SCHEDULE, "scheduler", "schedule/default/"))
    yield allow(["sqs:*"], names.arns(QUEUE, "sqs", ""))
    yield allow(["logs:*"], names.arns(FUNCTION, "logs", "log-group:/aws/lambda/"))
    yield allow(["athena:*"], names.arns(WORKGROUP, "athena", "workgroup/"))
    catalog = [aws.arn("glue", "catalog"), *names.arns(DATABASE, "glue", "database/")]
    yield allow(["glue:*"], [*catalog, *names.arns(DATABASE, "glue", "table/", "/*")])
    if aws.lake_formation:
        governed = ("GrantPermissions", "RevokePermissions", "ListPermissions", "BatchGrantPermissions")
        yield allow([f"lakeformation:{act}" for act in governed], "*")
    keys = sorted({key for key in aws.encryption_keys.model_dump().values() if key})
    if keys:
        yield allow(["kms:DescribeKey", "kms:CreateGrant", *ENCRYPT], keys)
    yield from roles(names)
    yield from images(aws, names.environment)
    yield from own_state(names.domain, state, aws)


def roles(names: DomainNames) -> Iterator[Statement]:
    """The rights on roles: those of the domain, always with the limit, and the policies of grants.

    A grant is a policy of its consumer. It reaches consumers with the limit of a domain only: otherwise the role could
    give itself, or anybody, every right.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    aws, own = names.settings, names.roles()
    boundary = aws.permissions_boundary or boundary_arn(aws, names.environment, names.domain)
    every = aws.permissions_boundary or boundary_arn(aws, names.environment, "*")
    yield allow([*DESCRIBE_ROLE, *CHANGE_ROLE], own)
    yield allow(LIMITED, own, {"StringEquals": {"iam:PermissionsBoundary": boundary}})
    everybody = [aws.arn("iam", f"{kind}/*", is_global=True) for kind in ("role", "user")]
    limited = {"StringLike": {"iam:PermissionsBoundary": every}}
    yield allow([*ROLE_POLICIES, *USER_POLICIES], everybody, limited)
    services = {"StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com", "scheduler.amazonaws.com"]}}
    yield allow(["iam:PassRole"], own, services)


def images(aws: AwsSettings, environment: str) -> Iterator[Statement]:
    """The rights to push and pull images of products. Tags never move, so none replaces an image."""
    repository = aws.arn("ecr", f"repository/{product_resource_name(REPOSITORY, aws, environment, 'products')}")
    pull = ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer", "DescribeImages")
    push = ("InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage")
    yield allow(["ecr:GetAuthorizationToken"], "*")
    yield allow([f"ecr:{act}" for act in (*pull, *push)], repository)


def own_state(domain: str, state: str, aws: AwsSettings) -> Iterator[Statement]:
    """The rights on the state of the domain's products, and of no others: projects are ``domain.product``."""
    place = urlsplit(state)
    if place.scheme != "s3":
        return
    bucket = f"arn:{aws.partition}:s3:::{place.netloc}"
    folder = f"{bucket}/{place.path.strip('/')}/".replace("//", "/") + STATE_FOLDER
    write = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
    yield allow(["s3:ListBucket"], bucket)
    yield allow(["s3:GetObject"], f"{folder}/meta.yaml")
    yield allow(write, [f"{folder}/*/{domain}.*", f"{folder}/*/organization/{domain}.*"])
