"""The connections of a product, by port and need, as its code reads them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PrivateAttr,
    SerializeAsAny,
    ValidationError,
    field_serializer,
)
from pydantic_core import CoreSchema, core_schema

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.data.running import INTERVAL_FROM_VARIABLE, INTERVAL_TO_VARIABLE
from alchemesh_platform.manifest.models import Property, SemanticModel, SourceProperty
from alchemesh_platform.sdk.connections.base import AccessConnection, Connection, ConnectionDocument, WrongConnection
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.connections.files import FilesConnection
from alchemesh_platform.sdk.connections.kinds import connection_kinds, connection_of
from alchemesh_platform.sdk.connections.tables import TablesConnection

if TYPE_CHECKING:
    from alchemesh_platform.connections import TopicConnection
    from alchemesh_platform.data.backend import Written
    from alchemesh_platform.data.conditions import Where
    from alchemesh_platform.data.port import PortData
    from alchemesh_platform.data.rows import Rows
    from alchemesh_platform.measures.sending import Reported
    from alchemesh_platform.measures.state import ReportedState

CONNECTIONS_VARIABLE = "ALCHEMESH_CONNECTIONS"

ConnectionT = TypeVar("ConnectionT", bound=Connection)


class _OfRole:
    """An annotation for a connection of any registered kind with this role."""

    def __init__(self, role: str) -> None:
        self._role = role

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._read, handler(source))

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        classes = [found for found in connection_kinds().loaded()[0].values() if found.role == self._role]
        return handler(core_schema.union_schema([_referred(found) for found in classes]))

    def _read(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            try:
                value = connection_of(value)
            except WrongConnection as error:
                raise ValueError(str(error)) from None
        if isinstance(value, Connection) and value.role != self._role:
            raise ValueError(f"found a connection of kind {value.kind!r}, expected the connection of a {self._role}")
        return value


def _referred(found: type[Connection]) -> CoreSchema:
    """The schema of a class under its name, so that the JSON schema defines it once and refers to it."""
    schema: Any = found.__pydantic_core_schema__
    if schema["type"] != "model":
        return cast("CoreSchema", schema)
    return cast("CoreSchema", {"ref": f"{found.__module__}.{found.__qualname__}:{id(found)}", **schema})


StorageConnection = Annotated[SerializeAsAny[Connection], _OfRole("storage")]
ProxyConnection = Annotated[SerializeAsAny[AccessConnection], _OfRole("proxy")]


class PortConnections(ConnectionDocument):
    """The connections of a port or need: its storage's, its proxy's, or both."""

    storage: StorageConnection | None = Field(default=None, description="Connection of the port's storage.")
    proxy: ProxyConnection | None = Field(default=None, description="Connection of the port's proxy.")

    def storage_as(self, type_: type[ConnectionT]) -> ConnectionT:
        """The storage's connection, as a class of connections: ``port.storage_as(FilesConnection)``.

        Raises:
            WrongConnection: when the storage is of another kind.
        """
        if isinstance(self.storage, type_):
            return self.storage
        raise self._no_storage(type_.__name__)

    def proxy_as(self, type_: type[ConnectionT]) -> ConnectionT:
        """The proxy's connection, as a class of connections.

        Raises:
            WrongConnection: when the proxy is of another kind.
        """
        if isinstance(self.proxy, type_):
            return self.proxy
        raise WrongConnection(f"no {type_.__name__} here, but {self.proxy.kind if self.proxy else 'no proxy'}")

    @property
    def files(self) -> FilesConnection:
        """The files. Raises WrongConnection if the port has no files."""
        if isinstance(self.storage, FilesConnection):
            return self.storage
        raise self._no_storage("files")

    @property
    def tables(self) -> TablesConnection:
        """The tables. Raises WrongConnection if the port has no tables."""
        if isinstance(self.storage, TablesConnection):
            return self.storage
        raise self._no_storage("tables")

    @property
    def topics(self) -> TopicConnection:
        """The topics. Raises WrongConnection if the port has no topics."""
        if self.storage is not None and self.storage.kind == "topic":
            return cast("TopicConnection", self.storage)
        raise self._no_storage("topics")

    @property
    def data_api(self) -> DataApiConnection:
        """The data API. Raises WrongConnection if the port has no data API."""
        if isinstance(self.proxy, DataApiConnection):
            return self.proxy
        raise WrongConnection("no data API here")

    def _no_storage(self, wanted: str) -> WrongConnection:
        return WrongConnection(f"no {wanted} here, but {self.storage.kind if self.storage else 'no storage'}")


class PortSchema(ConnectionDocument):
    """The types of a port's data, as the manifest states them."""

    models: dict[str, dict[str, Property]] = Field(default_factory=dict, description="Model: its properties.")
    declared: dict[str, SourceProperty] | None = Field(
        default=None, description="Input: properties of the schema that the port declares."
    )

    @field_serializer("models", "declared")
    def _without_defaults(self, value: Any) -> Any:
        """A short form: a cloud limits the size of a variable."""
        if value is None:
            return None
        return {name: _types(each) if isinstance(each, Mapping) else _type(each) for name, each in value.items()}


def schema_of_models(models: Mapping[str, Any], declared: Mapping[str, SourceProperty] | None = None) -> PortSchema:
    """The types of a port's data.

    Args:
        models: Model: its definition, as a SemanticModel or as a document of one.
        declared: Properties of the schema that an input port declares.
    """
    known = {name: SemanticModel.model_validate(each).properties for name, each in models.items()}
    short = PortSchema(models=known, declared=dict(declared) if declared is not None else None)
    return PortSchema.model_validate(short.model_dump(mode="json"))


def _types(properties: Mapping[str, Property]) -> dict[str, Any]:
    return {name: _type(each) for name, each in properties.items()}


def _type(declared: Property) -> dict[str, Any]:
    """A property without what only people read."""
    found = declared.model_dump(
        mode="json", exclude_defaults=True, exclude={"description", "classification", "properties", "items"}
    )
    if declared.properties:
        found["properties"] = _types(declared.properties)
    if declared.items is not None:
        found["items"] = _type(declared.items)
    return found


class Port(PortConnections):
    """A port of the running product: its connections, and its rows."""

    _place: tuple[str, str, str, PortSchema] = PrivateAttr()  # product, name, direction and types

    def read(self, model: str | None = None, *, columns: Iterable[str] | None = None, where: Where = None) -> Rows:
        """The rows of the port as Arrow, with the types of the manifest. Nothing is read before it is used::

            here.input("sales").read().duckdb()
            for batch in here.output("sales-table").read("sale", where={"shop": "north"}).batches(): ...

        Args:
            model: The model, if the port has several.
            columns: The columns to read; by default all.
            where: Conditions that all rows fulfil: ``{"shop": "north"}``, or ``[("sold_on", ">=", day)]``.

        Raises:
            NotReadable: when the rows cannot be read.
        """
        return self._data().read(model, columns, where)

    def _data(self) -> PortData:
        from alchemesh_platform.data.errors import DataError

        try:
            from alchemesh_platform.data.port import PortData
        except ModuleNotFoundError as error:
            from alchemesh_platform.base.packages.extras import PACKAGE, install_command

            raise DataError(
                f"rows need {error.name}, which is not installed here",
                hint=f"`{install_command(f'{PACKAGE}[local]')}`",
            ) from error
        product, name, direction, schema = self._place
        return PortData(product, name, direction, self.storage, self.proxy, schema.models, schema.declared)


class InputPort(Port):
    """An input port of the running product."""


class OutputPort(Port):
    """An output port of the running product."""

    def write(
        self,
        model: str,
        data: Any,
        mode: str = "append",
        *,
        where: Where = None,
        run: str | None = None,
        fingerprint: str | None = None,
    ) -> Written:
        """Write rows of a model, all or nothing. Each row is checked against the model first.

        A repeated run writes nothing twice: it has the same id, and its writes to a model are counted.

        Args:
            model: The model.
            data: An Arrow table, a record batch, a stream or an iterable of batches, a relation of DuckDB, a DataFrame
                of Polars or pandas, rows that were read, or dictionaries.
            mode: ``append`` adds the rows. ``overwrite`` replaces all rows. ``merge`` replaces the rows with the same
                key, and adds the others. ``replace_where`` replaces the rows that fulfil ``where``.
            where: For ``replace_where``: ``{"sold_on": day}``, or ``[("sold_on", ">=", day)]``.
            run: An id of what is written, if the code has a better one than the run: it is written once.
            fingerprint: For ``overwrite``: a digest of everything that the rows depend on. Nothing is written if the
                rows of the table have the same one, see :meth:`is_current`.

        Returns:
            The number of written rows.

        Raises:
            RowsRefused: when rows do not fit the model; names the first ones.
            SchemaMoved: when the table does not have the schema of the model.
            WriteConflict: when another writer changed the table meanwhile.
            NotWritable: when the rows cannot be written for another reason.
        """
        return self._data().write(model, data, mode, where, run, fingerprint)

    def is_current(self, model: str, fingerprint: str) -> bool:
        """Whether the rows of a model were written with this fingerprint, and nothing changed them since.

        Code asks before it computes rows. A storage that does not know it says no: then the rows are written again.
        """
        return self._data().is_current(model, fingerprint)


class Connections(ConnectionDocument):
    """Every connection of a product in one environment."""

    product: str = Field(description="Address of the product: domain/product.")
    environment: str = Field(description="Environment.")
    inputs: dict[str, PortConnections] = Field(default_factory=dict, description="Input port: what it gives.")
    outputs: dict[str, PortConnections] = Field(default_factory=dict, description="Output port: what it gives.")
    infrastructure: dict[str, PortConnections] = Field(default_factory=dict, description="Need: what it gives.")
    schemas: dict[str, PortSchema] = Field(
        default_factory=dict, description="Port: the types of its data; empty in documents of earlier versions."
    )

    def input(self, name: str) -> InputPort:
        """An input port: its connections and its rows."""
        given = _named(self.inputs, "input port", name)
        port = InputPort.model_construct(storage=given.storage, proxy=given.proxy)
        port._place = (self.product, name, "input", self.schemas.get(name, PortSchema()))
        return port

    def output(self, name: str) -> OutputPort:
        """An output port: its connections and its rows."""
        given = _named(self.outputs, "output port", name)
        port = OutputPort.model_construct(storage=given.storage, proxy=given.proxy)
        port._place = (self.product, name, "output", self.schemas.get(name, PortSchema()))
        return port

    def need(self, name: str) -> PortConnections:
        """An infrastructure need's connections."""
        return _named(self.infrastructure, "infrastructure need", name)

    @property
    def interval(self) -> tuple[datetime, datetime] | None:
        """The interval of time that this run is about: its begin, and its end, which is not part of it.

        Runs of a schedule and of a backfill have one. None in other runs.
        """
        begin, end = (os.environ.get(name) for name in (INTERVAL_FROM_VARIABLE, INTERVAL_TO_VARIABLE))
        return (datetime.fromisoformat(begin), datetime.fromisoformat(end)) if begin and end else None

    def report(
        self,
        subject: str | None = None,
        *,
        state: ReportedState | None = None,
        note: str = "",
        completeness: tuple[int, int] | None = None,
        validity: tuple[int, int] | None = None,
        uniqueness: tuple[int, int] | None = None,
        accuracy: tuple[int, int] | None = None,
        timeliness: tuple[int, int] | None = None,
        newest_event: datetime | None = None,
        nothing_new: bool = False,
        unknown: Mapping[str, str] | None = None,
        measured_at: datetime | None = None,
        window: timedelta = timedelta(0),
        id: str | None = None,  # noqa: A002 - the name of the field
    ) -> Reported:
        """Report the state of the product, or the quality and freshness of one of its models::

            here.report(state="in_incident", note="the airline's feed is late")
            here.report("flights-table/flight", completeness=(9_990, 10_000), newest_event=newest)
            here.report("flights-table/flight", nothing_new=True)

        A report is kept in a file before this returns, and survives a kill. It is accepted once, however often it is
        sent.

        Args:
            subject: The model, as ``port/model``; by default the product.
            state: ``operational``, ``in_incident`` or ``down``.
            note: A note on the state.
            completeness: Required cells that are not null, and all required cells.
            validity: Cells that fulfil their conditions, and all cells with a condition that are not null.
            uniqueness: Distinct keys, and rows with a key.
            accuracy: Rows that equal the reference, and rows compared with it.
            timeliness: Rows that arrived in time, and rows with both times.
            newest_event: The newest event time of the rows; gives the age of the data.
            nothing_new: Whether the source was read and had nothing new.
            unknown: Measure: the reason why it could not be measured.
            measured_at: Time of the measurement, with its time zone; by default now.
            window: Length of the window that ends then.
            id: An id of this report, if the code has a better one than subject, measure, time and window.

        Returns:
            The ids, and the number of reports that wait.

        Raises:
            ReportRefused: when the report contradicts itself, or the server refuses it.
            ReportNotKept: when the report cannot be kept on this machine.
            NotReporting: when the process has no place for reports.
        """
        from alchemesh_platform.measures.report import reports_of
        from alchemesh_platform.measures.sending import keep_and_send

        ratios = {
            "completeness": completeness,
            "validity": validity,
            "uniqueness": uniqueness,
            "accuracy": accuracy,
            "timeliness": timeliness,
        }
        reports = reports_of(
            self.product,
            subject,
            state=state,
            note=note,
            ratios={name: counts for name, counts in ratios.items() if counts is not None},
            newest_event=newest_event,
            nothing_new=nothing_new,
            unknown=unknown,
            measured_at=measured_at,
            window=window,
            id=id,
            now=datetime.now(UTC),
        )
        return keep_and_send(reports)

    def environ(self, *, credentials: bool = False) -> dict[str, str]:
        """The connections as flat environment variables: ``ALCHEMESH_OUTPUT_FLIGHTS_TABLE_REST=http://…``.

        Args:
            credentials: Whether to add variables with users and passwords to the variables that name the credential
                files.
        """
        groups = (("INPUT", self.inputs), ("OUTPUT", self.outputs), ("NEED", self.infrastructure))
        variables = {"ALCHEMESH_PRODUCT": self.product, "ALCHEMESH_ENVIRONMENT": self.environment}
        for group, ports in groups:
            for port, given in ports.items():
                prefix = f"ALCHEMESH_{group}_{_variable(port)}"
                for part in (given.storage, given.proxy):
                    if part is not None:
                        variables.update(_flat(prefix, part.model_dump(mode="json", exclude=set(part.not_variables))))
                        if credentials:
                            found = part.credential_variables()
                            variables |= {f"{prefix}_{name}": value for name, value in found.items()}
        return dict(sorted(variables.items()))


class NotConnected(RuntimeError):
    """Raised when the process has no connections. The message says how to get them."""


def connections(environ: Mapping[str, str] = os.environ) -> Connections:
    """The connections of the product whose code is running.

    Raises:
        NotConnected: when ``ALCHEMESH_CONNECTIONS`` is not set, or its file cannot be read.
    """
    name = environ.get(CONNECTIONS_VARIABLE)
    if not name:
        raise NotConnected(
            remedy(
                '{} is not set. Run the code with {}, or in a shell: eval "$({})"',
                CONNECTIONS_VARIABLE,
                command("run"),
                command("env").line,
            )
        )
    try:
        return Connections.model_validate_json(name if name.startswith("{") else Path(name).read_bytes())
    except (OSError, ValidationError) as error:
        place = CONNECTIONS_VARIABLE if name.startswith("{") else name
        raise NotConnected(f"cannot read the connections in {place}: {error}") from error


def _named(ports: Mapping[str, PortConnections], what: str, name: str) -> PortConnections:
    if name not in ports:
        raise WrongConnection(f"no {what} {name!r}: there are {', '.join(sorted(ports)) or 'none'}")
    return ports[name]


def _variable(name: str) -> str:
    return name.replace("-", "_").upper()


def _flat(prefix: str, value: object) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _flat(f"{prefix}_{_variable(str(key))}", part)
    elif isinstance(value, str):
        yield prefix, value
    else:
        yield prefix, json.dumps(value)
