"""A Pulumi program in Python that uses a component, made from a case: each value is written with its own type."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import timedelta
from enum import Enum
from typing import Any

from pydantic import BaseModel

from alchemesh_platform.base.units import parse_duration
from alchemesh_platform.sdk.models import SemanticModel, SourceProperty
from alchemesh_platform.sdk.spec import ComponentSpec
from alchemesh_platform.sdk.wiring import Wiring

LINE_MAX = 100
_UNITS = {"days": timedelta(days=1), "hours": timedelta(hours=1), "minutes": timedelta(minutes=1)}
_MORE = ("admit", "grant", "files", "secrets")  # a case with one of these needs more than a constructor
_FOLDER = "{folder}"  # in a case: a folder of the test

Case = Mapping[str, Any]


def plain_case(cases: list[Case]) -> Case | None:
    """The first case that a constructor alone describes, or else the first that the platform accepts."""
    accepted = [case for case in cases if not case.get("objections")]
    plain = [case for case in accepted if not any(case.get(name) for name in _MORE)]
    return next(iter(plain or accepted), None)


def example_program(spec: ComponentSpec, case: Case) -> str | None:
    """The program of one case. Its values have the types that an editor completes and a type checker checks.

    Returns:
        The program; None if the case does not fit the models, which `alchemesh components test` reports.
    """
    writer = _Writer()
    module, _, name = spec.component.partition(":")
    writer.imports.add((module, name))
    try:
        arguments = [
            json.dumps(case.get("resource_name") or "thing"),
            writer.written(spec.args_model().model_validate(case.get("args") or {}), 4),
            writer.written(spec.settings_model().model_validate(case.get("settings") or {}), 4),
            writer.wiring(case.get("wiring") or {}),
        ]
    except ValueError:  # pydantic's errors are of this kind
        return None
    lines = [
        f"component = {name}(",
        *(f"    {argument}," for argument in arguments),
        ")",
        'pulumi.export("connection", component.outputs)',
    ]
    return "\n".join([*_import_lines(writer.imports), "", *lines]) + "\n"


class _Writer:
    """Writes values as Python, and collects the names to import."""

    def __init__(self) -> None:
        self.imports: set[tuple[str, str]] = set()

    def wiring(self, written: Mapping[str, Any]) -> str:
        """The wiring of a case."""
        self.imports.add((Wiring.__module__, Wiring.__name__))
        given = {name: self._field(name, value) for name, value in written.items()}
        known = [field.name for field in fields(Wiring) if field.name in given]
        return self._call("Wiring", [(name, given[name]) for name in known], 4)

    def written(self, value: Any, indent: int) -> str:
        """One value as Python."""
        if isinstance(value, BaseModel):
            kind = type(value)
            self.imports.add((kind.__module__, kind.__name__))
            given = [(name, getattr(value, name)) for name in kind.model_fields if name in value.model_fields_set]
            return self._call(kind.__name__, given, indent)
        if isinstance(value, Enum):
            self.imports.add((type(value).__module__, type(value).__name__))
            return f"{type(value).__name__}.{value.name}"
        if isinstance(value, timedelta):
            self.imports.add(("datetime", "timedelta"))
            unit = next((name for name, one in _UNITS.items() if value and not value % one), None)
            return (
                f"timedelta({unit}={value // _UNITS[unit]})"
                if unit
                else f"timedelta(seconds={value.total_seconds():g})"
            )
        if isinstance(value, Mapping):
            items = [f"{self.written(key, 0)}: {self.written(item, indent + 4)}" for key, item in value.items()]
            return self._lines("{", items, "}", indent)
        if isinstance(value, list | tuple):
            start, end = ("[", "]") if isinstance(value, list) else ("(", ",)" if len(value) == 1 else ")")
            return self._lines(start, [self.written(item, indent + 4) for item in value], end, indent)
        if isinstance(value, str):
            text = value.replace(_FOLDER, ".")
            return repr(text) if '"' in text and "'" not in text else json.dumps(text, ensure_ascii=False)
        return repr(value)

    def _field(self, name: str, value: Any) -> Any:
        if name == "models":
            return {key: SemanticModel.model_validate(model) for key, model in value.items()}
        if name == "schema":
            return {key: SourceProperty.model_validate(each) for key, each in value.items()}
        if name == "protocols":
            return tuple(value)
        return parse_duration(value) if name == "freshness" else value

    def _call(self, name: str, given: list[tuple[str, Any]], indent: int) -> str:
        arguments = [f"{key}={self.written(value, indent + 4)}" for key, value in given]
        return self._lines(f"{name}(", arguments, ")", indent)

    def _lines(self, start: str, items: list[str], end: str, indent: int) -> str:
        line = f"{start}{', '.join(items)}{end}"
        if len(line) + indent <= LINE_MAX and "\n" not in line:
            return line
        inner = " " * (indent + 4)
        return "\n".join([start, *(f"{inner}{item}," for item in items), " " * indent + end.lstrip(",")])


def _import_lines(found: set[tuple[str, str]]) -> Iterator[str]:
    """Imports in the order of a formatter: the standard library, others, and the platform's."""
    modules: dict[str, list[str]] = {}
    for module, name in sorted(found):
        modules.setdefault(module, []).append(name)
    if names := modules.pop("datetime", None):
        yield from (f"from datetime import {', '.join(names)}", "")
    yield "import pulumi"
    for module, names in modules.items():
        line = f"from {module} import {', '.join(names)}"
        yield from [line] if len(line) <= LINE_MAX else [f"from {module} import (", *(f"    {n}," for n in names), ")"]
