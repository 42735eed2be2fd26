"""A folder that belongs to one owner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import Field

from alchemesh_platform.base.units import duration_in_words
from alchemesh_platform.machine import directory
from alchemesh_platform.machine.directory import known_url, refused_path
from alchemesh_platform.machine.files import count
from alchemesh_platform.machine.released import released
from alchemesh_platform.provider.handler import Context, Handler
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.provider.loss import Loss
from alchemesh_platform.provider.paths import AbsolutePath
from alchemesh_platform.sdk.system.drift import Drift


class DirectoryInputs(Properties):
    """The declaration of a folder."""

    path: AbsolutePath = Field(description="Absolute path of the folder.")
    owner: str = Field(min_length=1, description="Address that the folder belongs to.")
    retention_seconds: int | None = Field(
        default=None, gt=0, description="Files last written longer ago than this are removed; by default none is."
    )
    keep_on_delete: bool = Field(default=True, description="Whether the files stay when the resource is removed.")


class DirectoryOutputs(Properties):
    """The address of the folder."""

    url: str = Field(description="The folder as a URL: file:///…")


class DirectoryHandler(Handler[DirectoryInputs, DirectoryOutputs]):
    """A folder."""

    pulumi_type = "alchemesh:local:Directory"
    summary = (
        "A folder that belongs to one owner, kept when the resource is removed unless ``keep_on_delete`` is false."
    )
    inputs = DirectoryInputs
    outputs = DirectoryOutputs
    replace_on = frozenset({"path"})

    def identify(self, inputs: DirectoryInputs) -> str:
        return inputs.path

    def check(self, inputs: DirectoryInputs, old_inputs: DirectoryInputs | None, context: Context) -> Iterator[Refusal]:
        formerly = old_inputs.owner if old_inputs else None
        yield from refused_path(inputs.path, inputs.owner, formerly, environment=context.environment)

    def plan(self, inputs: DirectoryInputs, old: DirectoryOutputs | None, context: Context) -> Mapping[str, Any]:
        return known_url(inputs.path)

    def drift(self, inputs: DirectoryInputs, outputs: DirectoryOutputs, context: Context) -> Drift | None:
        path = Path(inputs.path)
        if directory.owner_of(path) is None:
            return Drift(f"folder {path} is missing; `up` creates it again", "url")
        if directory.needs_environment(path):
            return Drift(f"folder {path} does not name its environment; `up` marks it", "url", expected=True)
        if inputs.retention_seconds is not None:
            expired = directory.expired(path, inputs.retention_seconds)
            if expired:
                return Drift(
                    f"{count(len(expired), 'file')} of {path} beyond retention: to be removed", "url", expected=True
                )
        return None

    def create(self, inputs: DirectoryInputs, context: Context) -> DirectoryOutputs:
        return self._apply(inputs, None, context)

    def read(
        self, inputs: DirectoryInputs, outputs: DirectoryOutputs, context: Context
    ) -> tuple[DirectoryInputs, DirectoryOutputs] | None:
        found = directory.holds(Path(inputs.path), inputs.owner, context.environment)
        return (inputs, DirectoryOutputs(url=Path(inputs.path).as_uri())) if found else None

    def update(
        self, inputs: DirectoryInputs, old_inputs: DirectoryInputs, outputs: DirectoryOutputs, context: Context
    ) -> DirectoryOutputs:
        return self._apply(inputs, old_inputs.owner, context)

    def expire(self, inputs: DirectoryInputs, context: Context) -> str | None:
        path = Path(inputs.path)
        if inputs.retention_seconds is None or not directory.holds(path, inputs.owner, context.environment):
            return None
        files = directory.remove_expired(path, inputs.retention_seconds)
        age = duration_in_words(timedelta(seconds=inputs.retention_seconds))
        return f"removed {count(files, 'file')} of {inputs.owner}, older than {age}" if files else None

    def loss(self, inputs: DirectoryInputs, context: Context) -> Loss | None:
        path = Path(inputs.path)
        if inputs.keep_on_delete or directory.owner_of(path) is None or released(path, inputs.owner, context):
            return None
        found = directory.inspect(path)
        return Loss(files=found.files) if found is not None and found.files else None

    def delete(self, inputs: DirectoryInputs, outputs: DirectoryOutputs, context: Context) -> None:
        if released(Path(inputs.path), inputs.owner, context):
            return
        keep = inputs.keep_on_delete and not context.delete_data
        kept = directory.remove(Path(inputs.path), inputs.owner, keep_data=keep, environment=context.environment)
        if kept is not None:
            context.info(f"kept {count(kept.files, 'file')} in {inputs.path}; a later `up` finds them again")

    def _apply(self, inputs: DirectoryInputs, formerly: str | None, context: Context) -> DirectoryOutputs:
        path = Path(inputs.path)
        directory.create(path, inputs.owner, environment=context.environment, formerly=formerly)
        if inputs.retention_seconds is not None:
            directory.remove_expired(path, inputs.retention_seconds)
        return DirectoryOutputs(url=path.as_uri())
