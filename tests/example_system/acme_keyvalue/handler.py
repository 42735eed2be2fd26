"""The resource type of the provider: a store."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from acme_keyvalue.client import KeyValueFailed, KeyValueStore
from alchemesh_platform.provider.handler import Context, Handler, NotDone
from alchemesh_platform.provider.inputs import Properties
from alchemesh_platform.provider.paths import AbsolutePath


class StoreInputs(Properties):
    """A store as it is wanted."""

    path: AbsolutePath = Field(description="Absolute path of the file.")
    keep_on_delete: bool = Field(default=True, description="Whether the file is kept when the resource is removed.")


class StoreOutputs(Properties):
    """Where the store is."""

    url: str = Field(description="The file as a URL: sqlite:///…")


class StoreHandler(Handler[StoreInputs, StoreOutputs]):
    """A store."""

    pulumi_type = "alchemesh:keyvalue:Store"
    summary = "A key-value store in a SQLite file."
    inputs = StoreInputs
    outputs = StoreOutputs
    replace_on = frozenset({"path"})

    def identify(self, inputs: StoreInputs) -> str:
        return inputs.path

    def create(self, inputs: StoreInputs, context: Context) -> StoreOutputs:
        try:
            KeyValueStore(Path(inputs.path)).create()
        except KeyValueFailed as error:
            raise NotDone(str(error)) from error
        return StoreOutputs(url=f"sqlite://{inputs.path}")

    def read(
        self, inputs: StoreInputs, outputs: StoreOutputs, context: Context
    ) -> tuple[StoreInputs, StoreOutputs] | None:
        return (inputs, outputs) if Path(inputs.path).exists() else None

    def update(
        self, inputs: StoreInputs, old_inputs: StoreInputs, outputs: StoreOutputs, context: Context
    ) -> StoreOutputs:
        return self.create(inputs, context)

    def delete(self, inputs: StoreInputs, outputs: StoreOutputs, context: Context) -> None:
        if not inputs.keep_on_delete or context.delete_data:
            KeyValueStore(Path(inputs.path)).remove()
