"""Counts of a version of a table, kept for the next measurement: a table that only grew is counted where it grew.

The counts are files in the user's cache. A file that is missing or damaged costs a full scan, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from alchemesh_platform.base.files.writing import write_private


@dataclass(frozen=True, slots=True)
class KeptCounts:
    """The sums of one version of a table.

    Args:
        table: Identity of the table. A table that was created again has another one.
        version: The counted version.
        sums: Expression: its number.
    """

    table: str
    version: int
    sums: Mapping[str, int | None]


def read_kept(folder: Path, place: str, table: str) -> KeptCounts | None:
    """The last counts of a table; None if there are none.

    Args:
        folder: The folder of all counts.
        place: Address of the table, and what is counted of it.
        table: Identity of the table.
    """
    try:
        found = json.loads(_file(folder, place).read_text("utf-8"))
        kept = KeptCounts(str(found["table"]), int(found["version"]), dict(found["sums"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    whole = all(number is None or isinstance(number, int) for number in kept.sums.values())
    return kept if whole and kept.table == table else None


def keep(folder: Path, place: str, counts: KeptCounts) -> None:
    """Keep the counts of a table. Without room for the file, nothing is kept."""
    document = {"table": counts.table, "version": counts.version, "sums": dict(counts.sums)}
    with suppress(OSError):
        write_private(_file(folder, place), json.dumps(document))


def _file(folder: Path, place: str) -> Path:
    return folder / f"{sha256(place.encode()).hexdigest()[:32]}.json"
