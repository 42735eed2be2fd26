"""A landing area: a folder of files that are landed as Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from alchemesh_platform.base.remedy import command, remedy, with_hint
from alchemesh_platform.machine import directory
from alchemesh_platform.machine.directory import known_url, refused_path
from alchemesh_platform.machine.files import count
from alchemesh_platform.machine.released import released
from alchemesh_platform.provider.handler import Context, Drift, Handler, NotDone
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.provider.paths import AbsolutePath
from alchemesh_platform.systems.local.landing import ingestion
from alchemesh_platform.systems.local.landing.ingestion import Landed
from alchemesh_platform.systems.local.landing.reading import NULL_VALUES, Reading, SourceFormat
from alchemesh_platform.systems.local.landing.source_files import SourceFailed, find_sources


class IngestionInputs(Properties):
    """The source files and the landing area."""

    source: str = Field(min_length=1, description="File or glob, relative to the root unless absolute.")
    root: str = Field(default=".", description="Folder that relative paths start from.")
    format: SourceFormat = Field(description="Format of the files; json is one object for each line.")
    target: AbsolutePath = Field(description="Absolute path of the landing area.")
    owner: str = Field(min_length=1, description="Address that the landing area belongs to.")
    null_values: tuple[str, ...] = Field(default=NULL_VALUES, description="CSV: texts that mean *no value*.")
    mirror: bool = Field(default=False, description="Whether files that went at the source go here too.")
    keep_on_delete: bool = Field(default=True, description="Whether landed files stay when the resource is removed.")


class IngestionOutputs(Properties):
    """The content of the landing area."""

    url: str = Field(description="The landing area as a URL: file:///…")
    files: int = Field(description="Source files landed.")
    rows: int = Field(description="Rows in them.")
    bytes: int = Field(description="Size of the landed files.")


class IngestionHandler(Handler[IngestionInputs, IngestionOutputs]):
    """A landing area. New and changed source files cause an update."""

    pulumi_type = "alchemesh:local:Ingestion"
    summary = "A landing area: files of a path or glob, landed as Parquet. New and changed files are landed again."
    inputs = IngestionInputs
    outputs = IngestionOutputs
    replace_on = frozenset({"target"})
    lands = True

    def identify(self, inputs: IngestionInputs) -> str:
        return inputs.target

    def check(self, inputs: IngestionInputs, old_inputs: IngestionInputs | None, context: Context) -> Iterator[Refusal]:
        formerly = old_inputs.owner if old_inputs else None
        yield from refused_path(inputs.target, inputs.owner, formerly, "target", environment=context.environment)
        try:
            find_sources(inputs.source, _root(inputs))
        except SourceFailed as error:
            yield Refusal("source", with_hint(error.message, error.hint))

    def plan(self, inputs: IngestionInputs, old: IngestionOutputs | None, context: Context) -> Mapping[str, Any]:
        return known_url(inputs.target)

    def drift(self, inputs: IngestionInputs, outputs: IngestionOutputs, context: Context) -> Drift | None:
        target = Path(inputs.target)
        todo = ingestion.plan_ingestion(inputs.source, _root(inputs), target, _reading(inputs), mirror=inputs.mirror)
        reason = todo.reason()
        if reason is not None:
            return Drift(reason, "rows")
        if directory.needs_environment(target):
            return Drift(f"landing area {target} does not name its environment; `up` marks it", "rows")
        now = ingestion.landed(target)
        if now is not None and _outputs(target, now) != outputs:
            return Drift(f"{target} was landed in another run: what it holds is noted", "rows")
        return None

    def create(self, inputs: IngestionInputs, context: Context) -> IngestionOutputs:
        return self._apply(inputs, None, context)

    def read(
        self, inputs: IngestionInputs, outputs: IngestionOutputs, context: Context
    ) -> tuple[IngestionInputs, IngestionOutputs] | None:
        target = Path(inputs.target)
        now = ingestion.landed(target)
        ours = directory.holds(target, inputs.owner, context.environment)
        return (inputs, _outputs(target, now)) if ours and now is not None else None

    def update(
        self, inputs: IngestionInputs, old_inputs: IngestionInputs, outputs: IngestionOutputs, context: Context
    ) -> IngestionOutputs:
        return self._apply(inputs, old_inputs.owner, context)

    def land(self, inputs: IngestionInputs, context: Context) -> str | None:
        target = Path(inputs.target)
        if not directory.holds(target, inputs.owner, context.environment):
            raise NotDone(f"landing area {target} is missing", hint=remedy("{} creates it again", command("up")))
        before = ingestion.landed(target)
        after = self._apply(inputs, inputs.owner, context)
        if before is not None and _outputs(target, before) == after:
            return None
        files, rows = count(after.files, "file"), count(after.rows, "row")
        earlier = count(before.rows if before is not None else 0, "row")
        return f"landed new data of {inputs.owner}: now {rows} of {files}, before {earlier}"

    def delete(self, inputs: IngestionInputs, outputs: IngestionOutputs, context: Context) -> None:
        target = Path(inputs.target)
        if directory.owner_of(target) is None or released(target, inputs.owner, context):
            return  # deleted, or owned by another port now
        now = ingestion.landed(target)
        keep = inputs.keep_on_delete and not context.delete_data and now is not None and now.rows > 0
        ingestion.forget(target, keep_data=keep)
        directory.remove(target, inputs.owner, keep_data=keep, environment=context.environment)
        if keep and now is not None:
            held = f"{count(now.rows, 'row')} of {count(now.files, 'file')}"
            context.info(f"kept {held} in {target}; a later `up` finds them again")

    def _apply(self, inputs: IngestionInputs, formerly: str | None, context: Context) -> IngestionOutputs:
        target = Path(inputs.target)
        directory.create(target, inputs.owner, environment=context.environment, formerly=formerly)
        now = ingestion.ingest(
            inputs.source,
            _root(inputs),
            target,
            _reading(inputs),
            mirror=inputs.mirror,
            cancelled=context.stop,
        )
        return _outputs(target, now)


def _outputs(target: Path, now: Landed) -> IngestionOutputs:
    return IngestionOutputs(url=target.as_uri(), files=now.files, rows=now.rows, bytes=now.size_bytes)


def _root(inputs: IngestionInputs) -> Path:
    return Path(inputs.root).absolute()


def _reading(inputs: IngestionInputs) -> Reading:
    return Reading(inputs.format, inputs.null_values)
