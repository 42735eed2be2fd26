"""Delivers the files of a DAG into its own folder below the folder of DAGs: of this machine, or of a bucket.

Cloud Composer reads DAGs from a bucket of Cloud Storage, and MWAA from one of S3.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.files.writing import write_text
from alchemesh_platform.machine.files import storage_errors

if TYPE_CHECKING:
    from alchemesh_platform.engine.state.object_store import ObjectStore

DAG_FILE = "dag.py"
OWNER_FILE = "owner.json"

_MODE = 0o644  # Airflow may run as another user; the files hold secrets by reference only

_BUCKET_WANTED = "check `dags` in the settings group `airflow`, and the rights of this process to the bucket"

Files = Mapping[str, str]  # text by name


class DeliveryFailed(Failure):
    """Raised when a bucket of DAGs cannot be read or written."""


class Delivery(Protocol):
    """The folder of one DAG."""

    def read(self) -> dict[str, str]:
        """Its files; none if it does not exist."""

    def write(self, files: Files) -> None:
        """Write its files, each in one step; the DAG last, since Airflow reads it as soon as it is there."""

    def remove(self) -> None:
        """Remove its files, the DAG first. Does nothing if there are none."""


def delivery(dags: str, dag_id: str) -> Delivery:
    """The folder of a DAG.

    Args:
        dags: The folder of DAGs: a path, ``gs://BUCKET/FOLDER`` or ``s3://BUCKET/FOLDER``.
    """
    if dags.startswith(("gs://", "s3://")):
        return Bucket(f"{dags.rstrip('/')}/{dag_id}")
    return Folder(Path(dags, dag_id))


def _ordered(files: Files) -> list[str]:
    return sorted(files, key=lambda name: (name == DAG_FILE, name))


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of this machine, or of a file system that it shares with Airflow."""

    path: Path

    def read(self) -> dict[str, str]:
        with storage_errors(f"read {self.path}"):
            if not self.path.is_dir():
                return {}
            files = [each for each in self.path.iterdir() if each.is_file()]
            return {each.name: each.read_text(encoding="utf-8", errors="replace") for each in files}

    def write(self, files: Files) -> None:
        with storage_errors(f"write in {self.path}"):
            self.path.mkdir(mode=0o755, parents=True, exist_ok=True)
            for name in _ordered(files):
                if self.read().get(name) != files[name]:
                    write_text(self.path / name, files[name], mode=_MODE)

    def remove(self) -> None:
        with storage_errors(f"remove {self.path}"):
            (self.path / DAG_FILE).unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                shutil.rmtree(self.path)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A folder of a bucket of Cloud Storage or S3.

    Args:
        url: ``gs://BUCKET/FOLDER`` or ``s3://BUCKET/FOLDER``.
    """

    url: str

    def read(self) -> dict[str, str]:
        with self._store() as store:
            found = {name: store.read(name) for name in store.names("")}
            return {name: each.content.decode(errors="replace") for name, each in found.items() if each is not None}

    def write(self, files: Files) -> None:
        before = self.read()
        with self._store() as store:
            for name in _ordered(files):
                if before.get(name) != files[name]:
                    store.write(name, files[name].encode())

    def remove(self) -> None:
        names = _ordered(self.read())
        with self._store() as store:
            for name in reversed(names):
                store.delete(name)

    @contextmanager
    def _store(self) -> Iterator[ObjectStore]:
        """The folder as the store of a state opens it, with an error of its own."""
        from alchemesh_platform.engine.state.object_store import StoreUnusable, open_store, using

        try:
            with using(self.url):
                yield open_store(self.url)
        except StoreUnusable as error:
            reason = str(error.__cause__ or error.message).strip().partition("\n")[0]
            raise DeliveryFailed(
                f"the folder of DAGs {self.url} cannot be used: {reason}",
                hint=error.hint if isinstance(error.__cause__, ModuleNotFoundError) else _BUCKET_WANTED,
            ) from error
