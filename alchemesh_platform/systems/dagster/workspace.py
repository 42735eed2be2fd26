"""The workspace file of a Dagster: the code servers that it reads, one entry for each product.

Source: https://docs.dagster.io/guides/build/projects/workspaces/workspace-yaml
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.files.writing import write_text
from alchemesh_platform.machine.files import storage_errors, write_if_changed

Entry = Mapping[str, Any]


class UnreadableWorkspace(Failure):
    """Raised when a workspace file is damaged. It stays as it is."""


@dataclass(frozen=True, slots=True)
class CodeServer:
    """The address of the code server of a location."""

    name: str
    host: str
    port: int

    def entry(self) -> Entry:
        """The entry of the workspace file."""
        return {"grpc_server": {"host": self.host, "port": self.port, "location_name": self.name}}


def servers(file: Path) -> dict[str, CodeServer]:
    """The code servers of a workspace file, by the name of their location."""
    found = {}
    for entry in _entries(file):
        server = entry.get("grpc_server") if isinstance(entry, Mapping) else None
        if isinstance(server, Mapping) and "location_name" in server and "port" in server:
            name = str(server["location_name"])
            found[name] = CodeServer(name, str(server.get("host", "localhost")), int(server["port"]))
    return found


def add(file: Path, server: CodeServer) -> bool:
    """Add the code server of a location, or change its address. Other entries stay as they are.

    Returns:
        Whether the file changed.
    """
    return _edit(file, lambda entries: [*(each for each in entries if not _is_of(each, server.name)), server.entry()])


def remove(file: Path, name: str) -> bool:
    """Remove the code server of a location.

    Returns:
        Whether the file changed.
    """
    return _edit(file, lambda entries: [each for each in entries if not _is_of(each, name)])


def ensure(file: Path) -> None:
    """Create an empty workspace file, if there is none."""
    if not file.is_file():
        _edit(file, list)


def _edit(file: Path, change: Callable[[list[Entry]], list[Entry]]) -> bool:
    import yaml
    from filelock import FileLock

    with storage_errors(f"write {file}"):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(file.with_name(f".{file.name}.lock")):
        document = _document(file)
        entries = change(list(document.get("load_from") or []))
        text = yaml.safe_dump({**document, "load_from": entries}, sort_keys=False)
        return _write(file, text)


def _write(file: Path, text: str) -> bool:
    """Write the file if it differs, with its own rights: the Dagster of a platform team may run as another user."""
    if not file.is_file():
        return write_if_changed(file, text)
    with storage_errors(f"write {file}"):
        if file.read_text(encoding="utf-8") == text:
            return False
        write_text(file, text, mode=stat.S_IMODE(file.stat().st_mode))
    return True


def _is_of(entry: Entry, name: str) -> bool:
    server = entry.get("grpc_server") if isinstance(entry, Mapping) else None
    return isinstance(server, Mapping) and server.get("location_name") == name


def _entries(file: Path) -> list[Entry]:
    return list(_document(file).get("load_from") or [])


def _document(file: Path) -> dict[str, Any]:
    import yaml

    with storage_errors(f"read {file}"):
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where is not None else ""
        raise UnreadableWorkspace(
            f"{file}{line} is no YAML", hint="correct the file; Dagster cannot read it"
        ) from error
    return found if isinstance(found, dict) else {}
