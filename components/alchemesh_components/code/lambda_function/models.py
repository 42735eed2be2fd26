"""Arguments of lambda-function."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from alchemesh_components.code.arguments import CodeArgs, Cron
from alchemesh_components.code.lambda_function.schedule import scheduled
from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.base.units import Duration

TIMEOUT_MAX = timedelta(minutes=15)  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
TIMEOUT_MIN = timedelta(seconds=10)  # five of them are kept for the report of a run that was stopped
MEMORY_MIN, MEMORY_MAX = 128, 10_240
DISK_MIN, DISK_MAX = 512, 10_240
RETRIES_MAX = 2  # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
IMAGE_PATTERN = r"^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/\S+[:@]\S+$"  # https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]


def _within_lambda(span: timedelta) -> timedelta:
    if not TIMEOUT_MIN <= span <= TIMEOUT_MAX:
        raise ValueError(
            "expected 10s to 15m, the longest that Lambda lets a function run; use another engine for longer jobs"
        )
    return span


def _expressible(cron: str) -> str:
    scheduled(cron)
    return cron


def _inside(pattern: str) -> str:
    path = PurePosixPath(pattern)
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise ValueError("expected a pattern of files in the manifest's folder, such as job/**/*.py")
    return pattern


def need_of(secret: SecretRef) -> str:
    """Name of the need that holds a secret: ``api-token`` for ``API_TOKEN``."""
    return secret.secret.lower().replace("_", "-")


class Args(CodeArgs):
    """Arguments of a function."""

    schedule: Annotated[Cron, AfterValidator(_expressible)] | None = Field(
        default=None,
        description="Schedule, as a cron expression of five fields; by default the function runs on demand.",
        examples=["*/15 * * * *"],
    )
    on: tuple[str, ...] = Field(default=(), max_length=0, description="Not supported: give a `schedule`.")
    catch_up: Literal["latest", "all", "none"] = Field(
        default="latest",
        description="Scheduled invocations that Lambda could not accept: repeat them for a day, or drop them.",
    )
    timeout: Annotated[Duration, AfterValidator(_within_lambda)] = Field(
        default=TIMEOUT_MAX, description="Time limit of an attempt."
    )
    retries: Annotated[int, Field(ge=0, le=RETRIES_MAX)] = Field(
        default=0,
        description="Number of retries of a failed run. Lambda waits 1 minute before the first, then 2.",
    )
    memory: Annotated[int, Field(ge=MEMORY_MIN, le=MEMORY_MAX)] = Field(
        default=1024, description="Memory in MB. Processors grow with it: 1769 MB have one."
    )
    disk: Annotated[int, Field(ge=DISK_MIN, le=DISK_MAX)] = Field(
        default=DISK_MIN, description="Size of the folder for temporary files, in MB."
    )
    python: Literal["3.11", "3.12", "3.13", "3.14"] = Field(default="3.12", description="Version of Python.")
    architecture: Literal["x86_64", "arm64"] = Field(default="x86_64", description="Processors of the function.")
    requirements: Annotated[str, StringConstraints(pattern=r"^[\w./-]+$")] | None = Field(
        default=None,
        description="Lock file of the dependencies in the manifest's folder: versions and hashes.",
        examples=["requirements.txt"],
    )
    include: tuple[Annotated[str, AfterValidator(_inside)], ...] = Field(
        default=("**/*.py",), min_length=1, description="Patterns of the files that belong to the code."
    )
    image: Annotated[str, StringConstraints(pattern=IMAGE_PATTERN)] | None = Field(
        default=None,
        description="Image in ECR with the code, its dependencies and alchemesh-platform, in place of a package.",
        examples=["123456789012.dkr.ecr.eu-central-1.amazonaws.com/products/flights:1.2.0"],
    )
    log_retention_days: RetentionDays = Field(default=30, description="Days that logs are kept.")
