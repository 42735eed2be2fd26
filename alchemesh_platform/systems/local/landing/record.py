"""The record of a landing area: the landed file of each source file, and the state of the source file at that time."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alchemesh_platform.machine.files import count, write_if_changed
from alchemesh_platform.machine.landing.source_columns import LandedColumn
from alchemesh_platform.systems.local.landing.source_files import SourceFile

LANDING_FILE = ".alchemesh-landing.json"

# Suffixes removed from the name of the source file: flights.csv.zip becomes flights.parquet.
_ENDINGS = (".gz", ".zip", ".zst", ".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet")


class LandedFile(BaseModel):
    """A source file, with its state when it was landed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_bytes: int
    mtime_ns: int
    target: str | None = Field(description="Name of the landed file; None when the source held no row.")
    rows: int
    landed_bytes: int
    reading: str | None = Field(default=None, description="How the file was read; None: as the area's `reading` says.")
    width: int | None = Field(default=None, description="Columns of the landed file; None: of an older version.")
    rejected: int = Field(default=0, description="Rows that did not fit the schema and are in the reject file.")
    rejects: str | None = Field(default=None, description="Name of the reject file in the folder of rejects.")


class Landing(BaseModel):
    """A landing area's record of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reading: str = Field(default="", description="How files were read; another way reads them all again.")
    columns: tuple[LandedColumn, ...] | None = Field(
        default=None, description="The schema of every landed file; None: a file has the types found in it."
    )
    source: str | None = Field(default=None, description="Path or glob of the source files.")
    root: str | None = Field(default=None, description="Folder that a relative source starts from.")
    landed_at: datetime | None = Field(default=None, description="When something was landed last.")
    files: dict[str, LandedFile] = Field(default_factory=dict, description="Source file: how it was landed.")


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes that an ingestion would make to a landing area.

    ``unsourced`` are landed files that stay although their source file was removed.
    """

    landing: tuple[SourceFile, ...] = ()
    gone: tuple[str, ...] = ()
    new: int = 0
    changed: int = 0
    lost: int = 0
    reread: bool = False
    unsourced: tuple[str, ...] = ()

    def reason(self) -> str | None:
        """The reason for an ingestion, in a sentence; None if there are no changes."""
        if self.reread:
            return f"{count(len(self.landing) + len(self.unsourced), 'file')} to be read in another way"
        found = (
            (self.new, "new"),
            (self.changed, "changed"),
            (self.lost, "with its landed file missing"),
            (len(self.gone), "gone"),
        )
        counts = ", ".join(f"{number:,} {what}" for number, what in found if number)
        return f"source files: {counts}" if counts else None


def read_landing(target: Path) -> Landing:
    """The record of a landing area.

    If it is missing or damaged, it is empty, and the next ingestion lands all files again.
    """
    try:
        return Landing.model_validate_json((target / LANDING_FILE).read_bytes())
    except (OSError, ValidationError):
        return Landing()


def write_landing(target: Path, landing: Landing) -> None:
    """Write the record. Raises StorageFailed."""
    document = landing.model_dump(mode="json")
    write_if_changed(target / LANDING_FILE, json.dumps(document, indent=1) + "\n")


def changes(landing: Landing, sources: Iterable[SourceFile], target: Path, *, reading: str, mirror: bool) -> Changes:
    """Compare source files with the landed files.

    Args:
        landing: The landing area's record.
        sources: The existing source files.
        target: The landing area.
        reading: The options for reading files.
        mirror: Whether to remove landed files whose source file was removed.
    """
    to_land: list[SourceFile] = []
    new = changed = lost = 0
    reread = False
    names = set()
    for source in sources:
        names.add(source.name)
        known = landing.files.get(source.name)
        if known is None:
            new += 1
        elif (known.size_bytes, known.mtime_ns) != (source.size_bytes, source.mtime_ns):
            changed += 1
        elif known.target is not None and not (target / known.target).is_file():
            lost += 1
        elif (known.reading or landing.reading) != reading:
            reread = True
        else:
            continue
        to_land.append(source)
    without = tuple(sorted(set(landing.files) - names))
    unsourced = () if mirror else without
    reread = reread or any((landing.files[name].reading or landing.reading) != reading for name in unsourced)
    return Changes(tuple(to_land), without if mirror else (), new, changed, lost, reread, unsourced)


def target_name(source: str, known: LandedFile | None, taken: Container[str]) -> str:
    """The name of the landed file of a source file: the recorded name, or a free one.

    Args:
        source: Name of the source file.
        known: Its record, if it was landed before.
        taken: Names of the other landed files.
    """
    if known is not None and known.target is not None:
        return known.target
    flat = source.replace("/", "__")
    stem = flat
    while stem.lower().endswith(_ENDINGS):
        stem = stem.rpartition(".")[0]
    name = f"{stem.lstrip('._') or 'file'}.parquet"
    return name if name not in taken else f"{flat}.parquet"
