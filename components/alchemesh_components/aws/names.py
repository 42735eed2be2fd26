"""Names of AWS resources. The name of an address is stable, unique, and valid for its service."""

from __future__ import annotations

from alchemesh_components.aws.settings import AwsSettings
from alchemesh_components.cloud_names import HASH_LENGTH, NameRule, name_of
from alchemesh_platform.sdk.wiring import Wiring

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET = NameRule(
    "bucket",
    63,
    everywhere=True,
    reserved_start=("xn--", "sthree-", "amzn-s3-demo-"),
    reserved_end=("-s3alias", "--ol-s3", "--x-s3", "--table-s3"),
)
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
ROLE = NameRule("role", 64)
POLICY = NameRule("policy", 128)
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
SECRET = NameRule("secret", 512)
# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html
STREAM = NameRule("stream", 128)
# https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html
DATABASE = NameRule("database", 255, separator="_")
# https://docs.aws.amazon.com/athena/latest/APIReference/API_CreateWorkGroup.html
WORKGROUP = NameRule("workgroup", 128)
# https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
FUNCTION = NameRule("function", 64)
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
SCHEDULE = NameRule("schedule", 64)
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
QUEUE = NameRule("queue", 80)

# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
REPOSITORY = NameRule("repository", 256)
# https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/custom-tags.html
BUDGET_TAG = NameRule("tag", 256)

RULES = (BUCKET, ROLE, POLICY, SECRET, STREAM, DATABASE, WORKGROUP, FUNCTION, SCHEDULE, QUEUE)


def resource_name(rule: NameRule, settings: AwsSettings, wiring: Wiring, *more: str) -> str:
    """The name of a resource of a port or need: ``prod--aviation--flights--departures``.

    Args:
        rule: The rule of its service.
        settings: Settings of the platform. The name starts with their ``name_prefix``, or with the account if names are
            unique everywhere.
        wiring: The port's place: environment, domain, product, port, and part of it.
        more: Suffix that distinguishes it from other resources of the port.
    """
    address = (wiring.domain, wiring.product, wiring.port, wiring.part)
    return product_resource_name(rule, settings, wiring.environment, *address, *more)


def names_of_domain(rule: NameRule, settings: AwsSettings, environment: str, domain: str) -> list[str]:
    """Patterns of the names that a domain's resources have, with ``*`` at the end. A shortened name fits too.

    Args:
        rule: The rule of their service.
    """
    first = settings.name_prefix or (settings.account if rule.everywhere else "")
    words = (each.replace("-", rule.separator).replace("_", rule.separator) for each in (first, environment, domain))
    start = "".join(f"{word}{2 * rule.separator}" for word in words if word)
    room = rule.max_length - 2 - HASH_LENGTH
    shortened = [] if start[:1].isalpha() else [f"x{start}"[:room]]  # a shortened name begins with a letter
    return [f"{each}*" for each in (start[:room], *shortened)]


def is_of_mesh(bucket: str, settings: AwsSettings) -> bool:
    """Whether a bucket has a name that the platform gives to buckets of products."""
    first = f"{settings.name_prefix or settings.account}--"
    return bucket.startswith((first, f"x{first}"))  # a shortened name begins with a letter


def product_resource_name(rule: NameRule, settings: AwsSettings, environment: str, *address: str) -> str:
    """The name of a resource of anything with an address: a domain, a product, a port."""
    first = settings.name_prefix or (settings.account if rule.everywhere else "")
    return name_of(rule, (first, environment, *address))
