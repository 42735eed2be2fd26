"""Read the properties of a resource into the model of its handler."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from alchemesh_platform.base.problems import did_you_mean
from alchemesh_platform.provider.difference import join
from alchemesh_platform.provider.values import UNKNOWN, has_unknown, reveal

ModelT = TypeVar("ModelT", bound=BaseModel)

# Properties are in camel case for Pulumi and in snake case for Python. Nested models choose their own spelling.
PROPERTIES = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

_PLACEHOLDER = "unknown until later"


class Properties(BaseModel):
    """Inputs or outputs of a resource."""

    model_config = PROPERTIES


Spell = Callable[[tuple[str | int, ...]], str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The problem of one property."""

    property: str
    reason: str


@dataclass(frozen=True, slots=True)
class Read(Generic[ModelT]):
    """The result of reading properties. ``values`` is None if a value is invalid; unknown ones are :data:`UNKNOWN`."""

    values: ModelT | None
    refusals: tuple[Refusal, ...] = ()
    complete: bool = True


def spelled(steps: tuple[str | int, ...]) -> str:
    """The path of a property: ``columns[0].name``."""
    path = ""
    for step in steps:
        path = join(path, step)
    return path


def read_properties(model: type[ModelT], tree: Mapping[str, Any], *, spell: Spell = spelled) -> Read[ModelT]:
    """Read properties into a model. Problems of known properties are reported even if others are unknown.

    Args:
        spell: Writes the path of a property in a message.
    """
    plain = {name: value for name, value in reveal(tree).items() if value is not None}
    unknown = {name for name, value in plain.items() if has_unknown(value)}
    if not unknown:
        try:
            return Read(_validate(model, plain))
        except ValidationError as error:
            return Read(None, tuple(_refusals(error, model, plain, spell)))
    refusals: tuple[Refusal, ...] = ()
    try:
        _validate(model, _with_placeholders(plain))
    except ValidationError as error:
        refusals = tuple(_refusals(error, model, plain, spell))
    if refusals:
        return Read(None, refusals, complete=False)
    return Read(_partly(model, plain, unknown), complete=False)


def with_defaults(model: type[BaseModel], tree: Mapping[str, Any]) -> dict[str, Any]:
    """Properties with the model's defaults for missing values; None stays missing."""
    filled = {name: value for name, value in tree.items() if value is not None}
    for name, default in _defaults(model).items():
        filled.setdefault(name, default)
    return filled


def dump(values: BaseModel) -> dict[str, Any]:
    """A model as properties; nested documents are unchanged."""
    return values.model_dump(mode="json", by_alias=True)


@cache
def aliases(model: type[BaseModel]) -> dict[str, str]:
    """Property names by Python name."""
    return {name: field.alias or name for name, field in model.model_fields.items()}


@cache
def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    defaults = {}
    for name, field in model.model_fields.items():
        if not field.is_required():
            value = TypeAdapter(Any).dump_python(field.get_default(call_default_factory=True), mode="json")
            if value is not None:
                defaults[field.alias or name] = value
    return defaults


@cache
def _adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    whole: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    return TypeAdapter(whole)


def _validate(model: type[ModelT], plain: Mapping[str, Any]) -> ModelT:
    return model.model_validate(plain, by_alias=True, by_name=False)


def _partly(model: type[ModelT], plain: Mapping[str, Any], unknown: set[str]) -> ModelT:
    values: dict[str, Any] = {}
    for name, alias in aliases(model).items():
        if alias in unknown:
            values[name] = UNKNOWN
        elif alias in plain:
            values[name] = _adapter(model, name).validate_python(plain[alias])
    return model.model_construct(**values)


def _with_placeholders(tree: Any) -> Any:
    if tree is UNKNOWN:
        return _PLACEHOLDER
    if isinstance(tree, Mapping):
        return {name: _with_placeholders(value) for name, value in tree.items()}
    return [_with_placeholders(item) for item in tree] if isinstance(tree, list) else tree


def _refusals(
    error: ValidationError, model: type[BaseModel], plain: Mapping[str, Any], spell: Spell
) -> Iterator[Refusal]:
    first_errors: dict[str, ErrorDetails] = {}
    for found in error.errors(include_url=False):
        steps, value = _place(found["loc"], plain, missing=found["type"] == "missing")
        path = spell(steps)
        # A value that is not known yet cannot be checked. A union reports the same error for each of its members.
        if not has_unknown(value):
            first_errors.setdefault(path, found)
    for path, found in first_errors.items():
        # A refused item does not count, so its list also appears too short.
        counted = found["type"] == "too_short" and any(other.startswith(f"{path}[") for other in first_errors)
        if not counted:
            yield Refusal(path, _reason(found, model, spell))


def _place(
    location: tuple[str | int, ...], plain: Mapping[str, Any], *, missing: bool
) -> tuple[tuple[str | int, ...], Any]:
    """The path of an error and the value there, without the names of union members that pydantic puts in between."""
    path: tuple[str | int, ...] = ()
    value: Any = plain
    for at, part in enumerate(location):
        here: Any = value
        if isinstance(here, Mapping) and part in here:
            value = here[str(part)]
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            value = here[part]
        elif missing and at == len(location) - 1:
            value = None
        else:
            continue
        path = (*path, part)
    return path, value


def _reason(found: ErrorDetails, model: type[BaseModel], spell: Spell) -> str:
    if found["type"] == "missing":
        return "is required"
    if found["type"] == "extra_forbidden":
        known = [spell((name,)) for name in aliases(model).values()]
        hint = did_you_mean(str(found["loc"][-1]), known) if len(found["loc"]) == 1 else None
        return f"unknown property{f': {hint}' if hint else ''}"
    message = found["msg"].removeprefix("Value error, ")
    return message[0].lower() + message[1:]
