"""Probes of ports on this machine: data APIs over SQL, REST and GraphQL, tables, and folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.registration.protocol import addresses_by_protocol
from alchemesh_platform.sdk.connections.data_api import Credential, DataApiConnection
from alchemesh_platform.sdk.connections.files import FilesConnection
from alchemesh_platform.sdk.connections.tables import TablesConnection
from alchemesh_platform.sdk.probes.over_http import graphql_question, rest_question
from alchemesh_platform.sdk.probes.probe import NoAnswer, NotProbed, ProbedPort, Probes, Question

_REFUSALS = ("authentication failed", "no such user", "no such database")  # PgBouncer's, of one user


class DataApiProbes(Probes):
    """Probes of data APIs: one row of the first model over each protocol, with the user ``probe`` of the gateway."""

    def protocols(self, connection: DataApiConnection) -> tuple[str, ...]:
        return tuple(name for name in addresses_by_protocol(connection.model_dump()) if name in _QUESTIONS)

    def question(self, port: ProbedPort, protocol: str) -> Question:
        connection: DataApiConnection = port.connection
        models = connection.tables or port.models
        if not models:
            raise NotProbed("the port has no model to read")
        return _QUESTIONS[protocol](connection, models[0], _credential(connection))


DATA_APIS = DataApiProbes()


class TableProbes(Probes):
    """Probes of tables without a proxy: the metadata can be read, and the files of the version are there.

    Args:
        protocol: The format, as probes name it.
        place: Gives the place of a model's table.
        tables: Module with ``table_exists`` and ``missing_files``, which is imported on use.
    """

    def __init__(self, protocol: str, place: Callable[[TablesConnection, str], Any], tables: str) -> None:
        self._protocol = protocol
        self._place = place
        self._tables = tables

    def protocols(self, connection: TablesConnection) -> tuple[str, ...]:
        return (self._protocol,)

    def question(self, port: ProbedPort, protocol: str) -> Question:
        from alchemesh_platform.systems.local.tables.delta import TableFailed

        known = import_module(self._tables)
        tables = {name: self._place(port.connection, name) for name in port.models or port.connection.tables}

        def ask(_seconds: float) -> None:
            for name, place in tables.items():
                try:
                    if not known.table_exists(place):
                        raise NoAnswer(f"there is no table for {name}")
                    lost = known.missing_files(place)
                except TableFailed as error:
                    raise NoAnswer(str(error.message)) from None
                if lost:
                    raise NoAnswer(f"table {name} lacks {len(lost)} of its files, such as {lost[0]}")

        return ask


def _iceberg_place(connection: TablesConnection, model: str) -> Any:
    from alchemesh_platform.systems.local.iceberg.catalog import Place

    return Place.of(connection, model)


TABLES = TableProbes("delta", TablesConnection.path, "alchemesh_platform.systems.local.tables.delta")
ICEBERG_TABLES = TableProbes("iceberg", _iceberg_place, "alchemesh_platform.systems.local.iceberg.tables")


class FolderProbes(Probes):
    """Probes of folders without a proxy: the folder can be listed."""

    def protocols(self, connection: FilesConnection) -> tuple[str, ...]:
        return ("files",)

    def question(self, port: ProbedPort, protocol: str) -> Question:
        folder: Path = port.connection.path

        def ask(_seconds: float) -> None:
            try:
                with os.scandir(folder) as entries:
                    next(entries, None)
            except OSError as error:
                raise NoAnswer(f"{folder}: {error.strerror or error}") from None

        return ask


FOLDERS = FolderProbes()


def _credential(connection: DataApiConnection) -> Credential | None:
    """The probe's own credential at the gateway; None if the data API requires none."""
    from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
    from alchemesh_platform.systems.local.data_api.gateway.issue import probe_credential

    if connection.credential_file is None:
        return None
    try:
        issued = probe_credential(Gateway.at(Path(connection.credential_file).parent), datetime.now(UTC))
    except Failure as error:
        raise NotProbed(str(error.message)) from error
    return Credential(issued.user, issued.password)


def _sql(connection: DataApiConnection, model: str, credential: Credential | None) -> Question:
    where = urlsplit(connection.sql or "")
    user, password = (credential.user, credential.password) if credential else ("nobody", None)

    def ask(seconds: float) -> None:
        from alchemesh_platform.base.sql import identifier
        from alchemesh_platform.systems.local.data_api.sql_query import PostgresRefused, simple_query

        query = f"SELECT * FROM {identifier(model)} LIMIT 1"  # noqa: S608 - a quoted name
        try:
            simple_query(where.hostname or "", where.port or 0, query, user=user, password=password, timeout=seconds)
        except PostgresRefused as error:
            if any(each in str(error) for each in _REFUSALS):
                raise NotProbed(f"it refuses the probe's own credential: {error}") from None
            raise NoAnswer(str(error)) from None
        except OSError as error:
            raise NoAnswer(error.strerror or str(error) or type(error).__name__) from None

    return ask


def _rest(connection: DataApiConnection, model: str, credential: Credential | None) -> Question:
    return rest_question(connection.rest or "", model, credential.headers() if credential else {})


def _graphql(connection: DataApiConnection, model: str, credential: Credential | None) -> Question:
    return graphql_question(connection.graphql or "", model, credential.headers() if credential else {})


_QUESTIONS: Mapping[str, Callable[[DataApiConnection, str, Credential | None], Question]] = {
    "sql": _sql,
    "rest": _rest,
    "graphql": _graphql,
}
