"""Records of the mesh in the registry."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from alchemesh_platform.provider.handler import Context, Handler
from alchemesh_platform.provider.inputs import PROPERTIES, Properties
from alchemesh_platform.registry.records import (
    AssetRecord,
    FoundationRecord,
    LineageRecord,
    ManifestRecord,
    PortRecord,
    ProductRecord,
    Record,
)
from alchemesh_platform.sdk.system.drift import Drift

RecordT = TypeVar("RecordT", bound=Record)


class Nothing(Properties):
    """The outputs of a record: none."""


class RecordHandler(Handler[RecordT, Nothing], Generic[RecordT]):
    """A record, whose inputs are its fields. Secrets in it are masked, since the registry stores plain text."""

    record: ClassVar[type[Record]]
    outputs = Nothing
    replace_on = frozenset({"environment", "address"})
    keeps_plain_text = True

    def identify(self, inputs: RecordT) -> str:
        return f"{inputs.environment}:{inputs.address}"

    def drift(self, inputs: RecordT, outputs: Nothing, context: Context) -> Drift | None:
        found = context.registry().get(self.record, inputs.environment, inputs.address)
        what = f"{self.record.kind} {inputs.address}"
        if found is None:
            return Drift(f"{what} is not in the registry any more: it is recorded again", "address")
        if found != self._record(inputs):
            return Drift(f"{what} was changed in the registry; `up` corrects it", "address")
        return None

    def create(self, inputs: RecordT, context: Context) -> Nothing:
        context.registry().put(self._record(inputs))
        return Nothing()

    def read(self, inputs: RecordT, outputs: Nothing, context: Context) -> tuple[RecordT, Nothing] | None:
        found = context.registry().get(self.record, inputs.environment, inputs.address)
        return (
            None
            if found is None
            else (self.inputs.model_validate(found.model_dump(), by_alias=False, by_name=True), Nothing())
        )

    def update(self, inputs: RecordT, old_inputs: RecordT, outputs: Nothing, context: Context) -> Nothing:
        return self.create(inputs, context)

    def delete(self, inputs: RecordT, outputs: Nothing, context: Context) -> None:
        context.registry().remove(self.record, inputs.environment, inputs.address)

    def _record(self, inputs: RecordT) -> Record:
        return self.record.model_validate(inputs.model_dump())


class FoundationInputs(FoundationRecord):
    """A foundation's record, as properties."""

    model_config = PROPERTIES


class FoundationHandler(RecordHandler[FoundationInputs]):
    """The record of a foundation."""

    pulumi_type = "alchemesh:mesh:Foundation"
    summary = "The record of a foundation, the outputs of its stack. Let it depend on everything in the stack."
    record = FoundationRecord
    inputs = FoundationInputs


class ProductInputs(ProductRecord):
    """A product's record, as properties."""

    model_config = PROPERTIES


class ProductHandler(RecordHandler[ProductInputs]):
    """The record of a data product."""

    pulumi_type = "alchemesh:mesh:Product"
    summary = "The record of a data product."
    record = ProductRecord
    inputs = ProductInputs


class PortInputs(PortRecord):
    """A port's record, as properties."""

    model_config = PROPERTIES


class PortHandler(RecordHandler[PortInputs]):
    """The record of a port."""

    pulumi_type = "alchemesh:mesh:Port"
    summary = "The record of an input or output port."
    record = PortRecord
    inputs = PortInputs


class AssetInputs(AssetRecord):
    """An asset's record, as properties."""

    model_config = PROPERTIES


class AssetHandler(RecordHandler[AssetInputs]):
    """The record of an asset."""

    pulumi_type = "alchemesh:mesh:Asset"
    summary = "The record of one semantic model as exposed by one output port."
    record = AssetRecord
    inputs = AssetInputs


class LineageInputs(LineageRecord):
    """A lineage record, as properties."""

    model_config = PROPERTIES


class LineageHandler(RecordHandler[LineageInputs]):
    """The record of a flow."""

    pulumi_type = "alchemesh:mesh:Lineage"
    summary = "The record that data flows from a source into an input port."
    record = LineageRecord
    inputs = LineageInputs


class ManifestInputs(ManifestRecord):
    """A manifest's record, as properties."""

    model_config = PROPERTIES


class ManifestHandler(RecordHandler[ManifestInputs]):
    """The record of a manifest."""

    pulumi_type = "alchemesh:mesh:Manifest"
    summary = "The record of a product's manifest, as it was deployed."
    record = ManifestRecord
    inputs = ManifestInputs
