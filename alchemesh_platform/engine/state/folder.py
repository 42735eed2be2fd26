"""Pulumi's state in a folder of this machine: its files, and the repair of a damaged one.

The engine copies the previous state file to ``.bak``, writes a new file and renames it. So a killed process never
leaves half a state file, but a machine that loses power may. The store also keeps a ``.attrs`` file next to each file
and writes it in place. If the process is killed at that moment, the file is empty and the whole state is unreadable
("failed to load checkpoint: EOF"). Nothing needs those files, so our runs configure the store to write none.

Source: pulumi pkg/backend/diy/state.go (saveCheckpoint), store.go, lock.go; gocloud.dev/blob/fileblob (setAttrs)
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.files.writing import write_private
from alchemesh_platform.base.remedy import command, remedy

FILE_SCHEME = "file://"
GZIP_MAGIC = b"\x1f\x8b"
ZSTANDARD_MAGIC = b"\x28\xb5\x2f\xfd"


class StateDamaged(Failure):
    """Raised when neither a state file nor its backup can be read."""


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The folder of one stack's state, below the folder of a ``file://`` backend."""

    root: Path
    project: str
    stack: str

    def __str__(self) -> str:
        return f"{self.project} {self.stack}"

    @property
    def file(self) -> Path:
        """The state file; it need not exist yet. Its name has one more suffix if the user compresses states."""
        plain = self.root / ".pulumi" / "stacks" / self.project / f"{self.stack}.json"
        variants = [
            path for path in (plain, plain.with_suffix(".json.gz"), plain.with_suffix(".json.zst")) if path.exists()
        ]
        return max(variants, key=lambda path: path.stat().st_mtime_ns, default=plain)

    @property
    def locks(self) -> Path:
        """Folder of the engine's own locks."""
        return self.root / ".pulumi" / "locks" / "organization" / self.project / self.stack

    @property
    def backups(self) -> Path:
        """Folder of the states at the end of earlier operations."""
        return self.root / ".pulumi" / "backups" / self.project / self.stack


def folder_of(backend: str) -> Path | None:
    """The folder of a backend's address; None if the backend is not a folder.

    Source: pulumi pkg/backend/diy/backend.go (massageBlobPath)
    """
    if not backend.startswith(FILE_SCHEME):
        return None
    return Path(backend.removeprefix(FILE_SCHEME).partition("?")[0]).expanduser().absolute()


def address_of(backend: str) -> str:
    """The address to pass to the engine: a folder's is absolute and turns off ``.attrs`` files."""
    folder = folder_of(backend)
    if folder is None:
        return backend
    settings = [setting for setting in backend.partition("?")[2].split("&") if setting]
    if not any(setting.startswith("metadata=") for setting in settings):
        settings.append("metadata=skip")
    return f"{FILE_SCHEME}{folder}?{'&'.join(settings)}"


def read_state(file: Path) -> Mapping[str, Any] | None:
    """Read the deployment in a state file; None for a format that this cannot read, such as Zstandard compression.

    Raises:
        ValueError: when the file is damaged.
        OSError: when it cannot be read.
    """
    content = file.read_bytes()
    if content.startswith(ZSTANDARD_MAGIC):
        return None
    if content.startswith(GZIP_MAGIC):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError) as error:
            raise ValueError(f"damaged: {error}") from error
    try:
        document = json.loads(content)
    except RecursionError as error:
        raise ValueError("damaged: it is nested too deep") from error
    if not isinstance(document, dict) or not isinstance(document.get("checkpoint"), dict):
        raise ValueError("no state of Pulumi")
    latest = document["checkpoint"].get("latest")
    if not isinstance(latest, dict):
        return {}
    resources, operations = latest.get("resources") or [], latest.get("pending_operations") or []
    if not _are_steps(resources) or not _are_steps(_inner(operations)):
        raise ValueError("damaged: a resource has no URN or type")
    return latest


def _are_steps(resources: Any) -> bool:
    """Whether each resource of a state has the values by which the platform recognises it."""
    return isinstance(resources, list) and all(
        isinstance(each, dict)
        and all(isinstance(each.get(name), str) for name in ("urn", "type"))
        and isinstance(each.get("id", ""), str)
        for each in resources
    )


def _inner(operations: Any) -> Any:
    """The resources of pending operations; None if the list or one of them has another form."""
    if not isinstance(operations, list):
        return None
    if not all(isinstance(each, dict) and isinstance(each.get("type"), str) for each in operations):
        return None
    return [each.get("resource") for each in operations]


def repair_state(folder: StateFolder) -> str | None:
    """Replace a damaged state file with its backup. The caller holds the stack's lock.

    Returns:
        A sentence about the repair; None if the state is intact or missing.

    Raises:
        StateDamaged: when the backup is damaged too, with the other files that exist.
    """
    file = folder.file
    for left in file.parent.glob(f"{folder.stack}.json*.tmp"):
        left.unlink(missing_ok=True)  # left by an engine that was killed while it wrote
    for attributes in (_attributes(file), _attributes(_backup(file))):
        if not _is_json(attributes):
            attributes.unlink(missing_ok=True)
    if not file.exists():
        return None
    try:
        read_state(file)
    except ValueError as damage:
        backup = _backup(file)
        try:
            read_state(backup)
        except (OSError, ValueError) as error:
            raise StateDamaged(
                f"the state of {folder} is damaged, and so is its backup: {file}: {damage}", hint=_older(folder)
            ) from error
        aside = file.with_name(f"{file.name}.damaged")
        taken = datetime.fromtimestamp(backup.stat().st_mtime, UTC)
        file.replace(aside)
        if file.suffix == ".json":
            write_private(file, backup.read_text("utf-8"))
        else:
            backup.replace(file)
        return (
            f"the state of {folder} was damaged; its backup of {taken:%Y-%m-%d %H:%M:%S} UTC, "
            f"one step older, was put in its place. The damaged file is kept as {aside}"
        )
    return None


def _backup(file: Path) -> Path:
    return file.with_name(f"{file.name}.bak")


def _attributes(file: Path) -> Path:
    return file.with_name(f"{file.name}.attrs")


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except FileNotFoundError:
        return True
    except ValueError:
        return False
    return True


def _older(folder: StateFolder) -> str:
    older = max(folder.backups.glob("*.json*"), default=None, key=lambda path: path.name)
    if older is None:
        return "restore the file from a backup of your machine"
    return remedy(
        "the state after an earlier operation is in {}; copy it to {} and run {}",
        older,
        folder.file,
        command("refresh"),
    )
