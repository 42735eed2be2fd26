"""IAM principals of a consumer, and the statements of their policies.

Rights are inline policies of the principal: one resource for each grant. A policy of a bucket or secret would hold all
consumers at once, and one more consumer would change it for the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from alchemesh_components.aws.names import ROLE, product_resource_name
from alchemesh_components.aws.settings import AwsSettings
from alchemesh_components.cloud_names import member_name
from alchemesh_platform.clouds.aws.identities import AWS_ROLE
from alchemesh_platform.manifest.checks import CODE_NAME
from alchemesh_platform.sdk.consumer import Consumer

Statement = dict[str, Any]
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
POLICY_LANGUAGE = "2012-10-17"


@dataclass(frozen=True, slots=True)
class Principal:
    """A principal of IAM in the account.

    Args:
        kind: ``role``, ``user`` or ``group``.
        name: Its name, without a path.
    """

    kind: str
    name: str

    @property
    def slug(self) -> str:
        """The principal in letters, digits and hyphens, for the name of a resource. Principals have distinct names."""
        return member_name(f"{self.kind}/{self.name}")

    def arn(self, settings: AwsSettings) -> str:
        """The ARN of the principal."""
        return settings.arn("iam", f"{self.kind}/{self.name}", is_global=True)


def principals_of(consumer: Consumer, settings: AwsSettings, environment: str) -> list[Principal]:
    """The principals of a consumer, without duplicates: its product's role, its teams, its people.

    If the platform names the principals of teams, a team becomes its principal. Otherwise each member receives access.
    """
    return list(dict.fromkeys(_principals(consumer, settings, environment)))


def product_role(settings: AwsSettings, environment: str, product: str) -> str:
    """Name of the role that a product's code runs as.

    Args:
        product: ``domain/product``.
    """
    return product_resource_name(ROLE, settings, environment, *product.split("/"), CODE_NAME)


def role_arn(settings: AwsSettings, name: str) -> str:
    """The ARN of a role of the account."""
    return settings.arn("iam", f"role/{name}", is_global=True)


def allow(actions: Sequence[str], resources: Any, condition: Mapping[str, Any] | None = None) -> Statement:
    """A statement that allows actions on resources.

    Args:
        resources: One ARN or several; may be Pulumi outputs.
    """
    statement: Statement = {"Effect": "Allow", "Action": list(actions), "Resource": resources}
    return {**statement, "Condition": dict(condition)} if condition else statement


def literal(text: str) -> str:
    """A text in a statement, without the meaning that IAM gives to ``*``, ``?`` and ``$``.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
    """
    return "".join(f"${{{letter}}}" if letter in "*?$" else letter for letter in text)


def document(statements: Sequence[Statement]) -> dict[str, Any]:
    """A policy of some statements."""
    return {"Version": POLICY_LANGUAGE, "Statement": list(statements)}


def until_end(consumer: Consumer, statements: Sequence[Statement]) -> list[Statement]:
    """The statements of a consumer, which count until its access ends.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-currenttime
    """
    if consumer.ends_at is None:
        return list(statements)
    ends_at = consumer.ends_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    limit = {"DateLessThan": {"aws:CurrentTime": ends_at}}
    return [{**each, "Condition": {**each.get("Condition", {}), **limit}} for each in statements]


def _principals(consumer: Consumer, settings: AwsSettings, environment: str) -> Iterator[Principal]:
    principals = settings.principals
    if consumer.product is not None:
        recorded = consumer.identity
        known = recorded.name if recorded is not None and recorded.kind == AWS_ROLE else None
        yield Principal("role", known or product_role(settings, environment, consumer.product))
        return
    if principals.team is not None and consumer.teams:
        for address in consumer.teams:
            domain, _, team = address.partition("/")
            yield _principal(principals.team.format(domain=domain, team=team))
        return
    for email in consumer.users:
        yield _principal(principals.user.format(email=email))


def _principal(text: str) -> Principal:
    kind, _, name = text.partition("/")
    return Principal(kind, name)
