"""Validates a document against its model, and reports every problem at its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

from alchemesh_platform.base.problems import Problem
from alchemesh_platform.documents.document import Node, Path

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

_SCALAR_TYPES = frozenset({"bool_type", "int_type", "float_type", "string_type"})

ModelT = TypeVar("ModelT", bound="BaseModel")


def validate(tree: Node, model: type[ModelT], prefix: Path = ()) -> tuple[ModelT | None, list[Problem]]:
    """Validate a document against a model: returns the value, or its problems.

    Scalars are strict: ``"true"`` is not a boolean, and ``"1"`` is not a number.
    """
    value, errors = _read(tree, model)
    if not errors:
        return value, []
    from alchemesh_platform.documents.explain import problems_of

    return None, problems_of(errors, model, tree, prefix)


def accepted(tree: Node, model: type[ModelT]) -> ModelT | None:
    """The value of a document as :func:`validate` returns it. Problems are not explained: trying a model is fast."""
    return _read(tree, model)[0]


def _read(tree: Node, model: type[ModelT]) -> tuple[ModelT | None, list[ErrorDetails]]:
    """The value of a document, or the errors of the model."""
    from pydantic import ValidationError

    # Validate as JSON, since only there pydantic's strict mode accepts lists for tuples and texts for enums.
    document = json.dumps(tree.plain())
    try:
        return model.model_validate_json(document, strict=True, by_alias=True, by_name=False), []
    except ValidationError as error:
        strict = error.errors(include_url=False)
    # The result of a component author's validator is no longer JSON, and strict mode would reject its lists. Therefore
    # strict mode applies to scalars only.
    value, lax = None, []
    try:
        value = model.model_validate_json(document, by_alias=True, by_name=False)
    except ValidationError as error:
        lax = error.errors(include_url=False)
    scalars = {detail["loc"]: detail for detail in strict if detail["type"] in _SCALAR_TYPES}
    errors = [*scalars.values(), *(detail for detail in lax if detail["loc"] not in scalars)]
    return (None if errors else value), errors
