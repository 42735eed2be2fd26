"""Reads the inputs with their types, and the outputs, of a resource type from Pulumi's SDK for Google Cloud.

The SDK is generated from the real provider's schema, so its classes have exactly the properties of the real provider.
Its modules are large. Only the modules of used types are imported, and nested types are read when a value has them.
"""

from __future__ import annotations

import importlib
import inspect
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

PACKAGE = "gcp"
SDK = "pulumi_gcp"
TOKEN = re.compile(rf"{PACKAGE}:(?P<module>\w+)/(?P<file>\w+):(?P<type>\w+)")


@dataclass(frozen=True, slots=True)
class Shape:
    """An object: the types of its properties by their names in Pulumi, and the required ones."""

    properties: Mapping[str, Any]
    required: frozenset[str]


@cache
def sdk_version() -> str:
    """Version of the SDK, which equals the version of its provider."""
    return str(importlib.import_module(f"{SDK}._utilities").get_version())


@cache
def inputs_of(token: str) -> Shape:
    """The inputs of a resource type.

    Args:
        token: Pulumi type: ``gcp:storage/bucket:Bucket``.

    Raises:
        LookupError: when the SDK has no such type.
    """
    # If a nested type already has the name, the generator names the resource's own class InitArgs.
    return shape_of(_class(token, "InitArgs", "Args"))


@cache
def outputs_of(token: str) -> frozenset[str]:
    """Names of all properties in the state of a resource type: inputs and computed outputs.

    Raises:
        LookupError: when the SDK has no such type.
    """
    from pulumi._types import resource_py_to_pulumi_names

    return frozenset(resource_py_to_pulumi_names(_class(token)).values())


@cache
def shape_of(args: type) -> Shape:
    """The annotations of an args class of the SDK."""
    from pulumi._types import input_type_py_to_pulumi_names, input_type_types

    names = input_type_py_to_pulumi_names(args)
    parameters = inspect.signature(args.__init__).parameters  # type: ignore[misc] # of a class, not of an instance
    required = {
        names[name]
        for name, parameter in parameters.items()
        if name in names and parameter.default is inspect.Parameter.empty
    }
    return Shape(input_type_types(args), frozenset(required))


def is_object(type_: Any) -> bool:
    """Whether values of a type are objects of the SDK."""
    return isinstance(type_, type) and getattr(type_, "_pulumi_input_type", False) is True


def item_of(type_: Any) -> Any | None:
    """The type of a list's items; None if the type is not a list."""
    return _inner(type_, at=0) if typing.get_origin(type_) in (list, Sequence) else None


def value_of(type_: Any) -> Any | None:
    """The type of a map's values; None if the type is not a map."""
    return _inner(type_, at=1) if typing.get_origin(type_) in (dict, Mapping) else None


def alternatives(type_: Any) -> tuple[Any, ...]:
    """The possible types: the members of a union without future values; otherwise the type itself."""
    if typing.get_origin(type_) not in (typing.Union, types.UnionType):
        return (type_,)
    # Input[T] is Union[T, Awaitable[T], Output[T]].
    return tuple(
        member
        for member in typing.get_args(type_)
        if member is not type(None)
        and getattr(typing.get_origin(member) or member, "__name__", "") not in ("Awaitable", "Output")
    )


def _inner(type_: Any, *, at: int) -> Any:
    members = alternatives(typing.get_args(type_)[at])
    return members[0] if len(members) == 1 else typing.Union[members]  # noqa: UP007 - made of what is found


@cache
def _class(token: str, *suffixes: str) -> type:
    matched = TOKEN.fullmatch(token)
    if matched is None:
        raise LookupError(f"{token} is no type of the package {PACKAGE}")
    package = importlib.import_module(f"{SDK}.{matched['module'].lower()}")
    # The SDK fills its packages on first use. A package whose modules are imported before that stays empty.
    getattr(package, matched["type"], None)
    module = importlib.import_module(f"{package.__name__}.{_snake(matched['type'])}")
    for suffix in suffixes or ("",):
        found = getattr(module, f"{matched['type']}{suffix}", None)
        if isinstance(found, type) and found.__module__ == module.__name__:
            return found
    raise LookupError(f"{SDK} {sdk_version()} has no {token}")


def _snake(name: str) -> str:
    """The name of a type's file in the SDK: ``bucket_iam_member`` for ``BucketIAMMember``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
