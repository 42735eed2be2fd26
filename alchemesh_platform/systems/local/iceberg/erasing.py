"""Erase rows of Iceberg tables on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from alchemesh_platform.machine.files import count
from alchemesh_platform.sdk.connections.ports import PortConnections
from alchemesh_platform.sdk.system.erasure import ErasedRows, Erasure, NotErasable
from alchemesh_platform.systems.local.data.turns import turn_at
from alchemesh_platform.systems.local.erasure import place_of_copy, problem_of_copy
from alchemesh_platform.systems.local.iceberg.catalog import Place, iceberg_errors, reason_of
from alchemesh_platform.systems.local.iceberg.former import remove_former
from alchemesh_platform.systems.local.iceberg.serving import IcebergSource

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import Table


class IcebergErasure(Erasure):
    """Rows of Iceberg tables below the root of an environment."""

    def count(self, port: PortConnections, model: str, where: str) -> int:
        return _count(Place.of(port.storage, model), where)

    def erase(
        self, port: PortConnections, model: str, where: str, report: Callable[[str], None], begun: Callable[[int], None]
    ) -> ErasedRows:
        place = Place.of(port.storage, model)
        rows = _count(place, where)
        begun(rows)
        if rows:
            with turn_at(place.path), iceberg_errors("change", place):
                table = place.open()
                table.delete(_selected(table, where))
            report(f"erased {count(rows, 'row')} of table {model}")
        copy = place_of_copy(port)
        # The copy reads the new version first: it may be reading a file of the former one now.
        problem = problem_of_copy(copy, model, IcebergSource(place).snapshot().committed_at) if copy is not None else ""
        if copy is not None and not problem:
            report(f"the serving copy has the current version of table {model}")
        with turn_at(place.path):
            files = remove_former(place)
        report(f"removed {count(files, 'file')} of former versions of table {model}")
        return ErasedRows(rows, files, None if copy is None else not problem, problem)

    def remains(self, port: PortConnections, model: str) -> str:
        return (
            f"until the next write, {Place.of(port.storage, model).path / 'metadata'} keeps the smallest and largest "
            "value of each column of removed files"
        )


def _count(place: Place, where: str) -> int:
    with iceberg_errors("read", place):
        table = place.open()
    selected = _selected(table, where)
    with iceberg_errors("read", place):
        return int(table.scan(row_filter=selected).count())


def _selected(table: Table, where: str) -> BooleanExpression:
    """A predicate in the language of the library.

    Raises:
        NotErasable: when it does not fit the table; names the columns.
    """
    from pyiceberg.expressions.parser import parse
    from pyiceberg.expressions.visitors import bind

    columns = ", ".join(field.name for field in table.schema().fields)
    hint = f"the columns are {columns}; compare them with values: day = '2024-05-01' AND city IN ('Ulm', 'Bonn')"
    if not where.strip():
        raise NotErasable("the predicate is empty", hint=hint)
    try:
        found: BooleanExpression = parse(where)
        bind(table.schema(), found, case_sensitive=True)
    except Exception as error:  # the parser raises errors of another library, and the comparison any
        raise NotErasable(f"the predicate {where!r} does not fit the table: {reason_of(error)}", hint=hint) from error
    return found


ERASURE = IcebergErasure()
