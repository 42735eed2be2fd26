"""The record of a contract, with the version of it that is kept."""

from __future__ import annotations

from alchemesh_platform.contracts.versions import keep_version, version_address
from alchemesh_platform.provider.handler import Context, Drift
from alchemesh_platform.provider.handlers.records import Nothing, RecordHandler
from alchemesh_platform.provider.inputs import PROPERTIES
from alchemesh_platform.registry.records import ContractRecord, ContractVersionRecord


class ContractInputs(ContractRecord):
    """A contract's record, as properties."""

    model_config = PROPERTIES


class ContractHandler(RecordHandler[ContractInputs]):
    """The record of a contract. Its versions stay when it goes."""

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
        contract = ContractRecord.model_validate(inputs.model_dump())
        with context.registry().transaction(f"contract {inputs.environment} {inputs.address}") as turn:
            keep_version(turn, contract)
            turn.put(contract)
        return Nothing()
