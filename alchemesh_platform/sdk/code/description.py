"""The description of a job: everything that a run of the code needs, apart from the values of secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.base.secrets import SecretRef

CatchUp = Literal["latest", "all", "none"]


class JobFailed(Failure):
    """Raised when a job cannot start: its description, interpreter or code is missing."""


class JobDescription(BaseModel):
    """The description of a job. It holds references to secrets, never values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: str = Field(description="Address of the port or product that the job belongs to.")
    environment: str | None = Field(
        default=None, description="Environment of the job; None in descriptions that earlier versions wrote."
    )
    python: str = Field(description="Python interpreter.")
    working_directory: str = Field(description="Folder that it runs in, where modules are looked for.")
    entrypoint: str = Field(description="package.module:function, or the path of a script.")
    env: dict[str, str | SecretRef] = Field(default_factory=dict, description="Environment: text, or a secret's name.")
    schedule: str | None = Field(default=None, description="Cron expression.")
    timeout_seconds: float | None = Field(default=None, description="Time limit of a run.")
    time_zone: str = Field(default="UTC", description="Time zone of the schedule.")
    on: tuple[str, ...] = Field(default=(), description="Input ports whose upstream asset starts a run by its change.")
    catch_up: CatchUp = Field(default="latest", description="Missed times of the schedule that run later.")
    retries: int = Field(default=0, ge=0, description="Number of retries of a failed run.")
    retry_delay_seconds: float = Field(default=60.0, ge=0, description="Wait before a retry.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options of the program that runs the code: Spark."
    )
    home: str | None = Field(default=None, description="Folder of the platform's local files.")
    platform_file: str | None = Field(default=None, description="Platform file; None for the built-in platform.")
    emulated: bool = Field(default=False, description="Whether emulators on this machine replace the clouds.")

    @property
    def product(self) -> str:
        """The product of the job: ``domain/product``."""
        return self.owner.rpartition("/")[0]


def read_job(path: Path) -> JobDescription:
    """Read a job's description.

    Raises:
        JobFailed: when it is missing or damaged.
    """
    try:
        return JobDescription.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise JobFailed(f"there is no job description {path}", hint=remedy("{} writes it", command("up"))) from error
    except (OSError, ValidationError) as error:
        raise JobFailed(
            f"cannot read the job description {path}: {error}", hint=remedy("{} writes it", command("up"))
        ) from error
