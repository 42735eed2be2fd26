"""Conversion of values to the types of a model. A conversion keeps the value, or it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from alchemesh_platform.data.types import arrow_type, as_plain, is_list, type_in_words, value_in_words
from alchemesh_platform.manifest.models import LogicalType, Property

CLOCK = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?$"
_DIGITS_MAX = 38
ZONE_HINT = (
    "a time without a time zone is no instant: set `time_zone` in the schema of the input port, or convert it in the "
    "code (in DuckDB: value AT TIME ZONE 'Europe/Berlin')"
)


class TypeUnfit(Exception):
    """Raised when the values of a type never fit a property. Gives the reason."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """The rows of a batch that do not fit, by index, with the reason of each."""

    rows: tuple[tuple[int, str], ...]
    path: str


class Values:
    """A converted column, and what does not fit in it."""

    def __init__(self, array: Any, unfit: tuple[Unfit, ...] = ()) -> None:
        self.array = array
        self.unfit = unfit


def converted(array: Any, declared: Property, path: str) -> Values:
    """Convert the values of one column, of an object's part, or of an array's items.

    Args:
        array: The values.
        declared: The property.
        path: Its name, for messages.

    Raises:
        TypeUnfit: when values of this type never fit.
    """
    array = as_plain(array)
    if pa.types.is_float16(array.type):  # Arrow converts it to no decimal; a wider number has the same value
        array = array.cast(pa.float32())
    kind, wanted = array.type, arrow_type(declared)
    if kind == wanted and not _has_times(declared):
        return Values(array)
    if pa.types.is_null(kind):
        return Values(array.cast(wanted))
    match declared.type:
        case LogicalType.OBJECT:
            return _object(array, declared, path)
        case LogicalType.ARRAY:
            return _array(array, declared, path)
        case LogicalType.TIME:
            return _time(array, path)
        case LogicalType.TIMESTAMP:
            _check(pa.types.is_timestamp(kind), kind, declared)
            if kind.tz is None:
                raise TypeUnfit(f"found timestamps without a time zone; {ZONE_HINT}")
        case LogicalType.DATE:
            _check(pa.types.is_date(kind), kind, declared)
        case LogicalType.INTEGER:
            _check(_is_number(kind), kind, declared)
        case LogicalType.NUMBER:
            _check(_is_number(kind), kind, declared)
            return _number(array, wanted, path)
        case _:
            _check(False, kind, declared)
    return _cast(array, wanted, path)


def _has_times(declared: Property) -> bool:
    """Whether texts are times of day, which are checked although texts are what a column of them stores."""
    inside = (*(declared.properties or {}).values(), *((declared.items,) if declared.items is not None else ()))
    return declared.type is LogicalType.TIME or any(map(_has_times, inside))


def _check(fits: bool, kind: Any, declared: Property) -> None:
    if not fits:
        raise TypeUnfit(f"found {type_in_words(kind)}, expected {type_in_words(arrow_type(declared))}")


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _number(array: Any, wanted: Any, path: str) -> Values:
    kind = array.type
    if pa.types.is_decimal(wanted) and pa.types.is_integer(kind):
        # Arrow converts integers to decimals that hold every integer only.
        return _cast(array.cast(pa.decimal128(_DIGITS_MAX, 0)), wanted, path)
    found = _cast(array, wanted, path)
    if pa.types.is_decimal(kind) != pa.types.is_decimal(wanted) and not pa.types.is_integer(kind) and not found.unfit:
        return _returning(array, found, path)
    return found


def _returning(array: Any, found: Values, path: str) -> Values:
    """Decimals and binary numbers are equal if each is the other again after its conversion back."""
    back = found.array.cast(array.type, safe=False)
    same = pc.fill_null(pc.equal(back, array), True)
    if pc.all(same).as_py() is not False:
        return found
    rows = pc.indices_nonzero(pc.invert(same)).to_pylist()
    exact = type_in_words(found.array.type)
    return Values(
        found.array,
        (Unfit(tuple((row, f"found {array[row].as_py()}, which {exact} cannot hold exactly") for row in rows), path),),
    )


def _cast(array: Any, wanted: Any, path: str) -> Values:
    try:
        return Values(array.cast(wanted))
    except pa.ArrowInvalid:
        rows = tuple(_not_cast(array, wanted))
    return Values(pa.nulls(len(array), wanted), (Unfit(rows, path),))


def _not_cast(array: Any, wanted: Any) -> Iterator[tuple[int, str]]:
    words = type_in_words(wanted)
    for row in range(len(array)):
        try:
            array.slice(row, 1).cast(wanted)
        except pa.ArrowInvalid:
            value = array[row]
            text = f"{value.value} {array.type.unit}" if pa.types.is_timestamp(array.type) else value_in_words(value)
            yield row, f"found {text}, which {words} cannot hold exactly"


def _time(array: Any, path: str) -> Values:
    if pa.types.is_time(array.type):
        micro = _cast(array, pa.time64("us"), path)
        return Values(_usual_time(micro.array.cast(pa.string())), micro.unfit)
    if not pa.types.is_string(array.type):
        raise TypeUnfit(f"found {type_in_words(array.type)}, expected time")
    fits = pc.fill_null(pc.match_substring_regex(array, CLOCK), True)
    rows = pc.indices_nonzero(pc.invert(fits)).to_pylist()
    unfit = tuple((row, f"found {array[row].as_py()!r}, expected a time such as 13:45:00") for row in rows)
    return Values(_usual_time(array), (Unfit(unfit, path),) if unfit else ())


def _usual_time(texts: Any) -> Any:
    """Times with seconds, and without zeros at the end of a fraction, as every technology gives them back."""
    for pattern, replacement in ((r"^(\d\d:\d\d)$", r"\1:00"), (r"(\.\d*?)0+$", r"\1"), (r"\.$", "")):
        texts = pc.replace_substring_regex(texts, pattern, replacement)
    return texts


def _object(array: Any, declared: Property, path: str) -> Values:
    kind = array.type
    if not pa.types.is_struct(kind):
        raise TypeUnfit(f"found {type_in_words(kind)}, expected {type_in_words(arrow_type(declared))}")
    parts = declared.properties or {}
    names = [part.name for part in kind]
    present = set(names)
    if len(present) != len(names):
        raise TypeUnfit(f"found the part {next(name for name in names if names.count(name) > 1)!r} twice")
    unknown = sorted(present - set(parts))
    if unknown:
        raise TypeUnfit(f"found the part {unknown[0]!r}, which the model has not")
    arrays: list[Any] = []
    unfit: list[Unfit] = []
    for name, part in parts.items():
        if name not in present:
            arrays.append(pa.nulls(len(array), arrow_type(part)))
            continue
        found = _part(pc.struct_field(array, name), part, f"{path}.{name}")
        arrays.append(found.array)
        unfit += found.unfit
    fields = [pa.field(name, each.type) for name, each in zip(parts, arrays, strict=True)]
    whole = pa.StructArray.from_arrays(arrays, fields=fields, mask=pc.is_null(array))
    return Values(whole, tuple(unfit))


def _array(array: Any, declared: Property, path: str) -> Values:
    kind = array.type
    if not is_list(kind):
        raise TypeUnfit(f"found {type_in_words(kind)}, expected {type_in_words(arrow_type(declared))}")
    if declared.items is None:
        return _cast(array, arrow_type(declared), path)
    lengths = pc.fill_null(pc.list_value_length(array), 0)
    inner = _part(pc.list_flatten(array), declared.items, f"{path}[]")
    ends = pc.cumulative_sum(lengths).cast(pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    mask = pc.is_null(array) if array.null_count else None
    field = arrow_type(declared)
    whole = pa.ListArray.from_arrays(offsets, inner.array, type=field, mask=mask)
    if not inner.unfit:
        return Values(whole)
    parents = pc.list_parent_indices(array)
    unfit = tuple(Unfit(tuple((parents[at].as_py(), why) for at, why in each.rows), each.path) for each in inner.unfit)
    return Values(whole, unfit)


def _part(array: Any, declared: Property, path: str) -> Values:
    try:
        return converted(array, declared, path)
    except TypeUnfit as error:
        if str(error).startswith((f"{path}.", f"{path}[")):
            raise  # it names a place inside already
        raise TypeUnfit(f"{path}: {error}") from error
