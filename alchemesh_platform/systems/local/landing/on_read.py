"""Landing at the time of reading: files that no component landed are checked and typed when the code reads them.

It is the same landing, so a file that one platform lands and another copies gives the same rows and the same messages.
"""

from __future__ import annotations

import atexit
import csv
import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import count as count_from
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.machine.files import count
from alchemesh_platform.machine.landing.source_columns import SourceColumn
from alchemesh_platform.manifest.models import SourceProperty
from alchemesh_platform.sdk.connections.files import FilesConnection
from alchemesh_platform.systems.local.landing.ingestion import ingest
from alchemesh_platform.systems.local.landing.misfits import REJECTS_FOLDER
from alchemesh_platform.systems.local.landing.reading import Reading
from alchemesh_platform.systems.local.landing.record import read_landing

if TYPE_CHECKING:
    from alchemesh_platform.data.backend import Source
    from alchemesh_platform.data.rows import Rows

SHOWN_MAX = 5
_numbers = count_from(1)
_log = logging.getLogger("alchemesh")


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file to read: a copy on this machine, and the address that messages name it by."""

    path: Path
    url: str


@cache
def own_folder() -> Path:
    """A folder of this process, which goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="alchemesh-read-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def landed_for_reading(
    files: Sequence[ReadFile],
    folder: Path,
    format_: str,
    options: Mapping[str, Any],
    declared: Mapping[str, SourceProperty] | None,
) -> Path:
    """Land files whose names end alike and that lie in one folder; returns the landing area.

    Args:
        files: The files.
        folder: A new folder for the landing area.
        format_: Format of the files.
        options: Options of reading, as the port sets them.
        declared: Properties of the schema that the port declares; None if it declares none.

    Raises:
        Failure: when a file does not fit. The message names the address, the line and the reason.
    """
    folder.mkdir(parents=True)
    urls = {str(file.path): file.url for file in files}
    try:
        done = ingest("*", files[0].path.parent, folder, reading_of(format_, options, declared))
    except Failure as error:
        raise type(error)(_with_urls(error.message, urls), hint=error.hint) from error
    if done.rejected:
        _report_rejects(folder, {file.path.name: file.url for file in files}, done.rejected)
    return folder


def landed_objects(source: Source, where: str, fetch: Callable[[Path], Sequence[ReadFile]]) -> Rows:
    """The rows of all objects of an input port in a cloud, at this moment.

    Args:
        source: The port.
        where: The place of the objects, for messages.
        fetch: Copies the objects into a folder.

    Raises:
        NotReadable: when there is no object, or one does not fit the schema that the port declares. The message names
            the object, the line and the reason, as an ingestion of files on this machine does.
    """
    from alchemesh_platform.data.errors import NotReadable
    from alchemesh_platform.systems.local.data.landed import landed_rows

    place = f"input port {source.port!r}"
    options = {name: value for name, value in (source.connection.reading or {}).items() if name != "folder"}
    folder = own_folder() / f"{next(_numbers)}"
    sources = folder / "objects"
    sources.mkdir(parents=True)
    files = fetch(sources)
    landing = folder / "landed"
    local = replace(source, connection=FilesConnection(url=landing.as_uri(), format="parquet"))
    if not files:
        if source.declared is None:
            raise NotReadable(
                f"{place}: no object has arrived yet in {where}", hint="run the code again when its first file is there"
            )
        landing.mkdir()
        return landed_rows(local)
    try:
        landed_for_reading(files, landing, source.connection.format or "parquet", options, source.declared)
    except Failure as error:
        raise NotReadable(f"{place}: {error.message}", hint=error.hint) from error
    return landed_rows(local)


def reading_of(format_: str, options: Mapping[str, Any], declared: Mapping[str, SourceProperty] | None) -> Reading:
    """How files are read, from the options and the schema of a port."""
    known = {field.name for field in fields(Reading)}
    given = {name: value for name, value in options.items() if name in known}
    if "null_values" in given:
        given["null_values"] = tuple(given["null_values"])
    columns = None
    if declared is not None:
        columns = tuple(
            SourceColumn(name=name, **each.model_dump(exclude_defaults=True)) for name, each in declared.items()
        )
    return Reading(format=format_, columns=columns, **given)  # type: ignore[arg-type] # a format of the component


def _with_urls(message: str, urls: Mapping[str, str]) -> str:
    for path, url in urls.items():
        message = message.replace(path, url)
    return message


def _report_rejects(folder: Path, urls: Mapping[str, str], rejected: int) -> None:
    """Log rejected rows: they stay in the files that they came from."""
    lines: list[str] = []
    for file in read_landing(folder).files.values():
        if file.rejects is not None and len(lines) < SHOWN_MAX:
            with (folder / REJECTS_FOLDER / file.rejects).open(encoding="utf-8", newline="") as rows:
                for row in list(csv.DictReader(rows))[: SHOWN_MAX - len(lines)]:
                    place = f"{urls.get(row['file'], row['file'])}:{row['line']}"
                    lines.append(f"  {place}: column {row['column']}: {row['value']!r}: {row['reason']}")
    _log.warning("%s rejected, which did not fit the schema\n%s", count(rejected, "row"), "\n".join(lines))
