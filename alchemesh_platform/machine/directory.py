"""A folder that belongs to one owner in one environment.

Two products, or two environments of a product, never write into each other's data.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy, with_hint
from alchemesh_platform.machine.files import storage_errors, write_if_changed
from alchemesh_platform.provider.inputs import Refusal

OWNER_FILE = ".alchemesh-owner.json"


class DirectoryRefused(Failure):
    """Raised when a folder belongs to another owner. The message names the owner."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The content of a folder, without the owner's mark."""

    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Holder:
    """The owner of a folder. ``environment`` is None in marks of versions that did not write it, and means any."""

    owner: str
    environment: str | None = None

    def __str__(self) -> str:
        return f"{self.owner} in environment {self.environment}" if self.environment else self.owner

    def is_in(self, environment: str | None) -> bool:
        """Whether the owner may be the one of an environment."""
        return None in (environment, self.environment) or self.environment == environment


def holder_of(path: Path) -> Holder | None:
    """The owner of a folder; None if the folder does not exist or has no mark."""
    try:
        marked = json.loads((path / OWNER_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(marked, dict) or "owner" not in marked:
        return None
    environment = marked.get("environment")
    return Holder(str(marked["owner"]), str(environment) if environment is not None else None)


def owner_of(path: Path) -> str | None:
    """The address that owns a folder; None if the folder does not exist or has no mark."""
    holder = holder_of(path)
    return holder.owner if holder is not None else None


def holds(path: Path, owner: str, environment: str | None) -> bool:
    """Whether the folder's mark names this owner, and no other environment."""
    holder = holder_of(path)
    return holder is not None and holder.owner == owner and holder.is_in(environment)


def needs_environment(path: Path) -> bool:
    """Whether the folder's mark was written by a version that did not write the environment."""
    holder = holder_of(path)
    return holder is not None and holder.environment is None


def refusal(
    path: Path, owner: str, *, environment: str | None = None, formerly: str | None = None
) -> DirectoryRefused | None:
    """The reason why the owner may not use the folder, or None. Changes nothing.

    Args:
        path: The folder.
        owner: Address of the new owner.
        environment: Environment of the new owner; any by default.
        formerly: Address that the same owner had before, if it was renamed.
    """
    if not path.exists() and not path.is_symlink():
        return None
    if not path.is_dir():
        return DirectoryRefused(f"{path} is a file, not a folder", hint="choose another path, or move the file away")
    holder = holder_of(path)
    if holder is not None and holder.owner in (owner, formerly):
        return None if holder.is_in(environment) else held_elsewhere(path, holder, environment)
    if holder is not None:
        return DirectoryRefused(
            f"{path} belongs to {holder}, not to {owner}", hint=f"choose another path, or remove {holder} first"
        )
    with storage_errors(f"read {path}"):
        found = next(path.iterdir(), None)
    if found is None:
        return None
    return DirectoryRefused(
        f"{path} holds files that alchemesh did not put there ({found.name})",
        hint=f"choose another path, or move the files away; if they are {owner}'s own, write "
        f'{{"owner": "{owner}"}} into {path / OWNER_FILE}',
    )


def held_elsewhere(path: Path, holder: Holder, environment: str | None) -> DirectoryRefused:
    """The refusal of a folder that the same address holds in another environment."""
    return DirectoryRefused(
        f"{path} belongs to {holder}, not in {environment}",
        hint=remedy(
            "set other folders in settings.local of environment {} in the platform file; if {} was deployed with this "
            "folder, run {} first: it releases the folder and leaves its data as it is",
            environment,
            environment,
            command("destroy", about_product=True),
        ),
    )


def create(path: Path, owner: str, *, environment: str | None = None, formerly: str | None = None) -> bool:
    """Create a folder for an owner. An existing folder of the same owner is adopted.

    A mark of an earlier version, without an environment, gets this one.

    Returns:
        Whether the folder is new; False if it was adopted.

    Raises:
        DirectoryRefused: when it belongs to another address, or holds files of unknown origin.
        StorageFailed: when the file system refuses.
    """
    refused = refusal(path, owner, environment=environment, formerly=formerly)
    if refused is not None:
        raise refused
    return _mark(path, owner, environment, formerly)


def claim(path: Path, owner: str, *, environment: str | None = None, formerly: str | None = None) -> bool:
    """Mark a folder whose files the owner writes itself, such as the run folder of a server.

    Unlike :func:`create`, it also marks a folder that holds files and has no mark: an earlier version made it.

    Returns:
        Whether the folder is new, or had no mark.

    Raises:
        DirectoryRefused: when it belongs to another address or environment.
        StorageFailed: when the file system refuses.
    """
    refused = claim_refusal(path, owner, environment=environment, formerly=formerly)
    if refused is not None:
        raise refused
    return _mark(path, owner, environment, formerly)


def claim_refusal(
    path: Path, owner: str, *, environment: str | None = None, formerly: str | None = None
) -> DirectoryRefused | None:
    """The reason why the owner may not claim the folder, or None. Changes nothing."""
    return refusal(path, owner, environment=environment, formerly=formerly) if holder_of(path) is not None else None


def _mark(path: Path, owner: str, environment: str | None, formerly: str | None) -> bool:
    """Create a folder with its mark, or bring the mark of an adopted one up to date; returns whether it is new."""
    holder = holder_of(path)
    if holder is not None:
        if holder.owner not in (owner, formerly) or not holder.is_in(environment):  # another call was faster
            raise DirectoryRefused(f"{path} belongs to {holder}, not to {owner}")
        write_if_changed(path / OWNER_FILE, mark_of(owner, environment or holder.environment))
        return False
    with storage_errors(f"create {path}"):
        path.mkdir(parents=True, exist_ok=True)
        # A link fails if the mark exists, so only one of two calls gets the folder. The draft is next to the folder,
        # since other runs would take it for a file of unknown origin inside the folder.
        draft = path.parent / f".{path.name}.{uuid.uuid4().hex}"
        try:
            draft.write_text(mark_of(owner, environment), encoding="utf-8")
            os.link(draft, path / OWNER_FILE)
        except FileExistsError:
            if not holds(path, owner, environment):
                raise DirectoryRefused(f"{path} belongs to {holder_of(path)}, not to {owner}") from None
            return False
        finally:
            draft.unlink(missing_ok=True)
    return True


def mark_of(owner: str, environment: str | None) -> str:
    """The text of an owner's mark."""
    return json.dumps({"owner": owner} | ({"environment": environment} if environment else {})) + "\n"


def inspect(path: Path) -> Contents | None:
    """Count the files of a folder; None if it does not exist."""
    if not path.is_dir():
        return None
    files, size = 0, 0
    for entry in _files(path):
        if entry.name != OWNER_FILE:
            files, size = files + 1, size + entry.stat(follow_symlinks=False).st_size
    return Contents(files, size)


def expired(path: Path, retention_seconds: float, *, now: float | None = None) -> list[Path]:
    """Files last written longer ago than the retention, without hidden ones."""
    oldest = (time.time() if now is None else now) - retention_seconds
    if not path.is_dir():
        return []
    return sorted(
        Path(entry.path)
        for entry in _files(path)
        if not entry.name.startswith(".") and entry.stat(follow_symlinks=False).st_mtime < oldest
    )


def remove_expired(path: Path, retention_seconds: float) -> int:
    """Remove files last written longer ago than the retention.

    Returns:
        The number of removed files.
    """
    with storage_errors(f"remove expired files of {path}"):
        gone = expired(path, retention_seconds)
        for file in gone:
            file.unlink(missing_ok=True)
    return len(gone)


def remove(path: Path, owner: str, *, keep_data: bool, environment: str | None = None) -> Contents | None:
    """Remove a folder.

    With ``keep_data`` its files and its mark stay, so that the owner can adopt them again. An empty folder is removed.

    Returns:
        The kept files; None if there are none.

    Raises:
        DirectoryRefused: when the folder, or one inside it, has another owner. Then nothing is removed.
        StorageFailed: when the file system refuses.
    """
    holder = holder_of(path)
    if holder is None:
        return None  # removed already, or never owned: leave it unchanged
    if holder.owner != owner or not holder.is_in(environment):
        raise DirectoryRefused(f"{path} belongs to {holder}, not to {owner}: it is not removed")
    with storage_errors(f"remove {path}"):
        contents = inspect(path)
        if keep_data and contents is not None and contents.files:
            return contents
        for mark in path.rglob(OWNER_FILE):
            other = holder_of(mark.parent)
            if mark.parent == path or other is None:
                continue
            if not f"{other.owner}/".startswith(f"{owner}/") or not other.is_in(environment):
                raise DirectoryRefused(f"{path} is not removed: {mark.parent} inside it belongs to {other}")
        shutil.rmtree(path)
    return None


def _files(path: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path))
            else:
                yield entry


def known_url(path: Any) -> dict[str, str]:
    """The URL of a folder, once its path is known."""
    return {"url": Path(path).as_uri()} if isinstance(path, str) else {}


def refused_path(
    path: str, owner: str, formerly: str | None, name: str = "path", *, environment: str | None = None
) -> Iterator[Refusal]:
    """The reason why an owner may not use a folder."""
    refused = refusal(Path(path), owner, environment=environment, formerly=formerly)
    yield from _refused(refused, name)


def refused_claim(
    path: Path, owner: str, formerly: str | None, name: str, *, environment: str | None = None
) -> Iterator[Refusal]:
    """The reason why an owner may not claim a folder."""
    yield from _refused(claim_refusal(path, owner, environment=environment, formerly=formerly), name)


def _refused(refused: DirectoryRefused | None, name: str) -> Iterator[Refusal]:
    if refused is not None:
        yield Refusal(name, with_hint(refused.message, refused.hint))
