"""Typed connections from a product's code to its ports and needs. The same code runs on a laptop and in a cloud.

In a product's code::

    from alchemesh_platform.connections import connections

    here = connections()
    departures = here.input("departures").read()                        # rows as Arrow, DuckDB, Polars or pandas
    here.output("flights-table").write("flight", flights, "overwrite")  # checked, then written at once or not at all
    print(here.input("departures").files.url)                           # the connection itself: FilesConnection

:func:`connections` reads the JSON file that ``ALCHEMESH_CONNECTIONS`` names. `alchemesh run` and `alchemesh env` set
this variable. In a cloud, the variable holds the JSON itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alchemesh_platform.data.errors import (
    DataError,
    NotReadable,
    NotWritable,
    RowsRefused,
    SchemaMoved,
    WriteConflict,
)
from alchemesh_platform.sdk.connections.base import AccessConnection, Connection, WrongConnection
from alchemesh_platform.sdk.connections.data_api import Credential, DataApiConnection
from alchemesh_platform.sdk.connections.files import FilesConnection
from alchemesh_platform.sdk.connections.job import JobConnection
from alchemesh_platform.sdk.connections.kinds import connection_of
from alchemesh_platform.sdk.connections.ports import (
    CONNECTIONS_VARIABLE,
    Connections,
    InputPort,
    NotConnected,
    OutputPort,
    PortConnections,
    connections,
)
from alchemesh_platform.sdk.connections.tables import BIGQUERY_SCHEME, TablesConnection

if TYPE_CHECKING:
    from alchemesh_platform.clouds.gcp.connections import IdentityConnection, SecretConnection
    from alchemesh_platform.data.backend import Written
    from alchemesh_platform.data.rows import Rows
    from alchemesh_platform.measures.sending import Reported
    from alchemesh_platform.systems.kafka.connections import TopicConnection

__all__ = [
    "BIGQUERY_SCHEME",
    "CONNECTIONS_VARIABLE",
    "AccessConnection",
    "Connection",
    "Connections",
    "Credential",
    "DataApiConnection",
    "DataError",
    "FilesConnection",
    "IdentityConnection",
    "InputPort",
    "JobConnection",
    "NotConnected",
    "NotReadable",
    "NotWritable",
    "OutputPort",
    "PortConnections",
    "Reported",
    "Rows",
    "RowsRefused",
    "SchemaMoved",
    "SecretConnection",
    "TablesConnection",
    "TopicConnection",
    "WriteConflict",
    "Written",
    "WrongConnection",
    "connection_of",
    "connections",
]


_DATA = {
    "Reported": "alchemesh_platform.measures.sending",
    "Rows": "alchemesh_platform.data.rows",
    "Written": "alchemesh_platform.data.backend",
}


def __getattr__(name: str) -> Any:
    """Import, on first use, a class of rows or reports, or the connection class of this name of a system."""
    if name in _DATA:
        from importlib import import_module

        return getattr(import_module(_DATA[name]), name)
    from alchemesh_platform.registration.systems import installed_systems

    for offer in installed_systems().offers("connection kind", lambda system: system.connections):
        if offer.reference.rpartition(":")[2] == name:
            return offer.load()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
