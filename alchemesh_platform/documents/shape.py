"""The type that a model expects at a place.

The module follows the model's annotations along the path of the document.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import timedelta
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.documents.choices import OneOf
from alchemesh_platform.documents.document import listed


class Expected(NamedTuple):
    """The expected value at a place: a type, and the metadata of its field."""

    annotation: Any
    description: str = ""
    examples: tuple[Any, ...] = ()
    metadata: tuple[Any, ...] = ()

    @property
    def members(self) -> tuple[Expected, ...]:
        """The alternatives without None; only this place if there is a single one."""
        bare, metadata = _unwrapped(self.annotation)
        if get_origin(bare) in {Union, types.UnionType}:
            inner = [
                Expected(part, self.description, self.examples) for part in get_args(bare) if part is not type(None)
            ]
            if len(inner) == 1:
                return inner[0]._replace(metadata=(*self.metadata, *metadata)).members
            return tuple(member for part in inner for member in part.members)
        return (self._replace(annotation=bare, metadata=(*self.metadata, *metadata)),)

    @property
    def model(self) -> type[BaseModel] | None:
        """The model, if it is the only expected type."""
        members = self.members
        kind = members[0].annotation
        return kind if len(members) == 1 and isinstance(kind, type) and issubclass(kind, BaseModel) else None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the model, as documents write them."""
        return (
            () if self.model is None else tuple(field.alias or name for name, field in self.model.model_fields.items())
        )

    @property
    def choices(self) -> tuple[str, ...]:
        """The allowed texts, if they are enumerated."""
        found: list[str] = []
        for member in self.members:
            kind = member.annotation
            if get_origin(kind) is Literal:
                found += [str(choice) for choice in get_args(kind)]
            elif isinstance(kind, type) and issubclass(kind, Enum):
                found += [str(choice.value) for choice in kind]
            found += [name for part in member.metadata if isinstance(part, OneOf) for name in part.names()]
        return tuple(found)

    @property
    def pattern(self) -> str | None:
        """The pattern that a text must match, if there is one."""
        for member in self.members:
            for part in member.metadata:
                pattern = getattr(part, "pattern", None)
                if isinstance(pattern, str):
                    return pattern
        return None

    @property
    def secret(self) -> bool:
        """Whether the value may be a secret, so that a message must not repeat it."""
        return any(member.annotation is SecretRef for member in self.members)

    def below(self, step: str | int) -> Expected:
        """The expected value one step further down."""
        for member in self.members:
            kind, arguments = member.annotation, get_args(member.annotation)
            if member.model is not None:
                for name, field in member.model.model_fields.items():
                    if step in {name, field.alias}:
                        return Expected(
                            field.annotation,
                            field.description or "",
                            tuple(field.examples or ()),
                            tuple(field.metadata),
                        )
            elif isinstance(step, str) and _is(kind, Mapping) and len(arguments) > 1:
                return Expected(arguments[1])  # metadata of the mapping does not apply to its values
            elif isinstance(step, int) and arguments and _is(kind, (list, tuple, AbstractSet)):
                fixed = _is(kind, tuple) and arguments[-1] is not Ellipsis
                one = arguments[min(step, len(arguments) - 1) if fixed else 0]
                examples = tuple(example for example in member.examples if not isinstance(example, list))
                return Expected(one, member.description, examples)
        return Expected(Any)

    def branch(self, label: str) -> Expected:
        """The alternative that pydantic's label names: a class, a type, or a discriminator's value."""
        for member in self.members:
            kind = member.annotation
            name = label.partition("[")[0].removeprefix("constrained-")
            if name == getattr(kind, "__name__", None) or (name in {"enum", "literal"} and member.choices):
                return member
            if member.model is not None and any(
                get_origin(field.annotation) is Literal and label in get_args(field.annotation)
                for field in member.model.model_fields.values()
            ):
                return member
        return Expected(Any, self.description)

    def __str__(self) -> str:
        """A description of the expected value."""
        return listed(dict.fromkeys(_words(member) for member in self.members), "or")


_PLAIN = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    timedelta: "a duration",
    Any: "a value",
    object: "a value",
}


def _words(expected: Expected) -> str:
    kind = expected.annotation
    if expected.choices:
        return f"{'one of ' if len(expected.choices) > 1 else ''}{', '.join(expected.choices)}"
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind is SecretRef:
        return "{secret: NAME}"
    if expected.model is not None:
        fields = expected.model.model_fields.items()
        required = {field.alias or name: Expected(field.annotation) for name, field in fields if field.is_required()}
        shown = (f"{key}: {value.choices[0] if len(value.choices) == 1 else '…'}" for key, value in required.items())
        return f"{{{', '.join(shown)}}}" if required else "a mapping"
    if _is(kind, Mapping):
        return "a mapping"
    if _is(kind, (list, tuple, AbstractSet)):
        return "a list"
    return f"a {getattr(kind, '__name__', 'value').lower()}"


def _is(kind: Any, base: Any) -> bool:
    bare = get_origin(kind) or kind
    return isinstance(bare, type) and issubclass(bare, base)


def _unwrapped(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    metadata: tuple[Any, ...] = ()
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        metadata = (*metadata, *more)
    return annotation, metadata
