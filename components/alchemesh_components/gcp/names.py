"""Names of Google Cloud resources. The name of an address is stable, unique, and valid for its service."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from alchemesh_components.gcp.settings import GcpSettings
from alchemesh_platform.sdk.wiring import Wiring

HASH_LENGTH = 10  # letters of base 32, 50 bits: a collision among a million shortened names has a chance of 1 in 2,000


@dataclass(frozen=True, slots=True)
class NameRule:
    """The rule of a service for names.

    Args:
        what: The named thing, in words.
        max_length: Longest name.
        separator: Separator of words; doubled between parts, so that parts stay distinct.
        everywhere: Whether the name is unique in all of Google Cloud rather than in its project.
        reserved: Texts that the service refuses anywhere in the name.
        reserved_start: Text that the service refuses at the beginning.
    """

    what: str
    max_length: int
    separator: Literal["-", "_"] = "-"
    everywhere: bool = False
    reserved: tuple[str, ...] = ()
    reserved_start: str = ""


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


def name_of(rule: NameRule, parts: Sequence[str]) -> str:
    """One name from parts: joined if they fit, otherwise cut, with a hash of all parts at the end.

    Args:
        rule: The rule of the service.
        parts: At least three names or identifiers from manifests. Empty ones are left out.
    """
    given = [part for part in parts if part]
    joined = (2 * rule.separator).join(_written(part, rule.separator) for part in given)
    readable = _allowed(joined, rule)
    if readable == joined and len(joined) <= rule.max_length:
        return joined
    ending = 2 * rule.separator + _hash(given)
    start = "" if readable[:1].isalpha() else "x"
    kept = f"{start}{readable}"[: rule.max_length - len(ending)].rstrip(rule.separator)
    return f"{kept}{ending}"


def _first(rule: NameRule, settings: GcpSettings) -> str:
    if settings.name_prefix or not rule.everywhere:
        return settings.name_prefix
    return settings.project.replace(":", "-").replace(".", "-")


def _written(part: str, separator: str) -> str:
    return part.replace("-", separator).replace("_", separator)


def _allowed(name: str, rule: NameRule) -> str:
    """The name without reserved texts of the service. It repeats, since a removal may form another reserved text."""
    while True:
        shorter = name.removeprefix(rule.reserved_start)
        for text in rule.reserved:
            shorter = shorter.replace(text, "")
        shorter = shorter.strip(rule.separator)
        if shorter == name:
            return name
        name = shorter


def _hash(parts: Sequence[str]) -> str:
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:HASH_LENGTH]
