"""The folder of a model's Parquet files on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from alchemesh_platform.data.backend import Source
from alchemesh_platform.data.folder import MANIFEST, Changed, FolderData, Gone, ObjectStore
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.systems.local.data.landed import landed_rows, parquet_files
from alchemesh_platform.systems.local.data.turns import turn_at
from alchemesh_platform.systems.local.landing.record import read_landing


class LocalStore(ObjectStore):
    """A folder. Writers of this machine take turns; a killed one leaves no lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read_manifest(self) -> tuple[bytes | None, Any]:
        try:
            content = (self.folder / MANIFEST).read_bytes()
        except FileNotFoundError:
            return None, None
        return content, content

    def write_manifest(self, content: bytes, token: Any) -> None:
        if self.read_manifest()[1] != token:
            raise Changed
        self._replace(self.folder / MANIFEST, content)

    @contextmanager
    def create(self, name: str) -> Iterator[Any]:
        path = self.folder / name
        hidden = self.folder / f".{name}"
        try:
            with hidden.open("wb") as sink:
                yield sink
                sink.flush()
                os.fsync(sink.fileno())
            hidden.replace(path)
        finally:
            hidden.unlink(missing_ok=True)

    def open(self, name: str) -> Any:
        try:
            return (self.folder / name).open("rb")
        except FileNotFoundError as error:
            raise Gone from error

    def present(self) -> Iterable[str]:
        return [path.name for path in parquet_files(self.folder)]

    def unlisted(self, known: Iterable[str]) -> Iterable[str]:
        # It is this writer's turn, so nobody else is writing a file.
        return {path.name for path in self.folder.glob("*.parquet")} - set(known)

    def delete(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def turn(self) -> AbstractContextManager[Any]:
        return self._turn()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with storage_errors(f"write to {self.folder}"):
            self.folder.mkdir(parents=True, exist_ok=True)
            with turn_at(self.folder):
                yield

    def _replace(self, path: Path, content: bytes) -> None:
        draft = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            with draft.open("wb") as sink:
                sink.write(content)
                sink.flush()
                os.fsync(sink.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


class LocalFolders(FolderData):
    """Folders of models, and landing areas, which have no models, on this machine."""

    def store(self, connection: Any, model: str) -> ObjectStore:
        return LocalStore(connection.path / model)

    def version(self, connection: Any, model: str | None) -> str | None:
        landing = read_landing(connection.path)
        return None if landing.landed_at is None else landing.landed_at.isoformat()

    def read(self, source: Source) -> Rows:
        return landed_rows(source) if source.model is None else super().read(source)


DATA = LocalFolders()
