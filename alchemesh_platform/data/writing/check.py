"""Rules of a model on converted rows: required, enum, pattern and range; for columns, parts of objects, and items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from alchemesh_platform.data.errors import SHOWN_MAX, shown
from alchemesh_platform.data.types import value_in_words
from alchemesh_platform.data.values.convert import Unfit
from alchemesh_platform.data.values.python_values import value_of
from alchemesh_platform.manifest.models import LogicalType, Property

_SAMPLE = 8_192
_YEARS: dict[LogicalType, tuple[date, date]] = {
    LogicalType.DATE: (date.min, date.max),
    LogicalType.TIMESTAMP: (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
}


def broken_rules(columns: Mapping[str, Any], properties: Mapping[str, Property]) -> Iterator[Unfit]:
    """The rows of a batch that break a rule of the model.

    Args:
        columns: The converted columns, by property.
        properties: The properties of the model.
    """
    for name, declared in properties.items():
        yield from _broken(columns[name], declared, name)


def _broken(array: Any, declared: Property, path: str) -> Iterator[Unfit]:
    if declared.required and array.null_count:
        rows = pc.indices_nonzero(pc.is_null(array)).to_pylist()
        yield Unfit(tuple((row, "found null, and it is required") for row in rows[:SHOWN_MAX]), path)
    if declared.type in (LogicalType.DATE, LogicalType.TIMESTAMP):
        yield from _other_years(array, declared, path)
    if (declared.key or declared.unique) and pa.types.is_floating(array.type):
        yield from _outside(array, pc.invert(pc.is_nan(array)), path, "expected a value that equals itself")
    if declared.enum is not None:
        allowed = ", ".join(str(each) for each in declared.enum)
        yield from _outside(array, _is_allowed(array, declared), path, f"expected one of {allowed}")
    if declared.pattern is not None:
        # To look at each different text once is faster, unless most texts differ.
        few = len(pc.unique(array.slice(0, _SAMPLE))) <= _SAMPLE // 4
        if not few or pc.all(pc.match_substring_regex(pc.unique(array), declared.pattern)).as_py() is False:
            fits = pc.match_substring_regex(array, declared.pattern)
            yield from _outside(array, fits, path, f"expected the pattern {declared.pattern}")
    for bound, compare, words in (
        (declared.minimum, pc.greater_equal, "at least"),
        (declared.maximum, pc.less_equal, "at most"),
    ):
        if bound is not None:
            fits = compare(array, _bound(bound, declared, array.type))
            yield from _outside(array, fits, path, f"expected {words} {bound}")
    if declared.type is LogicalType.OBJECT:
        yield from _parts(array, declared, path)
    elif declared.type is LogicalType.ARRAY and declared.items is not None:
        yield from _items(array, declared.items, path)


def _other_years(array: Any, declared: Property, path: str) -> Iterator[Unfit]:
    """Years that Python and most technologies do not have. A date of one would make a whole Delta table unreadable."""
    first, last = _YEARS[declared.type]
    fits = pc.and_(
        pc.greater_equal(array, pa.scalar(first, array.type)), pc.less_equal(array, pa.scalar(last, array.type))
    )
    yield from _outside(array, fits, path, "expected a year from 1 to 9999")


def _outside(array: Any, fits: Any, path: str, expected: str) -> Iterator[Unfit]:
    if pc.all(fits).as_py() is not False:
        return
    outside = pc.and_(pc.invert(pc.fill_null(fits, True)), pc.is_valid(array))
    rows = pc.indices_nonzero(outside).to_pylist()
    if rows:
        found = ((row, f"found {shown(value_in_words(array[row]))}, {expected}") for row in rows[:SHOWN_MAX])
        yield Unfit(tuple(found), path)


def _is_allowed(array: Any, declared: Property) -> Any:
    values = list(declared.enum or ())
    if declared.type in {LogicalType.INTEGER, LogicalType.NUMBER}:
        numbers = [_number(each, array.type) for each in values]
        return pc.is_in(array, value_set=pa.array([each for each in numbers if each is not None], array.type))
    allowed = pa.array([_TYPED[declared.type](str(each)) for each in values], array.type)
    return pc.if_else(pc.is_null(array), None, pc.is_in(array, value_set=allowed))


def _bound(value: int | float | str, declared: Property, kind: Any) -> Any:
    """A bound of a range, for comparison with a column: exact, also where its type cannot hold the bound."""
    if declared.type not in (LogicalType.INTEGER, LogicalType.NUMBER):
        return pa.scalar(_TYPED[declared.type](str(value)), kind)
    return pa.scalar(float(value)) if pa.types.is_floating(kind) else pa.scalar(Decimal(repr(value)))


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _clock(text: str) -> Any:
    return value_of(time.fromisoformat(text), Property(type=LogicalType.TIME), "enum")


_TYPED: dict[LogicalType, Callable[[str], Any]] = {
    LogicalType.STRING: str,
    LogicalType.DATE: date.fromisoformat,
    LogicalType.TIMESTAMP: _moment,
    LogicalType.TIME: _clock,
}


def _number(value: Any, kind: Any) -> Any:
    try:
        return pa.scalar(value).cast(kind).as_py()
    except pa.ArrowInvalid:
        return None


def _parts(array: Any, declared: Property, path: str) -> Iterator[Unfit]:
    present = pc.indices_nonzero(pc.is_valid(array))
    inside = array.take(present) if array.null_count else array
    for name, part in (declared.properties or {}).items():
        for unfit in _broken(pc.struct_field(inside, name), part, f"{path}.{name}"):
            rows = unfit.rows if not array.null_count else tuple((present[at].as_py(), why) for at, why in unfit.rows)
            yield Unfit(rows, unfit.path)


def _items(array: Any, declared: Property, path: str) -> Iterator[Unfit]:
    parents = None
    for unfit in _broken(pc.list_flatten(array), declared, f"{path}[]"):
        parents = pc.list_parent_indices(array) if parents is None else parents
        yield Unfit(tuple((parents[at].as_py(), why) for at, why in unfit.rows), unfit.path)
