"""Names of Google Cloud resources. The name of an address is stable, unique, and valid for its service."""

from __future__ import annotations

from alchemesh_components.cloud_names import NameRule, name_of
from alchemesh_components.gcp.settings import GcpSettings
from alchemesh_platform.sdk.wiring import Wiring

__all__ = ["NameRule", "name_of", "product_resource_name", "resource_name"]

# https://cloud.google.com/storage/docs/buckets#naming
BUCKET = NameRule("bucket", 63, everywhere=True, reserved=("google", "g00gle"), reserved_start="goog")
# https://cloud.google.com/iam/docs/service-accounts-create#creating: 6 to 30 letters, digits and hyphens
SERVICE_ACCOUNT = NameRule("service account", 30)
# https://cloud.google.com/bigquery/docs/datasets#dataset-naming: letters, digits and underscores
DATASET = NameRule("dataset", 1024, separator="_")
# https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names: 3 to 255 characters, schemas too
TOPIC = NameRule("topic", 255, reserved_start="goog")
SUBSCRIPTION = NameRule("subscription", 255, reserved_start="goog")
SCHEMA = NameRule("schema", 255, reserved_start="goog")
# https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services/create: less than 50 characters
RUN_SERVICE = NameRule("Cloud Run service", 49)
RUN_JOB = NameRule("Cloud Run job", 49)
# https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs: up to 500 characters
SCHEDULER_JOB = NameRule("Cloud Scheduler job", 500)
# https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/create: up to 255 characters
SECRET = NameRule("secret", 255)
# https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories: up to 63 characters
REPOSITORY = NameRule("repository", 63)
# https://cloud.google.com/sql/docs/postgres/create-instance: 98 characters with the project's id, which has up to 30
SQL_INSTANCE = NameRule("Cloud SQL instance", 98 - 31)
# https://cloud.google.com/resource-manager/docs/labels-overview#requirements: values up to 63 characters
BUDGET_LABEL = NameRule("budget label", 63)

RULES = (
    BUCKET,
    SERVICE_ACCOUNT,
    DATASET,
    TOPIC,
    SUBSCRIPTION,
    SCHEMA,
    RUN_SERVICE,
    RUN_JOB,
    SCHEDULER_JOB,
    SECRET,
    REPOSITORY,
    SQL_INSTANCE,
    BUDGET_LABEL,
)


def resource_name(rule: NameRule, settings: GcpSettings, wiring: Wiring, *more: str) -> str:
    """The name of a resource of a port or need: ``prod--aviation--flights--departures``.

    Args:
        rule: The rule of its service.
        settings: Settings of the platform. The name starts with their ``name_prefix``, or with the project if names are
            unique everywhere.
        wiring: The port's place: environment, domain, product, port, and part of it.
        more: Suffix that distinguishes it from other resources of the port.
    """
    address = (wiring.domain, wiring.product, wiring.port, wiring.part)
    return product_resource_name(rule, settings, wiring.environment, *address, *more)


def product_resource_name(rule: NameRule, settings: GcpSettings, environment: str, *address: str) -> str:
    """The name of a resource of anything with an address: a domain, a product, a port."""
    return name_of(rule, (_first(rule, settings), environment, *address))


def _first(rule: NameRule, settings: GcpSettings) -> str:
    if settings.name_prefix or not rule.everywhere:
        return settings.name_prefix
    return settings.project.replace(":", "-").replace(".", "-")
