"""The client of BigQuery, and the names of tables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alchemesh_platform.data.errors import DataError
from alchemesh_platform.data.google_client import signed_in
from alchemesh_platform.sdk.connections.tables import BIGQUERY_SCHEME

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

EMULATOR_VARIABLE = "BIGQUERY_EMULATOR_HOST"  # the client reads it too


@dataclass(frozen=True, slots=True)
class TableName:
    """A table or a view."""

    project: str
    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.project}.{self.dataset}.{self.table}"

    def beside(self, table: str) -> TableName:
        """Another table of the same dataset."""
        return TableName(self.project, self.dataset, table)


def table_name(url: str) -> TableName:
    """The table of an address: ``bigquery://project/dataset/table``."""
    project, dataset, table = url.removeprefix(BIGQUERY_SCHEME).split("/")
    return TableName(project, dataset, table)


def client_of(project: str, error: type[DataError], doing: str, environ: Mapping[str, str] = os.environ) -> Client:
    """A client whose jobs run in a project. It signs in as the code's own account.

    Args:
        project: The project.
        error: The error to raise.
        doing: The beginning of its message.
        environ: Environment variables; an emulator needs no credentials.

    Raises:
        DataError: when the client is not installed, or finds no credentials.
    """

    def make() -> Client:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.bigquery import Client

        anonymous = AnonymousCredentials() if environ.get(EMULATOR_VARIABLE) else None  # type: ignore[no-untyped-call]
        return Client(project=project, credentials=anonymous)

    return signed_in("google-cloud-bigquery", make, error, doing)
