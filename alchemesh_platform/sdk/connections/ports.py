"""The connections of a product, by port and need, as its code reads them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, SerializeAsAny, ValidationError
from pydantic_core import CoreSchema, core_schema

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.sdk.connections.base import AccessConnection, Connection, ConnectionDocument, WrongConnection
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.connections.files import FilesConnection
from alchemesh_platform.sdk.connections.kinds import connection_kinds, connection_of
from alchemesh_platform.sdk.connections.tables import TablesConnection

if TYPE_CHECKING:
    from alchemesh_platform.connections import TopicConnection

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

    storage: StorageConnection | None = Field(default=None)
    proxy: ProxyConnection | None = Field(default=None)

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


class Connections(ConnectionDocument):
    """Every connection of a product in one environment."""

    product: str = Field(description="Address of the product: domain/product.")
    environment: str = Field(description="Environment.")
    inputs: dict[str, PortConnections] = Field(default_factory=dict, description="Input port: what it gives.")
    outputs: dict[str, PortConnections] = Field(default_factory=dict, description="Output port: what it gives.")
    infrastructure: dict[str, PortConnections] = Field(default_factory=dict, description="Need: what it gives.")

    def input(self, name: str) -> PortConnections:
        """An input port's connections."""
        return _named(self.inputs, "input port", name)

    def output(self, name: str) -> PortConnections:
        """An output port's connections."""
        return _named(self.outputs, "output port", name)

    def need(self, name: str) -> PortConnections:
        """An infrastructure need's connections."""
        return _named(self.infrastructure, "infrastructure need", name)

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
