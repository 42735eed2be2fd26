"""Validates a document against its model, and reports every problem at its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

from alchemesh_platform.base.problems import Problem
from alchemesh_platform.documents.document import Node, Path

if TYPE_CHECKING:
    from pydantic import BaseModel

_SCALAR_TYPES = frozenset({"bool_type", "int_type", "float_type", "string_type"})

ModelT = TypeVar("ModelT", bound="BaseModel")


def validate(tree: Node, model: type[ModelT], prefix: Path = ()) -> tuple[ModelT | None, list[Problem]]:
    """Hold a document against a model: the value, or what is wrong with it.

    Scalars are taken strictly: ``"true"`` is no boolean and ``"1"`` no number.
    """
    from pydantic import ValidationError

    # Through JSON, since pydantic's strict mode takes lists for tuples and texts for enums only there.
    document = json.dumps(tree.plain())
    try:
        return model.model_validate_json(document, strict=True, by_alias=True, by_name=False), []
    except ValidationError as error:
        strict = error.errors(include_url=False)
    # The result of a component author's validator is no longer JSON, and strict mode would refuse its lists.
    # Strict mode therefore decides about scalars only.
    value, lax = None, []
    try:
        value = model.model_validate_json(document, by_alias=True, by_name=False)
    except ValidationError as error:
        lax = error.errors(include_url=False)
    scalars = {detail["loc"]: detail for detail in strict if detail["type"] in _SCALAR_TYPES}
    errors = [*scalars.values(), *(detail for detail in lax if detail["loc"] not in scalars)]
    if not errors:
        return value, []
    from alchemesh_platform.documents.explain import problems_of

    return None, problems_of(errors, model, tree, prefix)
