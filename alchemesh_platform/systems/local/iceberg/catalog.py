"""The catalog that knows the current version of each Iceberg table: a database, SQLite or PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from filelock import FileLock

from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.systems.local.iceberg.fixing import fix
from alchemesh_platform.systems.local.tables.delta import TableFailed

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table import Table

_METADATA = "metadata"
_FILES = "file://"
_opening = threading.Lock()


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an Iceberg table.

    Args:
        path: Folder of its files.
        catalog: Address of the catalog: ``sqlite:///…`` or ``postgresql://…``.
        catalog_name: Name of the catalog in the database, which separates environments.
        namespace: Namespace of the table.
        table: Name of the table.
    """

    path: Path
    catalog: str
    catalog_name: str
    namespace: str
    table: str

    @classmethod
    def of(cls, connection: Any, model: str) -> Place:
        """The place of a model's table, from the connection of its port."""
        return cls(connection.path(model), connection.catalog, connection.catalog_name, connection.namespace, model)

    @property
    def identifier(self) -> tuple[str, str]:
        """The table in its catalog."""
        return self.namespace, self.table

    @property
    def location(self) -> str:
        """The folder as metadata name it: a path that is not escaped."""
        return f"{_FILES}{self.path}"

    @property
    def _file(self) -> Path | None:
        """The file of a catalog in SQLite."""
        address = urlsplit(self.catalog)
        return Path(unquote(address.path)[1:]) if address.scheme == "sqlite" else None

    def table_or_none(self) -> Table | None:
        """The current version of the table; None if there is none. Creates nothing."""
        from pyiceberg.exceptions import NoSuchTableError
        from sqlalchemy.exc import ProgrammingError

        if self._file is not None and not self._file.is_file():
            return None
        try:
            return self._opened(create=False).load_table(self.identifier)
        except NoSuchTableError:
            return None
        except ProgrammingError:  # PostgreSQL has no tables of a catalog yet
            return None
        except FileNotFoundError:
            if any(self._versions()):
                raise
            return None  # the folder was removed, with all versions

    def open(self) -> Table:
        """The current version of the table.

        Raises:
            TableFailed: when there is none.
        """
        found = self.table_or_none()
        if found is None:
            raise TableFailed(f"there is no table in {self.path}", hint="`up` creates it again, empty")
        return found

    def writable(self) -> SqlCatalog:
        """The catalog with the namespace of the table. Creates both."""
        from pyiceberg.exceptions import NamespaceAlreadyExistsError

        with _opening, self._alone():
            catalog = self._opened(create=True)
            with suppress(NamespaceAlreadyExistsError):  # another process was faster
                catalog.create_namespace_if_not_exists(self.namespace)
            return catalog

    def forget(self) -> None:
        """Take the table out of the catalog. Its files stay."""
        from pyiceberg.exceptions import NoSuchTableError
        from sqlalchemy.exc import ProgrammingError

        if self._file is not None and not self._file.is_file():
            return
        try:
            self._opened(create=False).drop_table(self.identifier)
        except (NoSuchTableError, ProgrammingError):
            return

    def newest_version(self) -> str | None:
        """The location of the newest version in the folder; None if there is none.

        A catalog that was lost, or replaced by another one, takes the table from it.
        """
        found = max(self._versions(), default=None)
        return f"{_FILES}{found[-1]}" if found is not None else None

    def _versions(self) -> Iterator[tuple[str, float, str]]:
        for file in (self.path / _METADATA).glob("*.metadata.json"):
            yield file.name.split("-")[0], file.stat().st_mtime, str(file)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._file is None:
            yield
            return
        with storage_errors(f"create {self._file}"):
            self._file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._file}.lock"):
            yield

    def _opened(self, *, create: bool) -> SqlCatalog:
        from pyiceberg.catalog.sql import SqlCatalog

        fix()
        uri = self.catalog.replace("postgresql://", "postgresql+psycopg://", 1)
        return SqlCatalog(self.catalog_name, uri=uri, init_catalog_tables=str(create).lower())


def local_file(location: str) -> Path:
    """A file of this machine, from its location in metadata."""
    return Path(location.removeprefix(_FILES).removeprefix("file:"))


@cache
def errors_of_library() -> tuple[type[Exception], ...]:
    """All errors of the library, which have no common base, and of what it uses."""
    import pyarrow as pa
    from pyiceberg import exceptions
    from sqlalchemy.exc import SQLAlchemyError

    own = [each for each in vars(exceptions).values() if isinstance(each, type) and issubclass(each, Exception)]
    return (*own, SQLAlchemyError, pa.ArrowException, ValueError)


@contextmanager
def iceberg_errors(doing: str, place: Place) -> Iterator[None]:
    """Turn errors of the library and of the file system into failures that name the table."""
    with storage_errors(f"{doing} the table in {place.path}"):
        try:
            yield
        except errors_of_library() as error:
            raise TableFailed(
                f"cannot {doing} the table in {place.path}: {reason_of(error)}",
                hint=f"see whether its catalog answers and {place.path / _METADATA} is whole; a table that is damaged "
                "can be moved away, and the next `up` makes a new one",
            ) from error


def reason_of(error: Exception) -> str:
    """The first line of an error; its type if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
