"""Reads the schema of an ODCS contract as semantic models."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, NamedTuple

from alchemesh_platform.base.names import IDENTIFIER_MAX, IDENTIFIER_PATTERN
from alchemesh_platform.base.units import parse_duration
from alchemesh_platform.contracts.odcs import terms as odcs
from alchemesh_platform.contracts.odcs.reading import Reading, fitting
from alchemesh_platform.documents.document import Path, quoted
from alchemesh_platform.manifest.models import LogicalType, Property, Relationship, SemanticModel
from alchemesh_platform.manifest.ranges import ORDERED

if TYPE_CHECKING:
    from open_data_contract_standard.model import Relationship as OdcsRelationship
    from open_data_contract_standard.model import SchemaObject, SchemaProperty

_MOMENTS = (LogicalType.TIMESTAMP, LogicalType.DATE)
_PARTS = {LogicalType.OBJECT, LogicalType.ARRAY}
# The required types of an enum's values; other types have no enum.
_VALUES: dict[LogicalType, tuple[type, ...]] = {
    LogicalType.STRING: (str,),
    LogicalType.INTEGER: (int,),
    LogicalType.NUMBER: (int, float),
}
DIGITS_MAX = 38  # of a decimal
_DECIMAL = re.compile(
    r"\s*(decimal|dec|numeric|bignumeric|bigdecimal|number)\s*"
    r"\(\s*(?P<precision>\d{1,4})\s*(,\s*(?P<scale>\d{1,4})\s*)?\)\s*",
    re.IGNORECASE | re.ASCII,
)
_ISO: dict[LogicalType, Callable[[str], object]] = {
    LogicalType.DATE: date.fromisoformat,
    LogicalType.TIME: time.fromisoformat,
    LogicalType.TIMESTAMP: datetime.fromisoformat,
}


class ImportedModel(NamedTuple):
    """An imported model."""

    model: SemanticModel
    source: SchemaObject
    path: Path
    properties: Mapping[str, str]  # name in the manifest, by name in the document


def read_models(objects: Sequence[SchemaObject], reading: Reading) -> dict[str, ImportedModel]:
    """The models of all objects of the schema that can be imported, by name, in the order of the document."""
    names: dict[str, str] = {}
    taken: dict[str, ImportedModel] = {}
    for index, source in enumerate(objects):
        path: Path = ("schema", index)
        properties = _properties(source.properties, (*path, "properties"), reading, top=True)
        if not properties:
            reading.leave(path, "found no property that can be taken over, expected at least one")
            continue
        name = _name(source.name, path, set(taken), reading)
        if name is None:
            continue
        names[source.name or ""] = name
        reading.take((*path, "logicalType"), (*path, "description"), (*path, "businessName"))
        model = SemanticModel(
            description=source.description or "",
            entity=source.businessName,
            properties={key: one for key, (_, one) in properties.items()},
        )
        read = ImportedModel(model, source, path, {found: key for key, (found, _) in properties.items()})
        taken[name] = _timed(read, reading)
    return {name: _related(one, names, taken, reading) for name, one in taken.items()}


def _timed(one: ImportedModel, reading: Reading) -> ImportedModel:
    """The model with its times, as far as they name properties of it with a moment."""
    customs = reading.customs(one.path, one.source.customProperties)
    found: dict[str, Any] = {}
    for key, name in (("event_time", odcs.EVENT_TIME), ("ingestion_time", odcs.INGESTION_TIME)):
        custom = customs.get(name)
        held = one.properties.get(custom.value) if custom is not None and isinstance(custom.value, str) else None
        if custom is not None and held is not None and one.model.properties[held].type in _MOMENTS:
            found[key] = held
            reading.take(custom.path)
    limit = customs.get(odcs.TIMELINESS)
    if limit is not None and len(found) == len(odcs.TIMES):
        with suppress(ValueError):
            found["timeliness"] = parse_duration(limit.value)
            reading.take(limit.path)
    return one._replace(model=one.model.model_copy(update=found))


def _properties(
    sources: Sequence[SchemaProperty] | None, path: Path, reading: Reading, *, top: bool = False
) -> dict[str, tuple[str, Property]]:
    """The properties by name, each with its name in the document."""
    properties: dict[str, tuple[str, Property]] = {}
    position = 0
    for index, source in enumerate(sources or ()):
        place = (*path, index)
        kind = _kind(source, place, reading)
        name = _name(source.name, place, set(properties), reading) if kind is not None else None
        if kind is None or name is None:
            continue
        one = _property(source, kind, place, reading, top=top)
        if one.key:
            position += 1
        if source.primaryKeyPosition in {None, -1, position}:
            reading.take((*place, "primaryKeyPosition"))
        properties[name] = (source.name or "", one)
    return properties


def _kind(source: SchemaProperty, path: Path, reading: Reading) -> LogicalType | None:
    if source.logicalType in set(LogicalType):
        reading.take((*path, "logicalType"))
        return LogicalType(source.logicalType)
    if source.logicalType is None:
        reading.leave(path, f"found no logicalType of {quoted(source.name or '')}", "say which one it is of")
    else:
        reading.leave(
            (*path, "logicalType"),
            f"found {quoted(source.logicalType)}, expected one of {', '.join(LogicalType)}",
            "the property is left out with it",
        )
        reading.take(path)
    return None


def _name(found: str | None, path: Path, used: set[str], reading: Reading) -> str | None:
    if found is None:
        reading.leave(path, "found no name")
        return None
    name = reading.text((*path, "name"), found, IDENTIFIER_PATTERN, IDENTIFIER_MAX)
    if name in used:
        reading.leave(path, f"found {quoted(name)} twice, expected a unique name")
        return None
    if name is None:
        reading.take(path)
    return name


def _property(source: SchemaProperty, kind: LogicalType, path: Path, reading: Reading, *, top: bool) -> Property:
    flags = ("required", "description", "classification")
    reading.take(*((*path, name) for name in flags))
    unique = bool(source.unique) and kind not in _PARTS
    if unique or not source.unique:
        reading.take((*path, "unique"))
    key = bool(source.primaryKey) and top and kind not in _PARTS
    if key or not source.primaryKey:
        reading.take((*path, "primaryKey"))
    parts, items = None, None
    if kind is LogicalType.OBJECT and source.properties is not None:
        reading.take(*([(*path, "properties")] if not source.properties else []))
        parts = {name: one for name, (_, one) in _properties(source.properties, (*path, "properties"), reading).items()}
    if kind is LogicalType.ARRAY and source.items is not None:
        items = _items(source.items, (*path, "items"), reading)
    precision, scale = _decimal(source, kind, path, reading)
    return Property(
        type=kind,
        description=source.description or "",
        required=bool(source.required),
        key=key,
        unique=unique,
        enum=_enum(source, kind, path, reading),
        pattern=_pattern(source, kind, path, reading),
        minimum=_bound("minimum", source, kind, path, reading),
        maximum=_bound("maximum", source, kind, path, reading),
        precision=precision,
        scale=scale,
        classification=source.classification,
        properties=parts,
        items=items,
    )


def _items(source: SchemaProperty, path: Path, reading: Reading) -> Property | None:
    kind = _kind(source, path, reading)
    return None if kind is None else _property(source, kind, path, reading, top=False)


def _enum(
    source: SchemaProperty, kind: LogicalType, path: Path, reading: Reading
) -> tuple[str | int | float, ...] | None:
    """The values of an enum if all of them can be imported, since fewer values would change its meaning."""
    found: list[Any] | None = None if source.enum is None else [one.value for one in source.enum]
    own = reading.customs(path, source.customProperties).get(odcs.ENUM)
    if own is not None and isinstance(own.value, list):
        found = own.value
    if found is None:
        return None
    if not all(_is_of(kind, value) for value in found):
        reading.leave((*path, "enum"), f"found an enum with values that are not of type {kind}")
        return None
    if own is not None:
        reading.take(own.path)
    reading.take(*((*path, "enum", index, "value") for index in range(len(source.enum or ()))))
    return tuple(found)


def _is_of(kind: LogicalType, value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if kind not in _ISO:
        return isinstance(value, _VALUES.get(kind, ()))
    try:
        return isinstance(value, str) and _ISO[kind](value) is not None
    except ValueError:
        return False


def _pattern(source: SchemaProperty, kind: LogicalType, path: Path, reading: Reading) -> str | None:
    pattern = (source.logicalTypeOptions or {}).get("pattern")
    if not isinstance(pattern, str) or kind is not LogicalType.STRING:
        return None
    place = (*path, "logicalTypeOptions", "pattern")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        # ODCS uses regular expressions of ECMA-262, and a manifest those of Python.
        reading.leave(place, f"found {quoted(pattern)}, expected a regular expression of Python: {error}")
        return None
    reading.take(place)
    return pattern


def _bound(
    name: str, source: SchemaProperty, kind: LogicalType, path: Path, reading: Reading
) -> int | float | str | None:
    bound: Any = (source.logicalTypeOptions or {}).get(name)
    if bound is None or kind.value not in ORDERED:
        return None
    place = (*path, "logicalTypeOptions", name)
    if not _is_of(kind, bound):
        reading.leave(place, f"found {quoted(str(bound))}, expected a value of type {kind}")
        return None
    reading.take(place)
    found: int | float | str = bound
    return found


def _decimal(source: SchemaProperty, kind: LogicalType, path: Path, reading: Reading) -> tuple[int | None, int | None]:
    """Precision and scale of an exact decimal, which ODCS has in the physical type only."""
    found = _DECIMAL.fullmatch(source.physicalType or "")
    if found is None or kind is not LogicalType.NUMBER:
        return None, None
    precision = int(found["precision"])
    scale = None if found["scale"] is None else int(found["scale"])
    if not 1 <= precision <= DIGITS_MAX or (scale or 0) > precision:
        expected = f"expected 1 to {DIGITS_MAX} digits, of which the scale is a part"
        reading.leave((*path, "physicalType"), f"found {quoted(source.physicalType or '')}, {expected}")
        return None, None
    reading.take((*path, "physicalType"))
    return precision, scale


def _related(
    one: ImportedModel, names: Mapping[str, str], models: Mapping[str, ImportedModel], reading: Reading
) -> ImportedModel:
    """The model with its relationships. They need the imported names of all models."""
    relationships = []
    for index, source in enumerate(one.source.relationships or ()):
        place = (*one.path, "relationships", index)
        relationships.append(_relationship(source, source.from_, place, one, names, models, reading))
    for index, held in enumerate(one.source.properties or ()):
        for at, source in enumerate(held.relationships or ()):
            place = (*one.path, "properties", index, "relationships", at)
            here = f"{one.source.name}.{held.name}"  # a relationship of a property starts at the property
            relationships.append(_relationship(source, here, place, one, names, models, reading))
    found = [relationship for relationship in relationships if relationship is not None]
    own = reading.customs(one.path, one.source.customProperties).get(odcs.RELATIONSHIPS)
    for index, entry in enumerate(own.value if own is not None and isinstance(own.value, list) else ()):
        assert own is not None  # noqa: S101 - or there would be no entries
        place = (*own.path, "value", index)
        parts = dict(entry) if isinstance(entry, dict) else {}
        position = parts.pop("index", None)
        relationship = fitting(Relationship, parts)
        if isinstance(position, int) and relationship is not None:
            found.insert(position, relationship)
            reading.take(place, (*own.path, "property"), (*own.path, "vendor"))
    return one._replace(model=one.model.model_copy(update={"relationships": tuple(found)}))


def _relationship(
    source: OdcsRelationship,
    begins: str | list[str] | None,
    path: Path,
    one: ImportedModel,
    names: Mapping[str, str],
    models: Mapping[str, ImportedModel],
    reading: Reading,
) -> Relationship | None:
    here = [_reference(text) for text in ([begins] if isinstance(begins, str) else begins or [])]
    there = [_reference(text) for text in ([source.to] if isinstance(source.to, str) else source.to or [])]
    targets = {names.get(model) for model, _ in there}
    target = targets.pop() if len(targets) == 1 else None
    pairs: dict[str, str] = {}
    for (model, mine), (_, theirs) in zip(here, there, strict=False):
        if target is not None and model == one.source.name and mine in one.properties:
            other = models[target].properties.get(theirs)
            if other is not None:
                pairs[one.properties[mine]] = other
    if target is None or not pairs or len(pairs) != len(here) or len(here) != len(there):
        reading.leave(path, "found a reference to what is not taken over, expected properties of models, by name")
        return None
    custom = reading.customs(path, source.customProperties).get(odcs.DESCRIPTION)
    description = custom.value if custom is not None and isinstance(custom.value, str) else ""
    if custom is not None and isinstance(custom.value, str):
        reading.take(custom.path)
    reading.take(*((*path, name) for name in ("from", "to", "type")))
    return Relationship(to=target, description=description, properties=pairs)


def _reference(text: str) -> tuple[str, str]:
    """``model.property`` in its two parts."""
    model, _, name = text.partition(".")
    return model, name
