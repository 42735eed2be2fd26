"""Find misspelt keys in expressions. For example, ``has(port.contarct)`` would always be false, without any error.

CEL checks the names of variables when it compiles an expression, but not the keys inside ports, models, properties and
components. This module checks those keys against the models that they belong to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel

from alchemesh_platform.base.problems import did_you_mean
from alchemesh_platform.documents.shape import Expected
from alchemesh_platform.manifest.models import InfrastructureNeed, InputPort, OutputPort, Property, SemanticModel
from alchemesh_platform.policies.given import GivenComponent
from alchemesh_platform.policies.models import Scope

_TEXT = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_KEYS = re.compile(r"(?<![\w.\])])([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)+)(\s*\()?")
_LOOP = re.compile(r"(?<![\w.])([A-Za-z_][\w.]*)\.\w+\(\s*(\w+)\s*,")


class _Property(Property):
    name: str
    model: str


class _Model(SemanticModel):
    name: str


_VARIABLES: Mapping[Scope, tuple[str, type[BaseModel]]] = {
    Scope.INPUT_PORT: ("port", InputPort),
    Scope.OUTPUT_PORT: ("port", OutputPort),
    Scope.MODEL: ("model", _Model),
    Scope.PROPERTY: ("property", _Property),
    Scope.COMPONENT: ("component", GivenComponent),
}
_LISTS: Mapping[str, type[BaseModel]] = {
    "product.input_ports": InputPort,
    "product.output_ports": OutputPort,
    "product.infrastructure": InfrastructureNeed,
    "properties": _Property,
    **{f"plan.{role}": GivenComponent for role in ("input_port", "storage", "proxy", "infrastructure", "code")},
}


def misspelt_keys(text: str, scope: Scope) -> Iterator[tuple[str, str | None]]:
    """Keys in an expression that no model has, each with a hint at the most similar key.

    This checks only variables, and the names that macros such as ``all()`` give to the items of a list.
    """
    bare = _TEXT.sub("''", text)
    models: dict[str, list[type[BaseModel]]] = {}
    if scope in _VARIABLES:
        name, model = _VARIABLES[scope]
        models[name] = [model]
    for listed, name in _LOOP.findall(bare):
        if listed in _LISTS:
            models.setdefault(name, []).append(_LISTS[listed])
    for name, dotted, called in dict.fromkeys(_KEYS.findall(bare)):
        steps = dotted.split(".")[1:]
        found = [_unknown(Expected(model), steps[:-1] if called else steps) for model in models.get(name, ())]
        # A name may denote items of several lists; then a key of any of them is valid.
        if found and found[0] is not None and None not in found:
            step, known = found[0]
            yield step, did_you_mean(step, known)


def _unknown(expected: Expected, steps: Sequence[str]) -> tuple[str, list[str]] | None:
    for step in steps:
        known = [key for member in expected.members for key in member.keys]
        if not known:
            return None  # no model: any key is possible
        if step not in known:
            return step, known
        expected = expected.below(step)
    return None
