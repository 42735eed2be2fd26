"""Erase rows of BigQuery tables.

Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#delete_statement
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
from alchemesh_platform.clouds.gcp.errors import without_details
from alchemesh_platform.clouds.gcp.objects.services import bigquery
from alchemesh_platform.machine.files import count
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.connections.tables import TablesConnection
from alchemesh_platform.sdk.system.erasure import ErasedRows, Erasure, NotErasable

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.sdk.connections.ports import PortConnections

BAD_REQUEST = 400
# https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical: strings, quoted names and comments
_PARTS = re.compile(
    r"(?P<text>'''(?:\\.|(?!''').)*'''|\"\"\"(?:\\.|(?!\"\"\").)*\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|`[^`\n]*`)"
    r"|(?P<comment>--|#|/\*)|(?P<sign>[();'\"`])",
    re.DOTALL,
)


@dataclass(frozen=True)
class BigQueryErasure(Erasure):
    """Rows of BigQuery tables. The service keeps former versions for some days, and nobody can remove them earlier.

    Args:
        platform: The environment.
    """

    platform: Platform | None = None

    def at(self, platform: Platform) -> Erasure:
        return BigQueryErasure(platform)

    def count(self, port: PortConnections, model: str, where: str) -> int:
        table = _table(port, model)
        statement = f"SELECT COUNT(*) FROM `{table}` WHERE ({condition(where)})"  # noqa: S608 - one expression
        return int(self._run(table, statement)[0][0])

    def erase(
        self, port: PortConnections, model: str, where: str, report: Callable[[str], None], begun: Callable[[int], None]
    ) -> ErasedRows:
        table = _table(port, model)
        rows = self.count(port, model, where)
        begun(rows)
        if rows:
            self._run(table, f"DELETE FROM `{table}` WHERE ({condition(where)})")  # noqa: S608 - one expression
            report(f"erased {count(rows, 'row')} of table {model}")
        return ErasedRows(rows, 0)

    def remains(self, port: PortConnections, model: str) -> str:
        # https://cloud.google.com/bigquery/docs/time-travel
        sentence = (
            "BigQuery keeps the rows in its time travel window, 2 to 7 days as `max_time_travel_hours` of the dataset "
            "says, then 7 days for its support"
        )
        proxy = port.proxy
        if isinstance(proxy, DataApiConnection) and (proxy.rest or proxy.graphql):
            sentence += "; the copy behind REST and GraphQL keeps them until its next refresh"
        return sentence

    def _run(self, table: str, statement: str) -> list[list[str]]:
        if self.platform is None:
            raise NotErasable("no environment is given")
        try:
            return bigquery(self.platform).query(table.partition(".")[0], statement)
        except Refused as error:
            if error.status == BAD_REQUEST:
                raise NotErasable(
                    f"the condition does not fit table {table}: {without_details(error.message).strip()}",
                    hint="name columns of the table, in GoogleSQL",
                ) from error
            raise


def condition(where: str) -> str:
    """A predicate as one expression.

    Raises:
        NotErasable: when it has a comment, a second statement or an open parenthesis or quote: it would change the
            statement around it.
    """
    depth = 0
    for found in _PARTS.finditer(where):
        sign = found["sign"]
        depth += {"(": 1, ")": -1}.get(sign or "", 0)
        if found["comment"] or depth < 0 or (sign and sign not in "()"):
            raise NotErasable(
                f"found {found[0]!r} in the condition, expected one expression on the columns",
                hint="leave out comments and semicolons, and close each quote and parenthesis",
            )
    if depth:
        raise NotErasable("the condition has an open parenthesis", hint="close it")
    return where


def _table(port: PortConnections, model: str) -> str:
    if not isinstance(port.storage, TablesConnection) or port.storage.format != "bigquery":
        raise NotErasable("its storage is no BigQuery table")
    return port.storage.table_id(model)


ERASURE = BigQueryErasure()
