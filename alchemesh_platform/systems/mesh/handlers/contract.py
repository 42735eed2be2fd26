"""The record of a contract, and of its version."""

from __future__ import annotations

from alchemesh_platform.contracts.notices.give import turn_of
from alchemesh_platform.contracts.notices.recorded import drop_notices, settle_notices
from alchemesh_platform.contracts.versions import keep_version, version_address
from alchemesh_platform.identity.machine import local_subject
from alchemesh_platform.provider.handler import Context
from alchemesh_platform.provider.inputs import PROPERTIES
from alchemesh_platform.registry.records import ContractRecord, ContractVersionRecord
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.mesh.handlers.records import Nothing, RecordHandler


class ContractInputs(ContractRecord):
    """A contract's record, as properties."""

    model_config = PROPERTIES


class ContractHandler(RecordHandler[ContractInputs]):
    """The record of a contract. Deleting it also deletes its notices, and keeps its versions."""

    pulumi_type = "alchemesh:mesh:Contract"
    summary = "The record of an output port's contract, and the version of it that is kept."
    record = ContractRecord
    inputs = ContractInputs

    def drift(self, inputs: ContractInputs, outputs: Nothing, context: Context) -> Drift | None:
        found = super().drift(inputs, outputs, context)
        if found is None:
            address = version_address(inputs.address, inputs.version)
            if context.registry().get(ContractVersionRecord, inputs.environment, address) is None:
                return Drift(f"version {inputs.version} of {inputs.address} is not kept: it is kept again", "version")
        return found

    def create(self, inputs: ContractInputs, context: Context) -> Nothing:
        contract = _contract(inputs)
        given_by = context.actor or local_subject()  # plain Pulumi passes no actor, so use the user of this machine
        with context.registry().transaction(turn_of(contract.environment, contract.address)) as turn:
            before = turn.get(ContractRecord, contract.environment, contract.address)
            keep_version(turn, contract)
            settle_notices(turn, before, contract, given_by, context.registry().now())
            turn.put(contract)
        return Nothing()

    def delete(self, inputs: ContractInputs, outputs: Nothing, context: Context) -> None:
        with context.registry().transaction(turn_of(inputs.environment, inputs.address)) as turn:
            drop_notices(turn, _contract(inputs))
            turn.remove(ContractRecord, inputs.environment, inputs.address)


def _contract(inputs: ContractInputs) -> ContractRecord:
    return ContractRecord.model_validate(inputs.model_dump())
