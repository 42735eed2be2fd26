"""The tables that a data API serves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from alchemesh_platform.base.failure import Failure


class TableNotServed(Failure):
    """Raised when a table cannot be served: it does not exist, or is not on this machine."""


@dataclass(frozen=True, slots=True)
class ServedTable:
    """A served table: a Delta table, an Iceberg table, or a folder of Parquet files.

    Args:
        name: Its name.
        url: Its folder.
        format: Its format.
        key: The columns that identify a row.
        catalog: For Iceberg: address and name of the catalog, and the namespace of the table there.
    """

    name: str
    url: str
    format: Literal["delta", "iceberg", "parquet"]
    key: tuple[str, ...] = ()
    catalog: tuple[str, str, str] | None = None

    @property
    def folder(self) -> Path:
        """The folder of the table.

        Raises:
            TableNotServed: when it is not on this machine.
        """
        address = urlsplit(self.url)
        if address.scheme not in ("", "file"):
            raise TableNotServed(
                f"table {self.name} is at {self.url}, which is not on this machine",
                hint="an sandboxed server reaches no network: serve tables of this machine, or use another data API",
            )
        return Path(unquote(address.path) if address.scheme else self.url)
