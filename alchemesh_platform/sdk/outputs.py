"""Checks the outputs of a component against the model that its spec promises."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

import pulumi

from alchemesh_platform.sdk.fault import fault

if TYPE_CHECKING:
    from pydantic import BaseModel

    from alchemesh_platform.sdk.spec import ComponentSpec


def promised(spec: ComponentSpec, model: type[BaseModel], port: str, built: object) -> Mapping[str, Any]:
    """The outputs of a component, if they have the fields of its model.

    This needs no values, so that a plan and a preview find a missing field too.

    Args:
        built: The value that ``build()`` returned.

    Raises:
        ComponentFault: when it is not a mapping, lacks a field, or has one that the model does not know.
    """
    if not isinstance(built, Mapping):
        found = "None" if built is None else f"a {type(built).__name__}"
        raise fault(spec, port, f"build() returned {found}, expected a mapping with the fields of {spec.outputs}")
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    missing = [name for name, field in fields.items() if field.is_required() and name not in built]
    if missing:
        raise fault(spec, port, f"output {missing[0]!r} is missing, expected every required field of {spec.outputs}")
    unknown = [name for name in built if name not in fields]
    if unknown and model.model_config.get("extra") != "allow":
        raise fault(spec, port, f"found output {unknown[0]!r}, expected a field of {spec.outputs}")
    return cast("Mapping[str, Any]", built)


def valid(
    spec: ComponentSpec, model: type[BaseModel], port: str, outputs: Mapping[str, Any]
) -> dict[str, pulumi.Input[Any]]:
    """The outputs to register: in a deployment, each waits until all of them fit the model.

    A preview knows only a part of the values, and registers them unchecked.

    Raises:
        ComponentFault: in the run of the engine, when a value does not fit. The message does not contain the value.
    """
    if pulumi.runtime.is_dry_run():
        return dict(outputs)

    def check(values: Mapping[str, Any]) -> Mapping[str, Any]:
        from pydantic import ValidationError

        try:
            model.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            field = ".".join(str(step) for step in first["loc"]) or "its outputs"
            what = first["msg"][:1].lower() + first["msg"][1:]
            sentence = f"output {field!r} does not fit {spec.outputs}: {what}"
            raise fault(spec, port, sentence) from None
        return values

    checked = pulumi.Output.all(**outputs).apply(check)
    return {name: checked.apply(itemgetter(name)) for name in outputs}
