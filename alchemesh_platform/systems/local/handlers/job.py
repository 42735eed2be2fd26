"""A Python job: its description."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from alchemesh_platform.base.remedy import with_hint
from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.machine.directory import Holder, held_elsewhere
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.machine.released import other_environments_with
from alchemesh_platform.provider.handler import Context, Handler
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.provider.paths import AbsolutePath
from alchemesh_platform.sdk.code.description import CatchUp, JobDescription, JobFailed, read_job
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.local.jobs import job
from alchemesh_platform.systems.local.jobs.entrypoint import entrypoint_problem

_PLACE = ("home", "platform_file", "emulated")


class JobInputs(Properties):
    """The declaration of a job."""

    directory: AbsolutePath = Field(description="Absolute path of the folder that the description is kept in.")
    owner: str = Field(min_length=1, description="Address that the job belongs to.")
    python: str = Field(min_length=1, description="Python interpreter: its path, or its name on PATH.")
    working_directory: str = Field(description="Folder that the job runs in, where its modules are.")
    entrypoint: str = Field(description="package.module:function, or the path of a script in the working folder.")
    env: dict[str, str | SecretRef] = Field(
        default_factory=dict, description="Environment variables: a text, or {secret: NAME}."
    )
    schedule: str | None = Field(default=None, description="Cron expression.")
    timeout_seconds: int | None = Field(default=None, gt=0, description="Time limit of a run.")
    time_zone: str | None = Field(default=None, description="Time zone of the schedule; UTC without one.")
    on: tuple[str, ...] | None = Field(
        default=None, description="Input ports whose upstream asset starts a run by its change."
    )
    catch_up: CatchUp | None = Field(
        default=None, description="Missed times of the schedule that run later; `latest` by default."
    )
    retries: int | None = Field(default=None, ge=0, description="Number of retries of a failed run.")
    retry_delay_seconds: int | None = Field(default=None, ge=0, description="Wait before a retry; 60 by default.")
    options: dict[str, Any] | None = Field(
        default=None, description="Options of the program that runs the code, such as Spark's."
    )
    home: str | None = Field(default=None, description="Folder of the platform's local files.")
    platform_file: str | None = Field(default=None, description="Platform file of the environment.")
    emulated: bool | None = Field(default=None, description="Whether emulators on this machine replace the clouds.")


class JobOutputs(Properties):
    """The path of the description."""

    descriptor: str = Field(description="Path of the description, a JSON file.")


class JobHandler(Handler[JobInputs, JobOutputs]):
    """The description of a job. Declaring it runs nothing."""

    pulumi_type = "alchemesh:local:Job"
    summary = "The description of a Python job. Its module or script is checked; nothing runs."
    inputs = JobInputs
    outputs = JobOutputs
    replace_on = frozenset({"directory"})
    refuses_secrets = True

    def identify(self, inputs: JobInputs) -> str:
        return str(job.job_file(Path(inputs.directory)))

    def check(self, inputs: JobInputs, old_inputs: JobInputs | None, context: Context) -> Iterator[Refusal]:
        folder, elsewhere = Path(inputs.working_directory).absolute(), job.looks_elsewhere(inputs.python, inputs.env)
        problem = entrypoint_problem(inputs.entrypoint, folder, elsewhere=elsewhere)
        if problem is not None:
            yield Refusal("entrypoint", str(problem))
        if shutil.which(inputs.python) is None:
            yield Refusal("python", f"there is no program {inputs.python}")
        holder = _holder(inputs)
        if holder is None:
            return
        if holder.owner not in (inputs.owner, old_inputs.owner if old_inputs else None):
            yield Refusal("directory", f"{inputs.directory} has the job of {holder}")
        elif not holder.is_in(context.environment):
            refused = held_elsewhere(Path(inputs.directory), holder, context.environment)
            yield Refusal("directory", with_hint(refused.message, refused.hint))

    def plan(self, inputs: JobInputs, old: JobOutputs | None, context: Context) -> Mapping[str, Any]:
        known = isinstance(inputs.directory, str)
        return {"descriptor": str(job.job_file(Path(inputs.directory)))} if known else {}

    def drift(self, inputs: JobInputs, outputs: JobOutputs, context: Context) -> Drift | None:
        try:
            found = read_job(job.job_file(Path(inputs.directory)))
        except JobFailed as error:
            return Drift(f"{error.message}: it is written again", "descriptor")
        wanted = _description(inputs, context)
        if found == wanted:
            return None
        if missing := _missing(found, wanted):
            what = "names no environment" if missing == {"environment"} else "is one of an earlier version"
            return Drift(f"the description of job {inputs.owner} {what}; `up` adds it", "descriptor", expected=True)
        return Drift(f"the description of job {inputs.owner} was changed; `up` corrects it", "descriptor")

    def create(self, inputs: JobInputs, context: Context) -> JobOutputs:
        return JobOutputs(descriptor=str(job.write_job(Path(inputs.directory), _description(inputs, context))))

    def read(self, inputs: JobInputs, outputs: JobOutputs, context: Context) -> tuple[JobInputs, JobOutputs] | None:
        path = job.job_file(Path(inputs.directory))
        return (inputs, JobOutputs(descriptor=str(path))) if path.is_file() else None

    def update(self, inputs: JobInputs, old_inputs: JobInputs, outputs: JobOutputs, context: Context) -> JobOutputs:
        return self.create(inputs, context)

    def delete(self, inputs: JobInputs, outputs: JobOutputs, context: Context) -> None:
        holder = _holder(inputs)
        path = job.job_file(Path(inputs.directory))
        if holder is not None and (holder.owner != inputs.owner or not holder.is_in(context.environment)):
            return  # it has another owner now
        if holder is None or holder.environment or not other_environments_with(path, inputs.owner, context):
            with storage_errors(f"remove {path}"):
                path.unlink(missing_ok=True)


def _missing(found: JobDescription, wanted: JobDescription) -> set[str]:
    """Fields that an earlier version did not write, if the description is the wanted one apart from them."""
    missing = JobDescription.model_fields.keys() - found.model_fields_set
    if found.environment is None:
        missing.add("environment")
    completed = found.model_copy(update={name: getattr(wanted, name) for name in missing})
    return {name for name in missing if getattr(found, name) != getattr(wanted, name)} if completed == wanted else set()


def _description(inputs: JobInputs, context: Context) -> JobDescription:
    return JobDescription(
        owner=inputs.owner,
        environment=context.environment,
        python=inputs.python,
        working_directory=str(Path(inputs.working_directory).absolute()),
        entrypoint=inputs.entrypoint,
        env=inputs.env,
        schedule=inputs.schedule,
        timeout_seconds=inputs.timeout_seconds,
        **{
            name: value
            for name in ("time_zone", "on", "catch_up", "retries", "retry_delay_seconds", "options", *_PLACE)
            if (value := getattr(inputs, name)) is not None
        },
    )


def _holder(inputs: JobInputs) -> Holder | None:
    try:
        found = read_job(job.job_file(Path(inputs.directory)))
        return Holder(found.owner, found.environment)
    except JobFailed:
        return None
