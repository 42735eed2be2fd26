"""Data APIs: the connection of a proxy that answers queries, and the credential for it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import Field

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.sdk.connections.base import AccessConnection, WrongConnection


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential for a data API. Do not print, log or store its password."""

    user: str
    password: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        """The header that a request over HTTP needs: basic authentication."""
        token = b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {token}"}


class DataApiConnection(AccessConnection):
    """The address of each protocol; None if the proxy does not offer the protocol."""

    kind: Literal["data-api"] = "data-api"
    sql: str | None = Field(
        default=None,
        description="Address of SQL: the PostgreSQL protocol, postgresql://host:port, whose database is the user, or "
        "bigquery://project/dataset, or athena://region/database?workgroup=NAME",
    )
    rest: str | None = Field(default=None, description="Base address of REST: http://host:port/api")
    graphql: str | None = Field(default=None, description="Address of GraphQL; the query is the body of a POST.")
    tables: tuple[str, ...] = Field(default=(), description="Tables to query, by model name.")
    credential_file: str | None = Field(
        default=None,
        description="File with the user and password of this product; None if the API needs no credential.",
    )

    @property
    def credential(self) -> Credential:
        """The user and password, read from the credential file. Raises WrongConnection if there is no such file."""
        if self.credential_file is None:
            raise WrongConnection("no credential here: this data API asks for none")
        try:
            found = json.loads(Path(self.credential_file).read_bytes())
            return Credential(found["user"], found["password"])
        except (OSError, ValueError, KeyError, TypeError):
            raise WrongConnection(
                remedy("cannot read the credential in {}: {} writes it", self.credential_file, command("up"))
            ) from None

    def headers(self) -> dict[str, str]:
        """The headers of a request over REST or GraphQL."""
        return self.credential.headers() if self.credential_file is not None else {}

    def dsn(self) -> str:
        """The connection string for a PostgreSQL driver. It contains the password: do not print it.

        Raises:
            WrongConnection: when the proxy does not offer SQL.
        """
        if self.sql is None:
            raise WrongConnection("no SQL here")
        if self.credential_file is None:
            return self.sql
        scheme, _, address = self.sql.partition("://")
        credential = self.credential
        user, password = quote(credential.user, safe=""), quote(credential.password, safe="")
        return f"{scheme}://{user}:{password}@{address.rstrip('/')}/{user}"

    def credential_variables(self) -> Mapping[str, str]:
        """The user and password; empty if the data API requires none."""
        if self.credential_file is None:
            return {}
        credential = self.credential
        return {"USER": credential.user, "PASSWORD": credential.password}
