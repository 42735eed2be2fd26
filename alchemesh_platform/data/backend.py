"""Backends: how the rows of one kind of connection are read and written. Systems register them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.data.errors import DataError
from alchemesh_platform.registration.narrowing import names_of
from alchemesh_platform.registration.systems import Parts, installed_systems, part_of

if TYPE_CHECKING:
    import pyarrow as pa

    from alchemesh_platform.data.conditions import Condition
    from alchemesh_platform.data.rows import Rows
    from alchemesh_platform.data.writing.checked import CheckedRows
    from alchemesh_platform.manifest.models import Property, SourceProperty

Mode = Literal["append", "overwrite", "merge", "replace_where"]
MODES: tuple[Mode, ...] = ("append", "overwrite", "merge", "replace_where")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The rows to read.

    Args:
        product: ``domain/product`` of the code.
        port: Name of the port.
        connection: The connection to read from.
        model: Name of the model; None for a landing area, whose rows have no model.
        properties: The model as the manifest states it; None if it is not known here.
        declared: For an input port: the properties of the schema that the manifest declares.
        columns: Columns to read; None for all.
        where: Conditions that all rows fulfil.
    """

    product: str
    port: str
    connection: Any
    model: str | None = None
    properties: Mapping[str, Property] | None = None
    declared: Mapping[str, SourceProperty] | None = None
    columns: tuple[str, ...] | None = None
    where: tuple[Condition, ...] = ()

    @property
    def schema(self) -> pa.Schema | None:
        """The Arrow schema of the columns to read; None if the model is not known here."""
        from alchemesh_platform.data.types import arrow_schema

        if self.properties is None:
            return None
        return arrow_schema({name: self.properties[name] for name in self.columns or self.properties})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The table, folder or topic to write to.

    Args:
        product: ``domain/product`` of the code.
        port: Name of the output port.
        connection: Its storage.
        model: Name of the model.
        properties: The model as the manifest states it.
        mode: How the write treats the existing rows.
        where: For ``replace_where``: the conditions of the rows that are replaced.
        write_id: Identity of this write. A backend that finds it committed writes nothing. None: no identity.
        run: The run that writes; None if it is not known.
        fingerprint: Digest of everything that the written rows depend on, and of the model; None: not known.
    """

    product: str
    port: str
    connection: Any
    model: str
    properties: Mapping[str, Property]
    mode: Mode = "append"
    where: tuple[Condition, ...] = ()
    write_id: str | None = None
    run: str | None = None
    fingerprint: str | None = None

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the model."""
        from alchemesh_platform.data.types import arrow_schema

        return arrow_schema(self.properties)

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the key."""
        return tuple(name for name, each in self.properties.items() if each.key)

    @property
    def unique(self) -> tuple[tuple[str, ...], ...]:
        """The columns whose values are unique together: the key, and each unique property."""
        single = tuple((name,) for name, each in self.properties.items() if each.unique)
        return tuple(dict.fromkeys(((self.key,) if self.key else ()) + single))


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The result of a write.

    Args:
        port: Name of the output port.
        model: Name of the model.
        mode: How the write treated the existing rows.
        rows: Number of written rows; 0 if the write is repeated.
        version: Version of the table after the write, where it has versions.
        repeated: Whether the same run wrote this before, so that nothing was written now.
    """

    port: str
    model: str
    mode: Mode
    rows: int
    version: int | None = None
    repeated: bool = False


class Backend:
    """Reads and writes rows of one kind of connection. A system registers an instance in ``System.data``.

    Attributes:
        name: The technology, for messages: ``a Delta table``.
        modes: The modes that it can write; empty if it only reads.
    """

    name: str = ""
    modes: tuple[Mode, ...] = ()

    def read(self, source: Source) -> Rows:
        """The rows. They are read when they are used, and all uses see the same version.

        Raises:
            NotReadable: when there are none to read.
        """
        raise NotImplementedError

    def version(self, connection: Any, model: str | None) -> str | None:
        """The version of the rows now, without reading them; None if it is not known.

        Args:
            connection: The connection to read from.
            model: Name of the model; None for a landing area.
        """
        return None

    def fingerprint(self, target: Target) -> str | None:
        """The fingerprint of the last write; None if it had none, or if the rows have changed since."""
        return None

    def write(self, target: Target, rows: CheckedRows) -> Written:
        """Write checked rows, all or nothing.

        A reader sees the rows before or after the write. A killed write leaves no visible row.

        Raises:
            RowsRefused: when a row does not fit. It is ``rows.failure``.
            SchemaMoved: when the table does not have the schema of the model.
            WriteConflict: when another writer changed the table meanwhile.
        """
        raise NotImplementedError


def backend_of(connection: Any, error: type[DataError], doing: str) -> Backend:
    """The backend of a connection.

    Raises:
        DataError: the given one, when no system registers one.
        BrokenSystem: when its package cannot be used.
    """
    parts = Parts(installed_systems().offers("data backend", lambda system: system.data), part_of(Backend))
    for name in names_of(connection):
        if name in parts:
            return parts[name]
    raise error(
        f"{doing}: no installed system reads and writes rows of a connection of kind {connection.kind!r}",
        hint="use the connection itself with the client of its technology",
    )
