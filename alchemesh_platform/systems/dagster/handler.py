"""The code location of a product in Dagster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.base.secrets import SecretRef, mask, references_in, resolve
from alchemesh_platform.machine.directory import claim, refused_claim
from alchemesh_platform.machine.environments import python_of
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.machine.released import released
from alchemesh_platform.machine.servers.supervisor import variables_of
from alchemesh_platform.provider.handler import Context, Handler, NotDone, Unfinished
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.provider.paths import AbsolutePath
from alchemesh_platform.sdk.code.launch import launch_command
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.dagster import workspace
from alchemesh_platform.systems.dagster.assets import own_assets, read_assets
from alchemesh_platform.systems.dagster.client import Dagster, DagsterFailed
from alchemesh_platform.systems.dagster.engine import ENGINE
from alchemesh_platform.systems.dagster.environment import ensure_dagster
from alchemesh_platform.systems.dagster.location import CodeLocation
from alchemesh_platform.systems.dagster.server import HOST, LocalDagster, local_dagster

WAIT_SECONDS = 300.0  # how long a change waits for a run that the old code server carries out
DUE = "alchemesh_platform.app.runs.due"
_LOOK_SECONDS = 0.5
_HAS_DAGSTER = "import importlib.util, sys; sys.exit(importlib.util.find_spec('dagster') is None)"


class CodeLocationInputs(Properties):
    """The declaration of a code location."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$")] = Field(description="Name of the location.")
    owner: str = Field(min_length=1, description="Address that it belongs to.")
    home: AbsolutePath = Field(description="Folder on this machine of Dagster, and of its code servers.")
    address: str | None = Field(default=None, description="Address of a Dagster that a platform team runs.")
    token: SecretRef | None = Field(default=None, description="Token of a user of that Dagster.")
    workspace: AbsolutePath | None = Field(default=None, description="Workspace file of that Dagster.")
    host: str = Field(default=HOST, description="Address that its code server listens on.")
    python: str | None = Field(default=None, description="Python of the team's definitions, if it has Dagster.")
    working_directory: str = Field(description="Folder of the product's code.")
    definitions: str | None = Field(default=None, description="File of the team's definitions, in that folder.")
    source: str | None = Field(default=None, description="Digest of the Python files of that folder.")
    job: str = Field(description="Name of the job.")
    entrypoint: str = Field(description="Code that the job runs.")
    descriptor: str = Field(description="File with the description of the job, which the launcher reads.")
    schedule: str | None = Field(default=None, description="Cron expression.")
    time_zone: str | None = Field(default=None, description="Time zone of the schedule; UTC without one.")
    on: tuple[str, ...] | None = Field(
        default=None, description="Input ports whose upstream asset starts a run by its change."
    )
    retries: int | None = Field(default=None, ge=0, description="Number of retries of a failed run.")
    retry_delay_seconds: int | None = Field(default=None, ge=0, description="Wait before a retry.")
    connections: str | None = Field(default=None, description="Connections of the product's code, as JSON.")
    upstream: dict[str, str] = Field(
        default_factory=dict, description="Output port of another product that an input port reads, by its name."
    )
    secrets: tuple[str, ...] = Field(default=(), description="Names of secrets of the product's code.")
    platform_home: str | None = Field(default=None, description="Folder of the platform's local files.")
    platform_file: str | None = Field(default=None, description="Platform file of the environment.")


class CodeLocationOutputs(Properties):
    """The place of a code location."""

    address: str = Field(description="Address of Dagster.")
    server: str = Field(description="Address of the code server.")


class CodeLocationHandler(Handler[CodeLocationInputs, CodeLocationOutputs]):
    """A code location. A change restarts its code server, and the processes of no other product."""

    pulumi_type = "alchemesh:dagster:CodeLocation"
    summary = "The code location of a product in Dagster: a supervised code server, which Dagster has in its workspace."
    inputs = CodeLocationInputs
    outputs = CodeLocationOutputs
    replace_on = frozenset({"name", "home", "address"})
    delete_before_replace = True
    refuses_secrets = True  # files of this machine have its inputs in plain text

    def identify(self, inputs: CodeLocationInputs) -> str:
        return str(_folder(inputs))

    def check(
        self, inputs: CodeLocationInputs, old_inputs: CodeLocationInputs | None, context: Context
    ) -> Iterator[Refusal]:
        formerly = old_inputs.owner if old_inputs else None
        yield from refused_claim(_folder(inputs), inputs.owner, formerly, "name", environment=context.environment)
        file = Path(inputs.working_directory, inputs.definitions or "")
        if inputs.definitions is not None and not file.is_file():
            yield Refusal("definitions", f"there is no file {inputs.definitions} in {inputs.working_directory}")

    def plan(self, inputs: CodeLocationInputs, old: CodeLocationOutputs | None, context: Context) -> Mapping[str, Any]:
        """Ask a Dagster of a platform team for its version, so that a preview reports that it is down."""
        if isinstance(inputs.address, str) and isinstance(inputs.token, SecretRef | None):
            Dagster(inputs.address, _token(inputs)).version()
            return {"address": inputs.address}
        return {}

    def drift(self, inputs: CodeLocationInputs, outputs: CodeLocationOutputs, context: Context) -> Drift | None:
        location, file = _location(inputs, context), _workspace(inputs)
        problem = location.trouble()
        if problem is not None:
            return Drift(f"code location {inputs.name}: {problem}; `up` starts it again", "server")
        if workspace.servers(file).get(inputs.name) != location.server:
            return Drift(f"code location {inputs.name} is not in {file}; `up` adds it again", "server")
        if inputs.address is None and (problem := _local(inputs, context).trouble()) is not None:
            return Drift(f"{problem}; `up` starts it again", "address")
        found = _client(inputs).locations().get(inputs.name)
        if found is None:
            return Drift(f"Dagster does not know code location {inputs.name}; `up` adds it again", "server")
        if found.problem is not None:
            return Drift(f"Dagster cannot load code location {inputs.name}; `up` loads it again", "server")
        return None

    def create(self, inputs: CodeLocationInputs, context: Context) -> CodeLocationOutputs:
        _refuse_taken(inputs, context)
        claim(_folder(inputs), inputs.owner, environment=context.environment)
        try:
            return self._apply(inputs, context)
        except Failure:
            _remove(inputs, context)
            raise

    def read(
        self, inputs: CodeLocationInputs, outputs: CodeLocationOutputs, context: Context
    ) -> tuple[CodeLocationInputs, CodeLocationOutputs] | None:
        return (inputs, outputs) if _folder(inputs).is_dir() else None

    def update(
        self,
        inputs: CodeLocationInputs,
        old_inputs: CodeLocationInputs,
        outputs: CodeLocationOutputs,
        context: Context,
    ) -> CodeLocationOutputs:
        claim(_folder(inputs), inputs.owner, environment=context.environment, formerly=old_inputs.owner)
        return self._apply(inputs, context)

    def delete(self, inputs: CodeLocationInputs, outputs: CodeLocationOutputs, context: Context) -> None:
        if not released(_folder(inputs), inputs.owner, context, unmarked=True):
            _remove(inputs, context)

    def _apply(self, inputs: CodeLocationInputs, context: Context) -> CodeLocationOutputs:
        location, secrets = _location(inputs, context), _secrets(inputs, context)
        changed = location.trouble() is not None
        if changed:
            location.attempt(secrets)
            _wait_for_runs(inputs, location, context)
        location.ensure_running(secrets, context.stop)
        client, file = _client(inputs), _workspace(inputs)
        with _one_at_a_time(inputs):
            added = workspace.add(file, location.server)
            if inputs.address is None:
                _local(inputs, context).ensure_running(context.stop)
        if added:
            client.reload()
        elif changed:
            client.reload_location(inputs.name)
        found = client.locations().get(inputs.name)
        if found is None or found.problem is not None:
            reason = f"its workspace is not {file}" if found is None else found.problem or ""
            raise Unfinished(
                f"Dagster at {client.address} does not load code location {inputs.name}: "
                f"{mask(reason, secrets.values())}"
            )
        return CodeLocationOutputs(address=client.address, server=f"{location.server.host}:{location.server.port}")


def _folder(inputs: CodeLocationInputs) -> Path:
    return Path(inputs.home, "locations", inputs.name)


def _workspace(inputs: CodeLocationInputs) -> Path:
    return Path(inputs.workspace) if inputs.workspace is not None else Path(inputs.home, "workspace.yaml")


def _local(inputs: CodeLocationInputs, context: Context) -> LocalDagster:
    return local_dagster(Path(inputs.home), context.info)


def _client(inputs: CodeLocationInputs) -> Dagster:
    if inputs.address is not None:
        return Dagster(inputs.address, _token(inputs))
    return LocalDagster(Path(inputs.home), ensure_dagster()).client


def _token(inputs: CodeLocationInputs) -> str | None:
    return None if inputs.token is None else resolve(inputs.token)


def _location(inputs: CodeLocationInputs, context: Context) -> CodeLocation:
    connections = json.loads(inputs.connections or "{}")
    document = {
        "product": inputs.owner.rpartition("/")[0],
        "working_directory": str(Path(inputs.working_directory).absolute()),
        "definitions": inputs.definitions and str(Path(inputs.working_directory, inputs.definitions).absolute()),
        "job": inputs.job,
        "description": f"Runs {inputs.entrypoint} of {inputs.owner.rpartition('/')[0]}",
        "group": inputs.owner.split("/")[1].replace("-", "_") if "/" in inputs.owner else "default",
        "command": launch_command(
            inputs.descriptor,
            engine=ENGINE.name,
            engine_run="{run}",
            trigger="{trigger}",
            request="{request}",
            attempt="{attempt}",
            interval=("{from}", "{to}"),
            scheduled="{scheduled}",
        ),
        "due": [sys.executable, "-m", DUE, inputs.descriptor] if inputs.on else None,
        "schedule": inputs.schedule,
        "time_zone": inputs.time_zone or "UTC",
        "retries": inputs.retries or 0,
        "retry_delay_seconds": inputs.retry_delay_seconds or 0,
        "assets": [
            *({"key": list(key), "own": True} for key in own_assets(inputs.owner, connections)),
            *({"key": list(key), "own": False} for key in read_assets(inputs.upstream, connections)),
        ],
    }
    return CodeLocation(
        name=inputs.name,
        folder=_folder(inputs),
        dagster_home=Path(inputs.home),
        python=_python(inputs, context),
        host=inputs.host,
        document=document,
        connections=inputs.connections if inputs.definitions is not None else None,
        version=inputs.source or "",
    )


def _python(inputs: CodeLocationInputs, context: Context) -> str:
    """The team's Python for its own definitions, if it has Dagster; otherwise Dagster's own."""
    if inputs.definitions is not None:
        chosen = inputs.python or sys.executable
        try:
            if subprocess.run([chosen, "-c", _HAS_DAGSTER], capture_output=True, check=False).returncode == 0:
                return chosen
        except OSError:
            pass
    return str(python_of(ensure_dagster(context.info)))


def _secrets(inputs: CodeLocationInputs, context: Context) -> dict[str, str]:
    """The secrets of the code and of the platform, as far as this process or the code server has them, in memory."""
    from alchemesh_platform.platform_file.load import load_platform

    named = {*inputs.secrets, *references_in(json.loads(inputs.connections or "{}"))}
    missing = sorted(name for name in named if not os.environ.get(name))
    if missing:
        context.warn(
            f"code location {inputs.name}: {', '.join(missing)} {'has' if len(missing) == 1 else 'have'} no value in "
            "this process, and its code server keeps a former value; without one, its runs fail"
        )
    if inputs.platform_home is not None and context.environment is not None:
        file = None if inputs.platform_file is None else Path(inputs.platform_file)
        platform = load_platform(file, context.environment, Path(inputs.platform_home))
        named |= references_in(platform.model_dump(mode="json"))
    kept = variables_of(_folder(inputs))  # a new secret restarts the supervisor, which would forget the others
    return {name: value for name in sorted(named) if (value := os.environ.get(name) or kept.get(name))}


def _refuse_taken(inputs: CodeLocationInputs, context: Context) -> None:
    """Refuse a name that another location of the same Dagster has.

    Raises:
        NotDone: names the place of the other location.
    """
    file = _workspace(inputs)
    if inputs.name in workspace.servers(file):
        if _folder(inputs).is_dir():
            return  # a creation that a kill interrupted
        place = f"{file} has a code location {inputs.name}"
    elif inputs.address is not None and inputs.name in _client(inputs).locations():
        place = f"Dagster at {inputs.address} has a code location {inputs.name}"
    else:
        return
    raise NotDone(
        f"{place} that another owner has added",
        hint="remove the other one from its workspace, or set `settings.dagster.home` to another folder",
    )


def _remove(inputs: CodeLocationInputs, context: Context) -> None:
    """Take a location out of Dagster, and end its code server. The last one ends the Dagster of this machine."""
    file = _workspace(inputs)
    with _one_at_a_time(inputs):
        removed = workspace.remove(file, inputs.name)
        last = inputs.address is None and not workspace.servers(file)
        if last:
            LocalDagster(Path(inputs.home), Path()).stop()
    if removed and not last:
        try:
            _client(inputs).reload()
        except DagsterFailed as error:
            context.warn(f"code location {inputs.name} is no longer in {file}, and Dagster shows it still: {error}")
    _location_to_remove(inputs).remove()


def _location_to_remove(inputs: CodeLocationInputs) -> CodeLocation:
    return CodeLocation(inputs.name, _folder(inputs), Path(inputs.home), "", inputs.host, {})


def _wait_for_runs(inputs: CodeLocationInputs, location: CodeLocation, context: Context) -> None:
    """Wait until the old code server carries out no run. A restart would end it.

    Raises:
        NotDone: when a run takes longer.
    """
    import time

    if inputs.name not in workspace.servers(_workspace(inputs)):
        return
    deadline, told = time.monotonic() + WAIT_SECONDS, False
    while not context.stop.is_set():
        try:
            running = _client(inputs).running(inputs.name)
        except DagsterFailed:
            return  # a Dagster that is down starts no run, and starts again after this
        if not running:
            return
        if time.monotonic() > deadline:
            raise NotDone(
                f"run {running[0]} of {inputs.name} is in progress, and a change of its code server would end it",
                hint=remedy("run {} after it, or cancel the run first", command("up", about_product=True)),
            )
        if not told:
            context.info(f"run {running[0]} of {inputs.name} is in progress: the change waits for it")
            told = True
        context.stop.wait(_LOOK_SECONDS)


@contextmanager
def _one_at_a_time(inputs: CodeLocationInputs) -> Iterator[None]:
    """Let one process add or remove locations: the last removal ends the servers that an addition starts."""
    from filelock import FileLock

    home = Path(inputs.home)
    with storage_errors(f"lock {home}"):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(home / ".locations.lock")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
