"""The record of a grant."""

from __future__ import annotations

from alchemesh_platform.access.grants.grant_state import record_granted, record_withdrawn
from alchemesh_platform.provider.handler import Context
from alchemesh_platform.provider.inputs import PROPERTIES
from alchemesh_platform.registry.records import GrantRecord
from alchemesh_platform.systems.mesh.handlers.records import Nothing, RecordHandler


class GrantInputs(GrantRecord):
    """A grant's record, as properties."""

    model_config = PROPERTIES


class GrantHandler(RecordHandler[GrantInputs]):
    """The record of a grant. Creating it sets its request to granted; deleting it sets the request back to approved."""

    pulumi_type = "alchemesh:mesh:Grant"
    summary = "The record of a consumer's access to an output port. Let it depend on the resources that grant it."
    record = GrantRecord
    inputs = GrantInputs

    def create(self, inputs: GrantInputs, context: Context) -> Nothing:
        grant = GrantRecord.model_validate(inputs.model_dump())
        record_granted(context.registry(), grant, context.registry().now(), actor=context.actor)
        return Nothing()

    def delete(self, inputs: GrantInputs, outputs: Nothing, context: Context) -> None:
        now = context.registry().now()
        record_withdrawn(context.registry(), inputs.environment, inputs.port, inputs.address, now, actor=context.actor)
