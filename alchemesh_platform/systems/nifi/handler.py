"""A dataflow of Apache NiFi."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.provider.handler import Context, Handler, Unfinished
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.nifi.flow.apply import apply
from alchemesh_platform.systems.nifi.flow.canvas import DeployedFlow, find, find_context
from alchemesh_platform.systems.nifi.flow.definition import (
    ComponentName,
    Dataflow,
    GroupName,
    Processor,
    RunState,
    Service,
    mistakes,
)
from alchemesh_platform.systems.nifi.flow.deviation import Deviation, deviations
from alchemesh_platform.systems.nifi.flow.parameters import Written, changed_secrets, touched
from alchemesh_platform.systems.nifi.flow.reading import as_deployed
from alchemesh_platform.systems.nifi.flow.remove import take_down
from alchemesh_platform.systems.nifi.health import health
from alchemesh_platform.systems.nifi.installed import choose
from alchemesh_platform.systems.nifi.server import Login, NifiFailed, SecretText, Server, secret_text

DRAIN_SECONDS = 300.0
PARAMETER_PATTERN = r"^[A-Za-z0-9 ._-]+$"  # https://nifi.apache.org/docs/nifi-docs/html/user-guide.html#parameters
_NAMED_MAX = 5  # maximum number of deviations in a message


class DataflowInputs(Properties):
    """The declaration of a dataflow."""

    server: str = Field(pattern=r"^https?://\S+$", description="Address of NiFi's REST interface: https://…/nifi-api")
    login: Login = Field(
        default=Login(),
        description="How we sign in: a document of :class:`alchemesh_platform.systems.nifi.server.Login`.",
    )
    name: GroupName = Field(description="Name of the process group.")
    owner: str = Field(min_length=1, description="Address that the dataflow belongs to; written into its comments.")
    parent: str = Field(default="root", min_length=1, description="Id of the process group that it is in.")
    parameters: dict[str, str] = Field(
        default_factory=dict, description="Parameter: its value. Properties refer to it as #{name}."
    )
    sensitive_parameters: dict[str, SecretText] = Field(
        default_factory=dict, description="Sensitive parameter: its value, or {secret: NAME}."
    )
    services: dict[ComponentName, Service] = Field(
        default_factory=dict,
        description="Controller service: a document of `alchemesh_platform.systems.nifi.flow.definition.Service`.",
    )
    processors: dict[ComponentName, Processor] = Field(
        min_length=1,
        description="Processor: a document of `alchemesh_platform.systems.nifi.flow.definition.Processor`.",
    )
    state: RunState = Field(default="running", description="Whether it runs.")
    drain_seconds: float = Field(
        default=DRAIN_SECONDS, gt=0, description="How long queues may take to drain before anything is removed."
    )


class DataflowOutputs(Properties):
    """The state of a dataflow after the last operation."""

    group_id: str = Field(description="Id of the process group.")
    server_version: str = Field(description="Version of the server.")
    health: str = Field(description="healthy, or what is wrong.")
    running: int = Field(description="Processors that run.")
    stopped: int = Field(description="Processors that do not.")
    invalid: int = Field(description="Processors that cannot.")
    queued: int = Field(description="Flow files that wait in queues.")
    context_version: int = Field(description="Version of the parameter context when it was written last.")
    salt: str = Field(description="Key of the digests.")
    digests: dict[str, str] = Field(description="Sensitive parameter: a digest of its value.")


class DataflowHandler(Handler[DataflowInputs, DataflowOutputs]):
    """A dataflow. The platform finds it by its mark, changes one component at a time, and drains it before removal."""

    pulumi_type = "alchemesh:nifi:Dataflow"
    summary = "A dataflow of Apache NiFi 1.x or 2.x: a process group with a parameter context, drained before removal."
    inputs = DataflowInputs
    outputs = DataflowOutputs
    replace_on = frozenset({"owner", "parent"})
    delete_before_replace = True  # two dataflows of the same name would consume in parallel
    secret_outputs = frozenset({"salt", "digests"})

    def identify(self, inputs: DataflowInputs) -> str:
        return inputs.owner

    def check(self, inputs: DataflowInputs, old_inputs: DataflowInputs | None, context: Context) -> Iterator[Refusal]:
        import re

        for path, reason in mistakes(inputs.services, inputs.processors):
            yield Refusal(path, reason)
        for name in inputs.sensitive_parameters:
            if name in inputs.parameters:
                yield Refusal(f"parameters.{name}", f"parameter {name!r} is declared twice, once as a sensitive one")
        for kind, names in (("parameters", inputs.parameters), ("sensitiveParameters", inputs.sensitive_parameters)):
            for name in names:
                if not re.fullmatch(PARAMETER_PATTERN, name):
                    yield Refusal(kind, f"found {name!r}, expected letters, digits, spaces, dots, hyphens, underscores")

    def plan(self, inputs: DataflowInputs, old: DataflowOutputs | None, context: Context) -> Mapping[str, Any]:
        """Check that the server has everything that the dataflow needs, so that a preview reports missing parts."""
        needed = (inputs.server, inputs.login, inputs.name, inputs.owner, inputs.parent, inputs.processors)
        known = {"group_id": old.group_id} if old is not None and old.group_id else {}
        if all(isinstance(value, str | Login | dict) for value in needed) and isinstance(inputs.services, dict):
            server = Server(inputs.server, inputs.login, context.stop)
            wanted = _structure(inputs)
            choose(server, wanted)
            find(server, wanted)
            return {**known, "server_version": server.version}
        return known

    def drift(self, inputs: DataflowInputs, outputs: DataflowOutputs, context: Context) -> Drift | None:
        server = Server(inputs.server, inputs.login, context.stop)
        wanted = _wanted(inputs)
        deployed = find(server, wanted)
        if deployed is None:
            return Drift(f"dataflow {inputs.name!r} is missing on {inputs.server}; `up` creates it again", "name")
        found = deviations(deployed, wanted, choose(server, wanted))
        if found:
            reason = f"dataflow {inputs.name!r} is not as declared: {_listed(found)}; `up` corrects it"
            return Drift(reason, found[0].input, tuple(each.as_drift() for each in found))
        written = _written(outputs)
        if changed := changed_secrets(wanted.sensitive, written):
            return Drift(f"sensitive parameters have new values: {', '.join(changed)}", "sensitive_parameters")
        if touched(deployed.context, written):
            reason = f"the parameters of {inputs.name!r} were changed by hand: sensitive ones are written again"
            return Drift(reason, "sensitive_parameters")
        return None

    def create(self, inputs: DataflowInputs, context: Context) -> DataflowOutputs:
        server = Server(inputs.server, inputs.login, context.stop)
        try:
            return _apply(server, inputs, Written())
        except Failure as error:
            if _may_exist(server, inputs):
                raise Unfinished(error.message, hint=error.hint) from error
            raise

    def read(
        self, inputs: DataflowInputs, outputs: DataflowOutputs, context: Context
    ) -> tuple[DataflowInputs, DataflowOutputs] | None:
        server = Server(inputs.server, inputs.login, context.stop)
        structure = _structure(inputs)
        deployed = find(server, structure)
        if deployed is None:
            return None
        # Reading needs no secrets: only the existence of a sensitive parameter is visible.
        wanted = structure.model_copy(update={"sensitive": dict.fromkeys(inputs.sensitive_parameters, "")})
        choice = choose(server, wanted)
        found = as_deployed(wanted, choice, deviations(deployed, wanted, choice))
        sensitive = {name: inputs.sensitive_parameters[name] for name in found.sensitive}
        changes = {
            "parameters": found.parameters,
            "sensitive_parameters": sensitive,
            "services": found.services,
            "processors": found.processors,
            "state": found.state,
        }
        return inputs.model_copy(update=changes), _outputs(server, deployed, _written(outputs))

    def update(
        self, inputs: DataflowInputs, old_inputs: DataflowInputs, outputs: DataflowOutputs, context: Context
    ) -> DataflowOutputs:
        if inputs.server != old_inputs.server:
            _leave(inputs, old_inputs, context)
        return _apply(Server(inputs.server, inputs.login, context.stop), inputs, _written(outputs))

    def delete(self, inputs: DataflowInputs, outputs: DataflowOutputs, context: Context) -> None:
        take_down(Server(inputs.server, inputs.login, context.stop), _structure(inputs), inputs.drain_seconds)


def _apply(server: Server, inputs: DataflowInputs, written: Written) -> DataflowOutputs:
    deployed, written = apply(server, _wanted(inputs), written, inputs.drain_seconds)
    return _outputs(server, deployed, written)


def _may_exist(server: Server, inputs: DataflowInputs) -> bool:
    """Whether a part of a dataflow may be on the server. Its parameter context is created first and removed last."""
    try:
        return server.changed or find_context(server, _structure(inputs)) is not None
    except Failure:
        return False


def _leave(inputs: DataflowInputs, old_inputs: DataflowInputs, context: Context) -> None:
    """Remove the dataflow at its old address, unless that is the same server with another name."""
    old_server = Server(old_inputs.server, old_inputs.login, context.stop)
    old = find(old_server, _structure(old_inputs))
    now = find(Server(inputs.server, inputs.login, context.stop), _structure(inputs))
    if old is not None and (now is None or now.id != old.id):
        take_down(old_server, _structure(old_inputs), old_inputs.drain_seconds)


def _wanted(inputs: DataflowInputs) -> Dataflow:
    """The declaration, with its secrets."""
    sensitive = {name: secret_text(value) for name, value in inputs.sensitive_parameters.items()}
    return _structure(inputs).model_copy(update={"sensitive": sensitive})


def _structure(inputs: DataflowInputs) -> Dataflow:
    """The declaration without its secrets and unknown values."""
    return Dataflow(
        name=inputs.name,
        owner=inputs.owner,
        parent=inputs.parent,
        parameters=inputs.parameters if isinstance(inputs.parameters, dict) else {},
        services=inputs.services,
        processors=inputs.processors,
        state=inputs.state,
    )


def _written(outputs: DataflowOutputs) -> Written:
    """The stored digests; empty if an earlier version wrote none."""
    return Written(outputs.salt or "", outputs.digests or {}, outputs.context_version or 0)


def _outputs(server: Server, deployed: DeployedFlow, written: Written) -> DataflowOutputs:
    now = health(server, deployed.id)
    if now is None:
        raise NifiFailed(f"process group {deployed.id} went away while it was looked at", hint="run the same again")
    return DataflowOutputs(
        group_id=deployed.id,
        server_version=server.version,
        health="healthy" if now.ok else str(now),
        running=now.running,
        stopped=now.stopped,
        invalid=now.invalid,
        queued=now.queued,
        context_version=written.version,
        salt=written.salt,
        digests=dict(written.digests),
    )


def _listed(found: list[Deviation]) -> str:
    more = f" and {len(found) - _NAMED_MAX} more" if len(found) > _NAMED_MAX else ""
    return f"{'; '.join(map(str, found[:_NAMED_MAX]))}{more}"
