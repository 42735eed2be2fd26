"""SQL that turns the values of a source into declared types, and decides whether a value keeps its meaning.

DuckDB's own casts are lenient: ``1.5`` becomes the integer 2, ``1.999`` the decimal 2.00, and ``1-2-3`` a date. So a
value fits only if it also has the form of its type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from alchemesh_platform.base.sql import identifier, quoted
from alchemesh_platform.machine.landing.source_columns import type_of
from alchemesh_platform.manifest.models import LogicalType, SourceProperty
from alchemesh_platform.manifest.source_formats import has_offset, specifiers

_DIGITS_OF_A_DOUBLE = 15  # a number of so many digits is equal to its double
_UTC = ("UTC", "Etc/UTC")
_DATE = r"\d{4,6}-\d{2}-\d{2}"
_OFFSET = r" ?(Z|UTC|[-+]\d{2}(:?\d{2})?)"
_CLOCK = r"\d{2}:\d{2}(:\d{2}(\.\d{1,6}0*)?)?"
_FIRST_PLAIN_YEAR = "1000-01-01"  # from here on, a year has four digits in any form


class Forms(Protocol):
    """The forms of values in a source, where their properties do not say more."""

    @property
    def decimal_separator(self) -> str:
        """The character before the decimals of a number."""

    @property
    def time_zone(self) -> str | None:
        """Time zone of timestamps without one."""

    @property
    def on_ambiguous_time(self) -> str:
        """Handling of a local time that occurs twice: refuse, earlier or later."""

    def form_of(self, kind: LogicalType) -> str | None:
        """The form of values of a type whose property says nothing."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """The conversion of one value. Each part is an expression of SQL over a text that is not null.

    Args:
        type: The type of the value.
        value: The converted value, or null.
        fits: Whether the value keeps its meaning.
        quick: A cheaper condition that implies ``fits`` and holds for most values.
    """

    type: str
    value: str
    fits: str = "true"
    quick: str | None = None

    def unfit(self, text: str, value: str, *, required: bool) -> str | None:
        """The condition of a value that does not fit; None if every value does.

        Args:
            text: Expression of the source's value.
            value: Expression that has the converted value, so that it is converted once.
            required: Whether null does not fit.
        """
        if self.fits == "true":
            return f"{text} IS NULL" if required else None
        # DuckDB evaluates both sides of OR for all rows, and a branch of CASE only where it is needed.
        fits = self.fits if self.quick is None else f"CASE WHEN {self.quick} THEN true ELSE {self.fits} END"
        fits = fits.replace(self.value, value)
        if required:
            return f"({text} IS NULL OR NOT coalesce({fits}, false))"
        return f"({text} IS NOT NULL AND NOT coalesce({fits}, false))"


def of_text(declared: SourceProperty, text: str, reading: Forms) -> Conversion:
    """The conversion of a text. Texts of arrays and objects are JSON.

    Args:
        declared: The property.
        text: Expression of the text.
        reading: Options of the port, for values whose property does not say more.
    """
    if declared.type in {LogicalType.OBJECT, LogicalType.ARRAY}:
        found = _of_json(declared, f"TRY_CAST({text} AS JSON)", reading)
        return Conversion(found.type, found.value, f"json_valid({text}) AND {found.fits}")
    found = _scalar(declared, text, reading)
    more = _allowed(declared, text, found.value)
    if not more:
        return found
    fits = f"({found.fits}) AND {' AND '.join(more)}"
    return Conversion(found.type, found.value, fits)


def of_native(declared: SourceProperty, value: str, kind: str, reading: Forms) -> Conversion:
    """The conversion of a value that has a type in the source. It fits if it can be turned back into the same value.

    Args:
        declared: The property.
        value: Expression of the value.
        kind: Type of the value in the source.
        reading: Options of the port.
    """
    if kind == "VARCHAR":
        return of_text(declared, value, reading)
    target = type_of(declared)
    if declared.type is LogicalType.TIME:
        converted = Conversion(target, f"CAST({value} AS VARCHAR)", "true" if kind.startswith("TIME") else "false")
    elif declared.type is LogicalType.TIMESTAMP:
        converted = _native_timestamp(declared, value, kind, reading)
    elif kind == target:
        converted = Conversion(target, value)
    else:
        back = f"TRY_CAST(TRY_CAST({value} AS {target}) AS {kind}) IS NOT DISTINCT FROM {value}"
        converted = Conversion(target, f"TRY_CAST({value} AS {target})", back)
    more = _allowed(declared, f"CAST({value} AS VARCHAR)", converted.value)
    if not more:
        return converted
    return Conversion(converted.type, converted.value, f"({converted.fits}) AND {' AND '.join(more)}")


def _native_timestamp(declared: SourceProperty, value: str, kind: str, reading: Forms) -> Conversion:
    if kind == "TIMESTAMP WITH TIME ZONE":
        return Conversion(type_of(declared), value)
    if not kind.startswith("TIMESTAMP"):
        return Conversion(type_of(declared), f"CAST(NULL AS {type_of(declared)})", "false")
    local = f"TRY_CAST({value} AS TIMESTAMP)"
    exact = f"CAST({local} AS {kind}) IS NOT DISTINCT FROM {value}"
    found = _in_zone(local, declared.time_zone or reading.time_zone, reading)
    return Conversion(found.type, found.value, f"{exact} AND {found.fits}")


def _allowed(declared: SourceProperty, text: str, value: str) -> list[str]:
    """The conditions of ``enum``, ``pattern`` and range."""
    conditions = []
    if declared.enum is not None:
        numbers = declared.type in {LogicalType.INTEGER, LogicalType.NUMBER}
        allowed = ", ".join(str(each) if numbers else quoted(str(each)) for each in declared.enum)
        conditions.append(f"{value if numbers else text} IN ({allowed})")
    if declared.pattern is not None:
        conditions.append(f"regexp_matches({text}, {quoted(declared.pattern)})")
    for bound, sign in ((declared.minimum, ">="), (declared.maximum, "<=")):
        if bound is not None:
            written = str(bound) if not isinstance(bound, str) else f"CAST({quoted(bound)} AS {type_of(declared)})"
            conditions.append(f"{value} {sign} {written}")
    return conditions


def _scalar(declared: SourceProperty, text: str, reading: Forms) -> Conversion:
    target = type_of(declared)
    match declared.type:
        case LogicalType.INTEGER:
            value = f"TRY_CAST({text} AS BIGINT)"
            form = _form(text, r"[-+]?\d+(\.0*)?")
            return Conversion(target, value, f"{form} AND {value} IS NOT NULL", f"{text} = CAST({value} AS VARCHAR)")
        case LogicalType.NUMBER if declared.precision is not None:
            plain = _with_point(text, reading)
            value = f"TRY_CAST({plain} AS {target})"
            form = _form(
                plain, rf"[-+]?(\d+\.?|\d*\.\d{{1,{declared.scale}}}0*)" if declared.scale else r"[-+]?\d+(\.0*)?"
            )
            # A cheap test: as many characters after the point as there are decimals, and a number all the same.
            scale = declared.scale or 0
            quick = f"{plain} = CAST({value} AS VARCHAR)"
            if scale:
                cents = f"right({plain}, {scale}) BETWEEN '{'0' * scale}' AND '{'9' * scale}'"
                point = f"substr({plain}, -{scale + 1}, 1) = '.'"
                quick = f"({point} AND {cents} AND NOT contains({plain}, '_') AND {value} IS NOT NULL)"
            return Conversion(target, value, f"{form} AND {value} IS NOT NULL", quick)
        case LogicalType.NUMBER:
            return _double(_with_point(text, reading))
        case LogicalType.BOOLEAN:
            value = f"TRY_CAST({text} AS BOOLEAN)"
            return Conversion(target, value, f"{value} IS NOT NULL")
        case LogicalType.DATE | LogicalType.TIME | LogicalType.TIMESTAMP:
            return _moment(declared, text, reading)
        case _:
            return Conversion(target, text)


def _double(text: str) -> Conversion:
    value = f"TRY_CAST({text} AS DOUBLE)"
    form = _form(text, r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
    # Compare digits without sign, point, exponent and the zeros around them: more than 15 need the number itself.
    digits = f"length(regexp_replace(split_part(lower({text}), 'e', 1), '^[-+]?[0.]*|[.]|[.]?0*$', '', 'g'))"
    exact = (
        f"({digits} <= {_DIGITS_OF_A_DOUBLE} OR TRY_CAST({text} AS DECIMAL(38,18)) = "
        f"TRY_CAST(CAST({value} AS VARCHAR) AS DECIMAL(38,18)))"
    )
    fits = f"{form} AND isfinite({value}) AND {exact}"
    short = f"(length({text}) <= {_DIGITS_OF_A_DOUBLE} AND NOT contains({text}, '_'))"
    quick = f"(isfinite({value}) AND ({short} OR {text} = CAST({value} AS VARCHAR)))"
    return Conversion("DOUBLE", value, fits, quick)


def _moment(declared: SourceProperty, text: str, reading: Forms) -> Conversion:
    kind, target = declared.type, type_of(declared)
    form = declared.format or reading.form_of(kind)
    zone = declared.time_zone or reading.time_zone
    if form is not None:
        return _in_form(form, kind, text, zone, reading)
    if kind is LogicalType.TIME:
        return Conversion(target, text, f"{_form(text, _CLOCK)} AND TRY_CAST({text} AS TIME) IS NOT NULL")
    if kind is LogicalType.DATE:
        value = f"TRY_CAST({text} AS DATE)"
        quick = f"(length({text}) = 10 AND {value} >= DATE '{_FIRST_PLAIN_YEAR}')"
        return Conversion(target, value, f"{_form(text, _DATE)} AND {value} IS NOT NULL", quick)
    instant = f"TRY_CAST({text} AS {target})"
    has_zone = _form(text, rf"{_DATE}[T ]{_CLOCK}{_OFFSET}")
    fits = f"({has_zone} AND {instant} IS NOT NULL)"
    value = instant
    if zone is not None:
        local = _in_zone(f"TRY_CAST({text} AS TIMESTAMP)", zone, reading)
        value = f"CASE WHEN ends_with({text}, 'Z') OR {has_zone} THEN {instant} ELSE {local.value} END"
        zoneless = _form(text, rf"{_DATE}[T ]{_CLOCK}")
        fits = f"({fits} OR ({zoneless} AND {local.fits}))"
    plain = f"TIMESTAMPTZ '{_FIRST_PLAIN_YEAR} 00:00:00+00'"
    quick = f"(ends_with({text}, 'Z') AND length({text}) BETWEEN 20 AND 27 AND {value} >= {plain})"
    return Conversion(target, value, fits, quick)


def _in_form(form: str, kind: LogicalType, text: str, zone: str | None, reading: Forms) -> Conversion:
    """The conversion of a date or time in a declared form. Turned back into text, it is the same text."""
    specified = quoted(specifiers(form, kind.value))
    parsed = f"try_strptime({text}, {specified})"
    same = f"strftime({parsed}, {specified}) = {text}"
    if kind is LogicalType.DATE:
        return Conversion("DATE", f"CAST({parsed} AS DATE)", same)
    if kind is LogicalType.TIME:
        return Conversion("VARCHAR", f"CAST(CAST({parsed} AS TIME) AS VARCHAR)", same)
    if has_offset(form):
        # The text has an offset and the value has none, so the two cannot be compared.
        target = "TIMESTAMP WITH TIME ZONE"
        return Conversion(target, f"CAST({parsed} AS {target})", f"{parsed} IS NOT NULL")
    found = _in_zone(parsed, zone, reading)
    return Conversion(found.type, found.value, f"{same} AND {found.fits}")


def _in_zone(local: str, zone: str | None, reading: Forms) -> Conversion:
    """The instant of a local time. A time that a change of the clock skips does not fit."""
    target = "TIMESTAMP WITH TIME ZONE"
    if zone is None:
        return Conversion(target, f"CAST(NULL AS {target})", "false")
    name = quoted(zone)
    instant = f"timezone({name}, {local})"
    if zone in _UTC:
        return Conversion(target, instant, f"{instant} IS NOT NULL")
    earlier, later = (f"{instant} {sign} INTERVAL 1 HOUR" for sign in "-+")
    twice_before = f"timezone({name}, {earlier}) = {local}"
    twice_after = f"timezone({name}, {later}) = {local}"
    exists = f"timezone({name}, {instant}) = {local}"
    if reading.on_ambiguous_time == "refuse":
        return Conversion(target, instant, f"{exists} AND NOT {twice_before} AND NOT {twice_after}")
    if reading.on_ambiguous_time == "earlier":
        return Conversion(target, f"CASE WHEN {twice_before} THEN {earlier} ELSE {instant} END", exists)
    return Conversion(target, f"CASE WHEN {twice_after} THEN {later} ELSE {instant} END", exists)


def _of_json(declared: SourceProperty, value: str, reading: Forms, depth: int = 0) -> Conversion:
    """The conversion of a JSON value. Keys of objects that are not declared do not fit."""
    empty = f"({value} IS NULL OR json_type({value}) = 'NULL')"
    if declared.type is LogicalType.OBJECT:
        parts = {
            name: _of_json(part, f"json_extract({value}, {quoted(json_path(part.column or name))})", reading, depth)
            for name, part in (declared.properties or {}).items()
        }
        packed = ", ".join(f"{identifier(name)} := {part.value}" for name, part in parts.items())
        known = ", ".join(quoted(part.column or name) for name, part in (declared.properties or {}).items())
        unknown = f"len(list_filter(json_keys({value}), lambda k{depth}: k{depth} NOT IN ({known}))) = 0"
        inside = " AND ".join([f"json_type({value}) = 'OBJECT'", unknown, *(part.fits for part in parts.values())])
        kind = type_of(declared)
        return Conversion(
            kind, f"CASE WHEN {empty} THEN NULL ELSE struct_pack({packed}) END", f"({empty} OR ({inside}))"
        )
    if declared.type is LogicalType.ARRAY:
        each = f"v{depth}"
        item = _of_json(declared.items or SourceProperty(type=LogicalType.STRING), each, reading, depth + 1)
        listed = f"json_extract({value}, '$[*]')"
        kind = type_of(declared)
        return Conversion(
            kind,
            f"CASE WHEN {empty} THEN NULL "
            f"ELSE CAST(list_transform({listed}, lambda {each}: {item.value}) AS {kind}) END",
            f"({empty} OR (json_type({value}) = 'ARRAY' AND "
            f"len(list_filter({listed}, lambda {each}: NOT ({item.fits}))) = 0))",
        )
    text = f"json_extract_string({value}, '$')"
    found = of_text(declared, text, reading)
    null = "false" if declared.required else "true"
    return Conversion(
        found.type,
        f"CASE WHEN {empty} THEN NULL ELSE {found.value} END",
        f"CASE WHEN {empty} THEN {null} ELSE coalesce({found.fits}, false) END",
    )


def json_path(key: str) -> str:
    """The path of a key of a JSON object."""
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'


def _with_point(text: str, reading: Forms) -> str:
    if reading.decimal_separator == ".":
        return text
    # A point would be a separator of thousands, and does not fit.
    return (
        f"CASE WHEN contains({text}, '.') THEN NULL ELSE replace({text}, {quoted(reading.decimal_separator)}, '.') END"
    )


def _form(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {quoted(pattern)})"
