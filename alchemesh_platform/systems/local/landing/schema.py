"""The schema of a landing area: one for all its files, by the declaration of the port or by what its files have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.machine.landing.json_structure import merged, settled, type_of_structure
from alchemesh_platform.machine.landing.source_columns import LandedColumn, SourceColumn, in_words, landed_columns
from alchemesh_platform.systems.local.landing.found import Found
from alchemesh_platform.systems.local.landing.reading import Reading
from alchemesh_platform.systems.local.landing.source_files import SourceFailed

Columns = tuple[LandedColumn, ...]
_SHOWN_MAX = 5


def settle(recorded: Columns | None, found: Iterable[Found], reading: Reading) -> Columns:
    """The schema after an ingestion of files.

    Args:
        recorded: The schema so far; None if nothing was landed with these options.
        found: The files to land.
        reading: How files are read, with the declared columns and the rule for new ones.

    Raises:
        SourceFailed: when a file brings other columns, or other types, than the schema and the rule allow.
    """
    if reading.columns is not None:
        schema = recorded or landed_columns(reading.columns)
        for file in found:
            schema = _declared(schema, reading.columns, file, reading)
        return schema
    if reading.format == "json":
        return _of_objects(recorded, list(found), reading)
    undeclared = recorded
    for file in found:
        undeclared = _of_file(file) if undeclared is None else _next(undeclared, file, reading)
    return undeclared or ()


def _declared(schema: Columns, declared: Sequence[SourceColumn], file: Found, reading: Reading) -> Columns:
    if file.blank or (reading.format == "json" and reading.on_new_column == "ignore"):
        return schema
    known = {column.source_name.casefold() for column in declared}
    _check_missing(file, [column.source_name for column in declared], reading)
    required = [column.source_name for column in declared if column.required]
    if reading.format != "json":
        _check_missing(file, required, reading, rule="refuse")
    return _with_new(schema, file, [name for name in file.names if name.casefold() not in known], reading)


def _of_file(file: Found) -> Columns:
    pairs = zip(file.names, file.types, strict=True)
    return tuple(LandedColumn(name=name, type=kind) for name, kind in pairs)


def _next(schema: Columns, file: Found, reading: Reading) -> Columns:
    known = {column.name.casefold(): column for column in schema}
    for name, kind in zip(file.names, file.types, strict=True):
        column = known.get(name.casefold())
        if column is not None and column.type != kind:
            raise _other_type(file, name, kind, column)
    _check_missing(file, [column.name for column in schema], reading)
    return _with_new(schema, file, [name for name in file.names if name.casefold() not in known], reading)


def _of_objects(recorded: Columns | None, found: Sequence[Found], reading: Reading) -> Columns:
    """The schema of JSON files. An object may lack any key, so all new files together define the first schema."""
    if recorded is None:
        structures: dict[str, object] = {}
        spelt: dict[str, str] = {}
        for file in found:
            for name, structure in zip(file.names, file.structures, strict=True):
                key = spelt.setdefault(name.casefold(), name)
                structures[key] = merged(structures[key], structure) if key in structures else structure
        whole = {name: settled(structure) for name, structure in structures.items()}
        return tuple(
            LandedColumn(name=name, type=type_of_structure(structure), structure=structure)
            for name, structure in whole.items()
        )
    schema = recorded
    for file in found:
        known = {column.name.casefold(): column for column in schema}
        for name, structure in zip(file.names, file.structures, strict=True):
            column = known.get(name.casefold())
            if column is None or column.type == "VARCHAR" or column.structure is None:
                continue
            kind = type_of_structure(settled(merged(column.structure, structure)))
            if kind != column.type:
                raise _other_type(file, name, kind, column)
        schema = _with_new(schema, file, [name for name in file.names if name.casefold() not in known], reading)
    return schema


def _with_new(schema: Columns, file: Found, new: Sequence[str], reading: Reading) -> Columns:
    known = {column.name.casefold() for column in schema}
    fresh = [name for name in new if name.casefold() not in known]
    if not fresh or reading.on_new_column == "ignore":
        return schema
    if reading.on_new_column == "refuse":
        has, are = ("a column", "is") if len(fresh) == 1 else ("columns", "are")
        raise SourceFailed(
            f"{file.source.path}:1: {_listed(fresh)} {are} not in the schema of the port, which has "
            f"{_listed([column.name for column in schema])}",
            hint=f"add {has} to the schema, or set `on_new_column: add` or `on_new_column: ignore`",
        )
    return (*schema, *_added(file, fresh))


def _added(file: Found, names: Sequence[str]) -> Iterator[LandedColumn]:
    types = dict(zip(file.names, file.types, strict=True))
    structures = dict(zip(file.names, file.structures, strict=False))
    for name in names:
        structure = settled(structures[name]) if name in structures else None
        kind = types[name] if structure is None else type_of_structure(structure)
        yield LandedColumn(name=name, type=kind, structure=structure)


def _check_missing(file: Found, names: Sequence[str], reading: Reading, *, rule: str | None = None) -> None:
    if (rule or reading.on_new_column) == "add" or reading.format == "json" or file.blank:
        return
    has = {name.casefold() for name in file.names}
    missing = [name for name in names if name.casefold() not in has]
    if missing:
        raise SourceFailed(
            f"{file.source.path}:1: the file has no column {_listed(missing)}; it has {_listed(file.names)}",
            hint="fix the file; if only newer files have the column, make it optional and set `on_new_column: add`",
        )


def _other_type(file: Found, name: str, kind: str, column: LandedColumn) -> SourceFailed:
    return SourceFailed(
        f"{file.source.path}: column {name} is {in_words(kind)}, and {in_words(column.type)} in other files",
        hint=remedy("{} proposes a schema that fits all files", command("ports", "infer")),
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_SHOWN_MAX])
    more = len(names) - _SHOWN_MAX
    return f"{shown} and {more} more" if more > 0 else shown
