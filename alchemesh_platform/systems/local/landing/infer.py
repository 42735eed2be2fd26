"""Proposes a schema from all source files of a port at once, and names what other types would lose."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.names import IDENTIFIER_PATTERN
from alchemesh_platform.base.sql import identifier, quoted
from alchemesh_platform.data.in_memory import open_duckdb
from alchemesh_platform.documents.patterns import corrected
from alchemesh_platform.machine.landing.conversion import of_text
from alchemesh_platform.machine.landing.json_structure import MIXED
from alchemesh_platform.machine.landing.source_columns import TEXT, LandedColumn
from alchemesh_platform.manifest.models import LogicalType, SourceProperty
from alchemesh_platform.sdk.proposal import ProposedProperty
from alchemesh_platform.systems.local.landing.ingestion import ingest
from alchemesh_platform.systems.local.landing.reading import Reading

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_DATE_FORMS = (None, "dd.MM.yyyy", "dd/MM/yyyy", "MM/dd/yyyy", "yyyyMMdd", "yyyy/MM/dd")
_LONGEST_DECIMAL = 38
_TYPES = {
    "BIGINT": LogicalType.INTEGER,
    "DOUBLE": LogicalType.NUMBER,
    "FLOAT": LogicalType.NUMBER,
    "BOOLEAN": LogicalType.BOOLEAN,
    "DATE": LogicalType.DATE,
    TEXT: LogicalType.STRING,
    MIXED: LogicalType.STRING,
    "TIMESTAMP WITH TIME ZONE": LogicalType.TIMESTAMP,
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"), LogicalType.INTEGER),
}
_ZONELESS = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")


def infer(source: str, root: Path, reading: Reading) -> list[ProposedProperty]:
    """A schema that every row of all files fits.

    Args:
        source: Path or glob of the files.
        root: Folder that a relative path starts from.
        reading: How the files are read. Declared columns are ignored.

    Raises:
        SourceFailed: when a file cannot be read.
    """

    undeclared = replace(reading, columns=None, on_new_column="add", on_bad_row="fail")
    with tempfile.TemporaryDirectory(prefix="alchemesh-infer-") as folder:
        found = ingest(source, root, Path(folder), undeclared)
        if not found.rows:
            return [_proposed(column.name, SourceProperty(type=LogicalType.STRING), ()) for column in found.columns]
        with open_duckdb({"memory_limit": "1GB"}) as connection:
            rows = f"read_parquet({quoted(str(Path(folder) / '*.parquet'))})"
            return _unique([_of_column(connection, rows, column, undeclared) for column in found.columns])


def _of_column(connection: DuckDBPyConnection, rows: str, column: LandedColumn, reading: Reading) -> ProposedProperty:
    name = identifier(column.name)
    row = connection.execute(f"SELECT count(*), count({name}) FROM {rows}").fetchone()  # noqa: S608 - quoted
    required = row is not None and row[0] == row[1]
    if column.structure is not None and not isinstance(column.structure, str):
        return _proposed(column.name, _of_structure(column.structure, required=required), ())
    if column.type in _ZONELESS:
        loss = "its times have no zone: set `time_zone` for the port or the property"
        return _proposed(column.name, SourceProperty(type=LogicalType.TIMESTAMP, required=required), (loss,))
    decimal = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", column.type)
    if decimal is not None:
        declared = SourceProperty(
            type=LogicalType.NUMBER, precision=int(decimal[1]), scale=int(decimal[2]), required=required
        )
        return _proposed(column.name, declared, ())
    if column.type != TEXT:
        kind = _TYPES.get(column.type, LogicalType.STRING)
        return _proposed(column.name, SourceProperty(type=kind, required=required), ())
    texts = f"(SELECT {name} AS text FROM {rows} WHERE {name} IS NOT NULL)"  # noqa: S608 - quoted
    return _of_texts(_Texts(connection, texts, reading), column.name, required=required)


class _Texts:
    """The texts of one column, with questions about all of them."""

    def __init__(self, connection: DuckDBPyConnection, rows: str, reading: Reading) -> None:
        self.connection = connection
        self.rows = rows
        self.reading = reading

    def all(self, condition: str) -> bool:
        """Whether a condition holds for every text, and there is one."""
        return self._one(f"SELECT count(*) > 0 AND coalesce(bool_and(coalesce({condition}, false)), false)") is True

    def first(self, condition: str) -> str | None:
        """An example of a text for which a condition holds."""
        found = self._one(f"SELECT min(text) FILTER (WHERE {condition})")
        return None if found is None else str(found)

    def fit(self, declared: SourceProperty) -> bool:
        """Whether every text fits a declaration."""
        return self.all(of_text(declared, "text", self.reading).fits)

    def digits(self) -> tuple[int, int]:
        """The most digits before and after the separator of decimals."""
        point = quoted(self.reading.decimal_separator)
        bare = "ltrim(text, '+-')"
        whole = self._one(f"SELECT max(length(ltrim(split_part({bare}, {point}, 1), '0')))")
        return int(whole), int(self._one(f"SELECT max(length(split_part({bare}, {point}, 2)))"))

    def _one(self, select: str) -> Any:
        row = self.connection.execute(f"{select} FROM {self.rows}").fetchone()
        return None if row is None else row[0]


def _of_texts(texts: _Texts, name: str, *, required: bool) -> ProposedProperty:
    declared, losses = _type_of_texts(texts)
    return _proposed(name, declared.model_copy(update={"required": required}), tuple(losses))


def _type_of_texts(texts: _Texts) -> tuple[SourceProperty, list[str]]:
    text = SourceProperty(type=LogicalType.STRING)
    padded = texts.first("regexp_matches(text, '^[-+]?0[0-9]')")
    if texts.all("lower(text) IN ('true', 'false')"):
        return SourceProperty(type=LogicalType.BOOLEAN), []
    integer = SourceProperty(type=LogicalType.INTEGER)
    if texts.all("regexp_full_match(text, '[-+]?[0-9]+')"):
        dates = _dates(texts)
        if padded is not None:
            return text, [f"integer would lose the zeros before a number: {padded}"]
        if not texts.fit(integer):
            longest = texts.first("TRY_CAST(text AS BIGINT) IS NULL")
            return text, [f"integer holds 64 bits, which are fewer than {longest} needs"]
        return integer, [f"these may be dates of the form {form}" for form in dates if form is not None]
    return _fraction(texts, padded) or _moment(texts) or (text, list(_near(texts)))


def _fraction(texts: _Texts, padded: str | None) -> tuple[SourceProperty, list[str]] | None:
    point = re.escape(texts.reading.decimal_separator)
    if texts.all(rf"regexp_full_match(text, '[-+]?\d+({point}\d+)?')"):
        if padded is not None:
            return SourceProperty(type=LogicalType.STRING), [f"number would lose the zeros before it: {padded}"]
        whole, scale = texts.digits()
        losses = []
        uneven = texts.first(rf"regexp_matches(text, '{point}\d*0$') AND length(text) > 0")
        if uneven is not None and not texts.all(rf"regexp_matches(text, '{point}\d{{{scale}}}$')"):
            losses = [
                f"number would lose how a value is written, as in {uneven}: declare string for versions and codes"
            ]
        if whole + scale > _LONGEST_DECIMAL:
            return SourceProperty(type=LogicalType.STRING), ["number has more digits than a decimal holds"]
        spare = min(_LONGEST_DECIMAL, max(whole + scale + 2, 10))
        return SourceProperty(type=LogicalType.NUMBER, precision=spare, scale=scale), losses
    return None


def _moment(texts: _Texts) -> tuple[SourceProperty, list[str]] | None:
    forms = _dates(texts)
    if len(forms) > 1:
        named = " and ".join(str(form) for form in forms)
        return SourceProperty(type=LogicalType.STRING), [f"date is not clear, every value fits {named}: set `format`"]
    if forms:
        return SourceProperty(type=LogicalType.DATE, format=forms[0]), []
    timestamp = SourceProperty(type=LogicalType.TIMESTAMP)
    if texts.fit(timestamp):
        return timestamp, []
    with_zone = timestamp.model_copy(update={"time_zone": "UTC"})
    if texts.fit(with_zone):
        loss = "timestamp needs to know the zone of these times: set `time_zone`, and type timestamp"
        return SourceProperty(type=LogicalType.STRING), [loss]
    time = SourceProperty(type=LogicalType.TIME)
    return (time, []) if texts.fit(time) else None


def _dates(texts: _Texts) -> list[str | None]:
    return [form for form in _DATE_FORMS if texts.fit(SourceProperty(type=LogicalType.DATE, format=form))]


def _near(texts: _Texts) -> Iterator[str]:
    """Values that keep a column from being numbers."""
    number = of_text(SourceProperty(type=LogicalType.NUMBER), "text", texts.reading).fits
    share = f"count(*) FILTER (WHERE coalesce({number}, false)) >= 0.9 * count(*)"
    if texts._one(f"SELECT {share}"):
        yield f"number fits most values, but not {texts.first(f'NOT coalesce({number}, false)')}"
    code = texts.first(r"regexp_full_match(text, '\d+[eE]\d+')")
    if code is not None:
        yield f"number would read {code} as a power of ten"


def _of_structure(structure: Any, *, required: bool = False) -> SourceProperty:
    if isinstance(structure, dict):
        parts = {key: _of_structure(part) for key, part in structure.items()}
        names = dict(zip(parts, _names(list(parts)), strict=True))
        properties = {
            names[key]: part if names[key] == key else part.model_copy(update={"column": key})
            for key, part in parts.items()
        }
        return SourceProperty(type=LogicalType.OBJECT, properties=properties, required=required)
    if isinstance(structure, list):
        return SourceProperty(type=LogicalType.ARRAY, items=_of_structure(structure[0]), required=required)
    return SourceProperty(type=_TYPES.get(str(structure), LogicalType.STRING), required=required)


def _proposed(name: str, declared: SourceProperty, losses: tuple[str, ...]) -> ProposedProperty:
    return ProposedProperty(name, declared, losses)


def _unique(found: Sequence[ProposedProperty]) -> list[ProposedProperty]:
    names = _names([each.name for each in found])
    return [each if name == each.name else _renamed(each, name) for name, each in zip(names, found, strict=True)]


def _renamed(proposed: ProposedProperty, name: str) -> ProposedProperty:
    return replace(proposed, name=name, declared=proposed.declared.model_copy(update={"column": proposed.name}))


def _names(columns: Sequence[str]) -> list[str]:
    """A name in snake case for each column, all different."""
    names: list[str] = []
    for at, column in enumerate(columns, start=1):
        name = column if re.fullmatch(IDENTIFIER_PATTERN, column) else corrected(IDENTIFIER_PATTERN, column)
        name = name or f"column_{at}"
        names.append(f"{name}_{at}" if name in names else name)
    return names
