"""The base of every connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict


class ConnectionDocument(BaseModel):
    """A part of the document that a product's code reads. It is frozen and rejects unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Connection(ConnectionDocument):
    """The base class of a connection. A subclass sets ``kind`` to the name of its kind::

        class QueueConnection(Connection):
            kind: Literal["queue"] = "queue"
            folder: str

    Attributes:
        role: The owner of the connection: a storage or need, a proxy, or the product's code.
        not_variables: Fields that :meth:`Connections.environ` does not export as environment variables.
    """

    role: ClassVar[Literal["storage", "proxy", "code"]] = "storage"
    not_variables: ClassVar[frozenset[str]] = frozenset({"kind"})

    kind: str

    def credential_variables(self) -> Mapping[str, str]:
        """The credential of this connection on this machine, by variable suffix: ``USER``, ``PASSWORD``."""
        return {}


class AccessConnection(Connection):
    """The access by protocol that a proxy gives.

    A subclass has one field for each protocol that the proxy can offer, with the name of the protocol. The field holds
    the address, or None if the proxy does not offer the protocol."""

    role: ClassVar[Literal["storage", "proxy", "code"]] = "proxy"


class WrongConnection(LookupError):
    """Raised when code asks for a connection that its product does not have.

    The message lists the existing connections.
    """


def part_names(connection: Connection | None) -> Iterator[str]:
    """The names of a system's part that fits a connection, the most precise first: ``tables/bigquery``, ``tables``."""
    if connection is None:
        return
    from urllib.parse import urlsplit

    details = [getattr(connection, "format", None), urlsplit(str(getattr(connection, "url", ""))).scheme]
    yield from (f"{connection.kind}/{detail}" for detail in details if detail)
    yield connection.kind


def local_path(url: str) -> Path:
    """The folder on this machine that a URL names.

    Raises:
        WrongConnection: when the URL does not name a folder on this machine.
    """
    if not url.startswith("file://"):
        raise WrongConnection(
            f"{url} is not on this machine: the cloud's own client reads it, files by their `url`, tables by `table_id`"
        )
    from urllib.parse import unquote, urlsplit

    return Path(unquote(urlsplit(url).path))
