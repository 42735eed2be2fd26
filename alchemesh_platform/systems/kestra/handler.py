"""A flow of Kestra."""

from __future__ import annotations

import os
from collections.abc import Iterator

from pydantic import Field

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.provider.handler import Context, Handler, NotDone
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.kestra.client import Flow, Invalid, Kestra, NotThere, Place
from alchemesh_platform.systems.kestra.source import explained

OWNER = "alchemesh-owner"


class FlowInputs(Properties):
    """The declaration of a flow."""

    server: Place = Field(description="The server: a document of `alchemesh_platform.systems.kestra.client.Place`.")
    namespace: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=150, description="Namespace of the flow.")
    flow: str = Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$", max_length=100, description="Id of the flow.")
    owner: str = Field(min_length=1, description="Address that the flow belongs to, which its source has as a label.")
    source: str = Field(min_length=1, description="The flow, as YAML.")
    file: str | None = Field(default=None, description="Path of the team's file that the source was made of.")


class FlowOutputs(Properties):
    """The flow in Kestra."""

    revision: int = Field(description="Number of its revision in Kestra.")
    server_version: str = Field(description="Version of the server.")


class FlowHandler(Handler[FlowInputs, FlowOutputs]):
    """A flow. It is created, updated and deleted by Kestra's API; its executions are not part of it."""

    pulumi_type = "alchemesh:kestra:Flow"
    summary = "A flow of Kestra, checked by Kestra before it is written. Flows of others are refused."
    inputs = FlowInputs
    outputs = FlowOutputs
    replace_on = frozenset({"namespace", "flow", "owner"})
    delete_before_replace = True
    refuses_secrets = True

    def identify(self, inputs: FlowInputs) -> str:
        return f"{inputs.server.tenant}/{inputs.namespace}/{inputs.flow}"

    def check(self, inputs: FlowInputs, old_inputs: FlowInputs | None, context: Context) -> Iterator[Refusal]:
        """Ask Kestra before anything changes. If it does not answer, the step reports it, and the rest is deployed."""
        kestra = _kestra(inputs)
        if (reason := kestra.validate(inputs.source)) is not None:
            yield Refusal("source", explained(reason, inputs.source, inputs.file))
        found = kestra.flow(inputs.namespace, inputs.flow)
        if found is not None and not _is_ours(found, inputs):
            yield Refusal("flow", _taken(found))

    def drift(self, inputs: FlowInputs, outputs: FlowOutputs, context: Context) -> Drift | None:
        found = _kestra(inputs).flow(inputs.namespace, inputs.flow)
        if found is None:
            return Drift(f"flow {_name(inputs)} is missing in Kestra; `up` creates it again", "flow")
        if not _is_ours(found, inputs) or found.source.strip() != inputs.source.strip():
            return Drift(f"flow {_name(inputs)} was changed in Kestra; `up` corrects it", "source")
        return None

    def create(self, inputs: FlowInputs, context: Context) -> FlowOutputs:
        return _written(inputs)

    def read(self, inputs: FlowInputs, outputs: FlowOutputs, context: Context) -> tuple[FlowInputs, FlowOutputs] | None:
        kestra = _kestra(inputs)
        found = kestra.flow(inputs.namespace, inputs.flow)
        if found is None:
            return None
        same = found.source.strip() == inputs.source.strip()
        known = inputs if same else inputs.model_copy(update={"source": found.source})
        return known, FlowOutputs(revision=found.revision, server_version=kestra.version)

    def update(self, inputs: FlowInputs, old_inputs: FlowInputs, outputs: FlowOutputs, context: Context) -> FlowOutputs:
        written = _written(inputs)
        old = (old_inputs.server.address.rstrip("/"), old_inputs.server.tenant)
        if old != (inputs.server.address.rstrip("/"), inputs.server.tenant):
            try:
                _remove(old_inputs)
            except Failure as error:
                context.warn(f"flow {_name(old_inputs)} stays in Kestra at {old_inputs.server.address}: {error}")
        return written

    def delete(self, inputs: FlowInputs, outputs: FlowOutputs, context: Context) -> None:
        _remove(inputs)


def _kestra(inputs: FlowInputs) -> Kestra:
    return Kestra(inputs.server, os.environ)


def _written(inputs: FlowInputs) -> FlowOutputs:
    kestra = _kestra(inputs)
    found = kestra.flow(inputs.namespace, inputs.flow)
    if found is not None and not _is_ours(found, inputs):
        raise NotDone(_taken(found))
    try:
        if found is None:
            found = kestra.create(inputs.source)
        elif found.source.strip() != inputs.source.strip():
            found = kestra.update(inputs.namespace, inputs.flow, inputs.source)
    except Invalid as error:
        raise NotDone(explained(error.reason, inputs.source, inputs.file)) from error
    return FlowOutputs(revision=found.revision, server_version=kestra.version)


def _remove(inputs: FlowInputs) -> None:
    """Delete the flow, unless somebody else has put another one in its place."""
    kestra = _kestra(inputs)
    found = kestra.flow(inputs.namespace, inputs.flow)
    if found is None or not _is_ours(found, inputs):
        return
    try:
        kestra.delete(inputs.namespace, inputs.flow)
    except NotThere:
        return


def _is_ours(found: Flow, inputs: FlowInputs) -> bool:
    return found.labels.get(OWNER) == inputs.owner


def _taken(found: Flow) -> str:
    owner = found.labels.get(OWNER)
    belongs = f"belongs to {owner}" if owner else "was not created by Alchemesh"
    return (
        f"flow {found.namespace}.{found.id} in Kestra {belongs}; rename it there, or set another `flow_id`, "
        "or `namespace` in settings.kestra"
    )


def _name(inputs: FlowInputs) -> str:
    return f"{inputs.namespace}.{inputs.flow}"
