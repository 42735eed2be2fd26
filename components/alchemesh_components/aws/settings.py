"""Settings for AWS: the group ``aws`` of the platform file's settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from alchemesh_platform.sdk.models import Name, Strict

ACCOUNT_PATTERN = r"^\d{12}$"  # https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html
REGION_PATTERN = r"^[a-z]{2}(-[a-z]+)+-\d$"  # https://docs.aws.amazon.com/general/latest/gr/rande.html
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
TAG_KEY_PATTERN = r"^[A-Za-z0-9_ .:/=+@-]{1,128}$"
TAG_VALUE_PATTERN = r"^[A-Za-z0-9_ .:/=+@-]{0,256}$"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
KEY_PATTERN = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$"
ROLE_ARN_PATTERN = r"^arn:aws[a-z-]*:iam::\d{12}:role/\S+$"
PROVIDER_PATTERN = r"^arn:aws[a-z-]*:iam::\d{12}:oidc-provider/\S+$"
POLICY_ARN_PATTERN = r"^arn:aws[a-z-]*:iam::(\d{12}|aws):policy/\S+$"
NAME_PREFIX_PATTERN = r"^([a-z][a-z0-9]*(-[a-z0-9]+)*)?$"
NAME_PREFIX_MAX = 20  # a longer prefix leaves too little of a name to read
PRINCIPAL_KINDS = ("role", "user", "group")

KmsKey = Annotated[str, StringConstraints(pattern=KEY_PATTERN)]


def _not_reserved(key: str) -> str:
    if key.lower().startswith("aws:"):
        raise ValueError("expected a key without aws: at its beginning, which AWS keeps to itself")
    return key


TAGS_MAX = 44  # https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html: 50, with ours


def _of_one_case(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > TAGS_MAX:
        raise ValueError(f"found {len(tags)} tags, expected at most {TAGS_MAX}: a resource has 50, six of them ours")
    seen: dict[str, str] = {}
    for key in tags:
        if (other := seen.setdefault(key.lower(), key)) != key:
            raise ValueError(f"found the keys {other} and {key}, expected keys that differ in more than case")
    return tags


TagKey = Annotated[str, StringConstraints(pattern=TAG_KEY_PATTERN), AfterValidator(_not_reserved)]
TagValue = Annotated[str, StringConstraints(pattern=TAG_VALUE_PATTERN)]


class EncryptionKeys(Strict):
    """Customer-managed keys of KMS by service; keys of AWS where none is given. A key is in the region of its data."""

    s3: KmsKey | None = Field(default=None, description="Key of buckets.", examples=[KEY])
    secrets_manager: KmsKey | None = Field(default=None, description="Key of secrets.", examples=[KEY])
    kinesis: KmsKey | None = Field(default=None, description="Key of streams.", examples=[KEY])


def _principal(*names: str) -> AfterValidator:
    def check(template: str) -> str:
        kind, slash, name = template.partition("/")
        if kind not in PRINCIPAL_KINDS or not slash or not name:
            raise ValueError("expected role/NAME, user/NAME or group/NAME: a principal of IAM in the account")
        try:
            template.format(**dict.fromkeys(names, ""))
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            known = " and ".join(f"{{{each}}}" for each in names)
            raise ValueError(f"expected a text with no other placeholders than {known}") from error
        return template

    return AfterValidator(check)


class Principals(Strict):
    """The names of people and teams of the mesh in IAM. Products have their own roles.

    IAM Identity Center owns the roles that it creates, and nobody else can change their policies. Give people a role of
    your own.
    """

    user: Annotated[str, _principal("email")] = Field(
        default="user/{email}", description="Principal of a user: role/NAME, user/NAME or group/NAME."
    )
    team: Annotated[str, _principal("domain", "team")] | None = Field(
        default=None,
        description="Principal of a technical team, such as role/{domain}-{team}; without it, each member of a team "
        "receives access.",
    )


class Budget(Strict):
    """Monthly budget of a domain. The owner receives alerts; spending is not stopped.

    The tag ``budget`` has to be a cost allocation tag, which the account that pays activates once.
    """

    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(
        default="USD", description="Currency of the account, by its ISO 4217 code."
    )
    monthly: dict[Name, Annotated[int, Field(gt=0)]] = Field(
        default_factory=dict, description="Domain: monthly amount, in whole units of the currency."
    )


class Pipelines(Strict):
    """Identities of one pipeline, by a provider of OpenID Connect of the account."""

    provider: Annotated[str, StringConstraints(pattern=PROVIDER_PATTERN)] = Field(
        description="ARN of the provider in IAM.",
        examples=["arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"],
    )
    subjects: tuple[Annotated[str, StringConstraints(pattern=r"^[^*]+")], ...] = Field(
        min_length=1,
        description="Subjects of its tokens; * stands for any text.",
        examples=[["repo:acme/orders:environment:prod"]],
    )
    audience: str = Field(default="sts.amazonaws.com", description="Audience of its tokens.")


class Database(Strict):
    """The server of the registry that `aws-platform` creates."""

    instance: str = Field(default="db.t4g.small", description="Class of the server.")
    storage: Annotated[int, Field(ge=20)] = Field(default=20, description="Storage in GB.")
    subnet_group: str | None = Field(default=None, description="Group of subnets; by default those of the default VPC.")
    security_groups: tuple[str, ...] = Field(
        default=(), description="Security groups that let deployments in; by default that of the VPC."
    )


class AwsSettings(Strict):
    """The AWS account that products are deployed to, and how things are done there."""

    account: Annotated[str, StringConstraints(pattern=ACCOUNT_PATTERN)] = Field(
        description="Number of the account, in quotes: 12 digits.", examples=["123456789012"]
    )
    region: Annotated[str, StringConstraints(pattern=REGION_PATTERN)] = Field(
        description="Region of all resources.", examples=["eu-central-1"]
    )
    profile: str | None = Field(
        default=None, description="Profile of the shared credentials file that deploys; by default the shell's own."
    )
    role: Annotated[str, StringConstraints(pattern=ROLE_ARN_PATTERN)] | None = Field(
        default=None,
        description="Role that the deployment assumes; by default it acts as the credentials of the shell.",
        examples=["arn:aws:iam::123456789012:role/mesh-deployer"],
    )
    name_prefix: Annotated[str, StringConstraints(pattern=NAME_PREFIX_PATTERN, max_length=NAME_PREFIX_MAX)] = Field(
        default="",
        description="First word of every name; by default none, or the account for names that are globally unique.",
        examples=["acme"],
    )
    tags: Annotated[dict[TagKey, TagValue], AfterValidator(_of_one_case)] = Field(
        default_factory=dict, description="Tags of all resources that support tags."
    )
    encryption_keys: EncryptionKeys = Field(default_factory=EncryptionKeys, description="Customer-managed keys.")
    principals: Principals = Field(default_factory=Principals, description="IAM principals of users and teams.")
    permissions_boundary: Annotated[str, StringConstraints(pattern=POLICY_ARN_PATTERN)] | None = Field(
        default=None,
        description="Policy that limits the rights of every role that components create; by default that of the "
        "domain's stack, if domains have stacks.",
        examples=["arn:aws:iam::123456789012:policy/mesh-boundary"],
    )
    pipelines: dict[Name, tuple[Pipelines, ...]] = Field(
        default_factory=dict, description="Domain: pipelines that act as the role of the domain."
    )
    budget: Budget | None = Field(default=None, description="Budgets of domains, which the domains' stacks create.")
    database: Database = Field(default_factory=Database, description="Server of the registry.")
    deletion_protection: bool = Field(
        default=True, description="Whether the server of the registry refuses to be deleted."
    )
    query_gigabytes_max: Annotated[int, Field(gt=0)] = Field(
        default=10, description="Gigabytes that one query of Athena may scan; Athena cancels a larger one."
    )
    lake_formation: bool = Field(
        default=False,
        description="Whether Lake Formation controls access to tables: each grant is then a role with SELECT that the "
        "consumer can assume, without a right to the files. The location of the data has to be registered with it.",
    )

    @model_validator(mode="after")
    def _groups_assume_no_role(self) -> AwsSettings:
        named = (self.principals.user, self.principals.team or "")
        if self.lake_formation and any(each.startswith("group/") for each in named):
            raise ValueError("expected role/NAME or user/NAME in principals: with lake_formation, no group has access")
        return self

    @property
    def partition(self) -> str:
        """The partition that ARNs of the region start with: ``aws``, ``aws-cn``, ``aws-us-gov``.

        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
        """
        return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(self.region.rsplit("-", 2)[0], "aws")

    def arn(self, service: str, resource: str, *, is_global: bool = False) -> str:
        """The ARN of a resource of the account.

        Args:
            service: Its service: ``kinesis``.
            resource: The last part: ``stream/NAME``.
            is_global: Whether the service has no regions, as IAM.
        """
        return f"arn:{self.partition}:{service}:{'' if is_global else self.region}:{self.account}:{resource}"


class Settings(Strict):
    """Settings groups of the components for AWS."""

    aws: AwsSettings = Field(description="The account of AWS.")
