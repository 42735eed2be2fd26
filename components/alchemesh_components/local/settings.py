"""Settings for the embedded local platform."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field

from alchemesh_platform.sdk.models import Strict


def without_password(url: str) -> str:
    """Check the address of a PostgreSQL: it has a user, and no password."""
    address = urlsplit(url)
    if address.scheme not in ("postgresql", "postgres") or not address.hostname or not address.username:
        raise ValueError("expected an address such as postgresql://admin@host:5432/postgres")
    if address.password is not None or "password" in parse_qs(address.query):
        raise ValueError("found a password in an address; name a file with it: `?passfile=/etc/alchemesh/pgpass`")
    return url


class LocalSettings(Strict):
    """Where the local platform keeps things, and what it listens on."""

    root: str = Field(description="Folder of the data: <root>/<domain>/<product>/<port>.")
    run: str = Field(description="Folder of running processes and job descriptions.")
    host: str = Field(default="127.0.0.1", description="Address that servers listen on.")
    python: str | None = Field(
        default=None, description="Python interpreter of jobs; by default the one that runs alchemesh."
    )
    postgresql: str | None = Field(
        default=None,
        description="Folder of `postgres` and `initdb`, 15 or newer, such as /usr/lib/postgresql/17/bin; by default "
        "the installed package's.",
    )
    postgresql_server: Annotated[str, AfterValidator(without_password)] | None = Field(
        default=None,
        description="Address of a managed PostgreSQL, 15 or newer, that holds the copies of ports with SQL alone: "
        "`postgresql://admin@host/postgres?sslmode=verify-full&passfile=/etc/alchemesh/pgpass`. Its user needs "
        "the rights CREATEDB and CREATEROLE. By default each copy has a PostgreSQL of its own.",
    )
    allow_unenclosed: tuple[str, ...] = Field(
        default=(),
        description="Ports (`domain/product/port`) whose data API may run without an enclosure on a machine that "
        "cannot provide one. Its servers can then read the files of their user.",
    )


class Settings(Strict):
    """Settings groups of the local components."""

    local: LocalSettings = Field(description="The embedded local platform.")
