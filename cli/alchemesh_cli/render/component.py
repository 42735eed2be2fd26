"""The page of a component: its facts, and tables of its arguments, settings and outputs, made from its models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from alchemesh_cli.terminal.printing import styled
from alchemesh_platform.documents.shape import Expected

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

    from alchemesh_platform.sdk.spec import ComponentSpec

WIDTH = 100  # columns of a page without a terminal


def component_page(spec: ComponentSpec, package: str) -> str:
    """The page of one component.

    Args:
        spec: The component.
        package: Name of the package that offers it.
    """
    formatter = click.HelpFormatter(max_width=WIDTH)
    formatter.write(f"{styled(spec.name, bold=True)} {spec.version}  {spec.maturity}\n")
    formatter.write_paragraph()
    formatter.write_text(spec.summary)
    formatter.write_paragraph()
    formatter.write_dl(
        [
            ("implements", spec.component_type),
            ("as", ", ".join(spec.roles)),
            *([("speaks", ", ".join(spec.protocols))] if spec.protocols else []),
            ("holds data", "yes" if spec.stateful else "no"),
            ("owner", spec.owner),
            ("package", package),
            *([("extras", f"{', '.join(spec.extras)}{_missing(spec)}")] if spec.extras else []),
        ]
    )
    for title, model in (
        ("Arguments, set in the manifest", spec.args_model()),
        ("Settings, set in the platform file", spec.settings_model()),
        ("Outputs, passed to the product's code", spec.outputs_model()),
    ):
        with formatter.section(title):
            rows = list(_rows(model))
            if rows:
                formatter.write_dl(rows)
            else:
                formatter.write_text("none")
    if spec.permissions:
        with formatter.section("Permissions, of the identity that deploys it"):
            formatter.write_dl([(each.name, each.description) for each in spec.permissions])
    return formatter.getvalue().rstrip("\n")


def _missing(spec: ComponentSpec) -> str:
    """How to install the extras of a component that are missing."""
    from alchemesh_platform.base.packages.extras import install_command, missing_extras

    missing = missing_extras(spec.extras)
    return f"; not installed: run `{install_command(*missing)}`" if missing else ""


def _rows(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Field: type, default and description; fields of models in it follow under their own names."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        expected = Expected(field.annotation, examples=tuple(field.examples or ()), metadata=tuple(field.metadata))
        inner = expected.model
        if inner is not None and inner.model_fields and prefix.count(".") == 0:
            yield key, f"{_default(field)}{field.description or ''}"
            yield from _rows(inner, f"{key}.")
        else:
            yield key, f"{_kind(expected)}; {_default(field)}{field.description or ''}"


def _kind(expected: Expected) -> str:
    kind = str(expected).removeprefix("a ").removeprefix("an ")
    return f"{kind} such as {expected.examples[0]}" if expected.examples else kind


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required. "
    from pydantic import BaseModel

    value: Any = field.get_default(call_default_factory=True)  # type: ignore[call-arg,unused-ignore]
    if value is None or isinstance(value, BaseModel) or (hasattr(value, "__len__") and not value):
        return "optional. "
    return f"default {_written(value)}. "


def _written(value: Any) -> str:
    from datetime import timedelta

    from alchemesh_platform.base.units import format_duration

    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, default=str)
