"""Pulumi's state in a folder of this machine: where its files are, and what to do when one is damaged.

The engine writes a state file beside and renames it, after it has copied the one before to ``.bak``. A killed process
never leaves half a state file; a machine that loses power may. But beside each file the store keeps a ``.attrs`` file,
which it writes in place: killed in that moment, it leaves an empty one, and the whole state cannot be read ("failed to
load checkpoint: EOF"). Nothing needs those files, so our runs have the store write none.

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
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.base.writing import write_private

FILE_SCHEME = "file://"
GZIP_MAGIC = b"\x1f\x8b"
ZSTANDARD_MAGIC = b"\x28\xb5\x2f\xfd"


class StateDamaged(Failure):
    """Raised when a state file cannot be read and its backup cannot either."""


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Where one stack's state is, below the folder that a ``file://`` backend names."""

    root: Path
    project: str
    stack: str

    def __str__(self) -> str:
        return f"{self.project} {self.stack}"

    @property
    def file(self) -> Path:
        """The state; it need not exist yet. Its name has a suffix more where the user had it compressed."""
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
        """Folder of the states that earlier operations ended with."""
        return self.root / ".pulumi" / "backups" / self.project / self.stack


def folder_of(backend: str) -> Path | None:
    """The folder that a backend's address names; None for a backend elsewhere.

    Source: pulumi pkg/backend/diy/backend.go (massageBlobPath)
    """
    if not backend.startswith(FILE_SCHEME):
        return None
    return Path(backend.removeprefix(FILE_SCHEME).partition("?")[0]).expanduser().absolute()


def address_of(backend: str) -> str:
    """The address as the engine is given it: a folder's is absolute, and no ``.attrs`` files are kept there."""
    folder = folder_of(backend)
    if folder is None:
        return backend
    settings = [setting for setting in backend.partition("?")[2].split("&") if setting]
    if not any(setting.startswith("metadata=") for setting in settings):
        settings.append("metadata=skip")
    return f"{FILE_SCHEME}{folder}?{'&'.join(settings)}"


def read_state(file: Path) -> Mapping[str, Any] | None:
    """The deployment in a state file; None if it cannot be read (compressed with Zstandard, or in another format).

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
    document = json.loads(content)
    if not isinstance(document, dict) or not isinstance(document.get("checkpoint"), dict):
        raise ValueError("no state of Pulumi")
    latest = document["checkpoint"].get("latest")
    return latest if isinstance(latest, dict) else {}


def repair_state(folder: StateFolder) -> str | None:
    """Put the backup in the place of a state file that is damaged; call it with the stack's lock.

    Returns:
        The repair, in a sentence; None if the state is intact or missing.

    Raises:
        StateDamaged: when the backup is no better, with what else there is.
    """
    file = folder.file
    for left in file.parent.glob(f"{folder.stack}.json*.tmp"):
        left.unlink(missing_ok=True)  # of an engine that was killed while it wrote
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
                f"the state of {folder} is damaged, and its backup is no better: {file}: {damage}", hint=_older(folder)
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
