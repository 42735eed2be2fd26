"""IAM members of a consumer, and the end of their access."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

from alchemesh_components.gcp.names import SERVICE_ACCOUNT, product_resource_name
from alchemesh_components.gcp.settings import GcpSettings
from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.manifest.checks import CODE_NAME
from alchemesh_platform.sdk.consumer import Consumer

# Bindings without a condition are shared: removing one removes it for every request. A unique condition keeps the
# bindings of two requests apart, even for the same person.
# https://cloud.google.com/iam/docs/conditions-overview
FOREVER = "9999-12-31T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a binding, in the form of IAM."""

    title: str
    description: str
    expression: str


def members_of(consumer: Consumer, settings: GcpSettings, environment: str) -> list[str]:
    """The IAM members of a consumer, without duplicates: its product's identity, its teams, its people.

    If the platform names the groups of teams, a team becomes its group. Otherwise each member receives access.
    """
    return list(dict.fromkeys(_members(consumer, settings, environment)))


def product_identity(settings: GcpSettings, environment: str, product: str) -> str:
    """Email of the service account that a product's code runs as.

    Args:
        product: ``domain/product``.
    """
    name = product_resource_name(SERVICE_ACCOUNT, settings, environment, *product.split("/"), CODE_NAME)
    return service_account_email(settings, name)


def service_account_email(settings: GcpSettings, name: str) -> str:
    """Email of a service account of the project.

    Source: https://cloud.google.com/iam/docs/service-account-types#user-managed
    """
    domain, _, project = settings.project.rpartition(":")
    return f"{name}@{project}{'.' + domain if domain else ''}.iam.gserviceaccount.com"


def condition_of(consumer: Consumer) -> Condition:
    """The condition of a request's bindings. It names the request, and expires when access expires."""
    ends_at = consumer.ends_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if consumer.ends_at else FOREVER
    return Condition(
        title=f"alchemesh {consumer.request}"[:TITLE_MAX],
        description=f"Access request {consumer.request} of {consumer.address}",
        expression=f'request.time < timestamp("{ends_at}")',
    )


TITLE_MAX = 100  # https://cloud.google.com/iam/docs/conditions-overview#structure


def _members(consumer: Consumer, settings: GcpSettings, environment: str) -> Iterator[str]:
    principals = settings.principals
    if consumer.product is not None:
        recorded = consumer.identity
        known = recorded.name if recorded is not None and recorded.kind == GOOGLE_SERVICE_ACCOUNT else None
        yield f"serviceAccount:{known or product_identity(settings, environment, consumer.product)}"
        return
    if principals.team is not None and consumer.teams:
        for address in consumer.teams:
            domain, _, team = address.partition("/")
            yield principals.team.format(domain=domain, team=team)
        return
    for email in consumer.users:
        yield principals.user.format(email=email)
