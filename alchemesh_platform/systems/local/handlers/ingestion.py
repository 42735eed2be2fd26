"""A landing area: a folder of files that are landed as Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import Field

from alchemesh_platform.base.remedy import command, remedy, with_hint
from alchemesh_platform.machine import directory
from alchemesh_platform.machine.directory import known_url, refused_path
from alchemesh_platform.machine.files import count
from alchemesh_platform.machine.landing.source_columns import LandedColumn, SourceColumn
from alchemesh_platform.machine.released import released
from alchemesh_platform.provider.handler import Context, Handler, NotDone
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.provider.loss import Loss
from alchemesh_platform.provider.paths import AbsolutePath
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.local.landing import ingestion
from alchemesh_platform.systems.local.landing.ingestion import Landed
from alchemesh_platform.systems.local.landing.misfits import REJECTS_FOLDER
from alchemesh_platform.systems.local.landing.reading import (
    NULL_VALUES,
    OnAmbiguousTime,
    OnBadRow,
    OnNewColumn,
    Reading,
    SourceFormat,
)
from alchemesh_platform.systems.local.landing.record import read_landing
from alchemesh_platform.systems.local.landing.source_files import SourceFailed, find_sources

_LOCAL_TIME = re.compile(r"TIMESTAMP(_S|_MS|_NS)?")


class IngestionInputs(Properties):
    """The source files and the landing area."""

    source: str = Field(min_length=1, description="File or glob, relative to the root unless absolute.")
    root: str = Field(default=".", description="Folder that relative paths start from.")
    format: SourceFormat = Field(description="Format of the files; json is one object for each line.")
    target: AbsolutePath = Field(description="Absolute path of the landing area.")
    owner: str = Field(min_length=1, description="Address that the landing area belongs to.")
    null_values: tuple[str, ...] = Field(default=NULL_VALUES, description="CSV: texts that mean *no value*.")
    delimiter: str | None = Field(default=None, description="CSV: separator; by default the only one in the header.")
    quote: str = Field(default='"', description="CSV: character around fields; empty for none.")
    escape: str = Field(default='"', description="CSV: character before a quote inside a field.")
    header: bool = Field(default=True, description="CSV: whether the first line names the columns.")
    skip_lines: int = Field(default=0, ge=0, description="CSV: lines before the header.")
    encoding: str = Field(default="utf-8", description="CSV and JSON: encoding of the text.")
    decimal_separator: str = Field(default=".", description="CSV: character before the decimals of a number.")
    date_format: str | None = Field(default=None, description="Form of dates whose property has none.")
    timestamp_format: str | None = Field(default=None, description="Form of timestamps whose property has none.")
    time_zone: str | None = Field(default=None, description="Time zone of timestamps without one.")
    on_ambiguous_time: OnAmbiguousTime = Field(
        default="refuse", description="Handling of a local time that occurs twice, when the clock is set back."
    )
    on_bad_row: OnBadRow = Field(default="fail", description="Handling of a row that does not fit the columns.")
    on_new_column: OnNewColumn = Field(default="refuse", description="Handling of a column that not all files have.")
    columns: tuple[SourceColumn, ...] | None = Field(
        default=None, description="Columns that the port declares: properties of its schema, with their names."
    )
    mirror: bool = Field(default=False, description="Whether files that went at the source go here too.")
    keep_on_delete: bool = Field(default=True, description="Whether landed files stay when the resource is removed.")


class IngestionOutputs(Properties):
    """The content of the landing area."""

    url: str = Field(description="The landing area as a URL: file:///…")
    files: int = Field(description="Source files landed.")
    rows: int = Field(description="Rows in them.")
    bytes: int = Field(description="Size of the landed files.")
    rejected: int = Field(default=0, description="Rows that did not fit, in the reject files.")
    landed_columns: tuple[LandedColumn, ...] = Field(default=(), description="Columns of every landed file.")


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
        yield from _unreadable_patterns(inputs)
        self._warn_of_rows_without_source(inputs, context)

    def _warn_of_rows_without_source(self, inputs: IngestionInputs, context: Context) -> None:
        target = Path(inputs.target)
        landing = read_landing(target).model_copy(update={"source": inputs.source, "root": str(_root(inputs))})
        without = ingestion.unsourced(landing)
        if without and not inputs.mirror:
            held = ingestion.in_words_without_source(landing, without)
            context.warn(f"{target} holds {held}; `mirror: true` in the arguments of the port removes them")

    def plan(self, inputs: IngestionInputs, old: IngestionOutputs | None, context: Context) -> Mapping[str, Any]:
        return known_url(inputs.target)

    def drift(self, inputs: IngestionInputs, outputs: IngestionOutputs, context: Context) -> Drift | None:
        target = Path(inputs.target)
        todo = ingestion.plan_ingestion(inputs.source, _root(inputs), target, _reading(inputs), mirror=inputs.mirror)
        reason = todo.reason()
        if reason is not None:
            return Drift(reason, "rows", expected=not todo.lost)
        if directory.needs_environment(target):
            return Drift(f"landing area {target} does not name its environment; `up` marks it", "rows", expected=True)
        now = ingestion.landed(target)
        if now is not None and _outputs(target, now) != outputs:
            return Drift(f"{target} was landed in another run: what it holds is noted", "rows", expected=True)
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

    def loss(self, inputs: IngestionInputs, context: Context) -> Loss | None:
        target = Path(inputs.target)
        if inputs.keep_on_delete or directory.owner_of(target) is None or released(target, inputs.owner, context):
            return None
        now = ingestion.landed(target)
        return Loss(now.rows) if now is not None and now.rows else None

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
        if now.rejected:
            context.warn(f"{count(now.rejected, 'row')} rejected: {target / REJECTS_FOLDER} has each with its reason")
        if inputs.columns is None and (local := _without_zone(now)):
            names = ", ".join(local)
            context.warn(
                f"{target} has timestamps without a time zone ({names}): to use them as a `timestamp` of a model, "
                "declare them in the `schema` of the port, with its `time_zone`"
            )
        return _outputs(target, now)


def _without_zone(now: Landed) -> list[str]:
    """The columns of Parquet files that hold local times."""
    return [column.name for column in now.columns if _LOCAL_TIME.fullmatch(column.type)]


def _unreadable_patterns(inputs: IngestionInputs) -> Iterator[Refusal]:
    """Patterns that DuckDB cannot match, such as those that look ahead."""
    patterns = [(at, column.pattern) for at, column in enumerate(inputs.columns or ()) if column.pattern]
    if not patterns:
        return
    import duckdb

    for at, pattern in patterns:
        try:
            duckdb.execute("SELECT regexp_matches('', ?)", [pattern])
        except duckdb.Error:
            yield Refusal(f"columns[{at}].pattern", "the landing cannot check this pattern: it has no look-ahead")


def _outputs(target: Path, now: Landed) -> IngestionOutputs:
    # The structure of JSON columns is for later files only.
    columns = tuple(LandedColumn(name=column.name, type=column.type) for column in now.columns)
    return IngestionOutputs(
        url=target.as_uri(),
        files=now.files,
        rows=now.rows,
        bytes=now.size_bytes,
        rejected=now.rejected,
        landed_columns=columns,
    )


def _root(inputs: IngestionInputs) -> Path:
    return Path(inputs.root).absolute()


def _reading(inputs: IngestionInputs) -> Reading:
    return Reading(**{field.name: getattr(inputs, field.name) for field in fields(Reading)})
