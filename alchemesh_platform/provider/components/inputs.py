"""The inputs of a component in a program: its arguments, and the properties ``settings`` and ``wiring``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from pydantic import BaseModel, Field, create_model

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.provider.components.names import Names
from alchemesh_platform.provider.components.wirings import OUTPUTS_OF_OTHERS, ComponentWiring, wiring_model
from alchemesh_platform.provider.inputs import Refusal, read_properties
from alchemesh_platform.provider.values import has_secret, has_unknown, reveal
from alchemesh_platform.sdk.spec import ComponentSpec
from alchemesh_platform.sdk.wiring import Wiring

SETTINGS, WIRING = "settings", "wiring"
RESERVED = (SETTINGS, WIRING)


class InvalidInputs(Failure):
    """Raised when inputs of a component are invalid.

    Args:
        message: The component, in a sentence.
        refusals: The problems.
        secret: Names of the properties that contain secrets. The engine prints the value of each property that it
            names, so the message names these properties itself.
    """

    def __init__(self, message: str, refusals: tuple[Refusal, ...], secret: frozenset[str]) -> None:
        hidden = [refusal for refusal in refusals if _first(refusal.property) in secret]
        self.refusals = tuple(refusal for refusal in refusals if refusal not in hidden)
        listed = "".join(f"\n\t\t- property {each.property} has a problem: {each.reason}" for each in hidden)
        super().__init__(message + listed)


class ReservedName(Failure):
    """Raised when an argument of a component has the name of a property that every component has."""


@dataclass(frozen=True, slots=True)
class Given:
    """The inputs that a program gives to a component.

    Args:
        args: The arguments.
        settings: The settings.
        wiring: The wiring.
    """

    args: BaseModel
    settings: BaseModel
    wiring: Wiring


@dataclass(frozen=True, slots=True)
class StillUnknown:
    """The properties that are unknown in this preview. The component cannot be built without them."""

    properties: tuple[str, ...]


@cache
def inputs_model(spec: ComponentSpec) -> type[BaseModel]:
    """The model of all inputs of a component.

    Raises:
        ReservedName: when an argument is named ``settings`` or ``wiring``.
    """
    args, settings, wiring = spec.args_model(), spec.settings_model(), wiring_model(spec)
    for name in RESERVED:
        if name in args.model_fields:
            raise ReservedName(
                f"the component {spec.name} has an argument {name!r}, the name of a property of every component",
                hint="rename the argument",
            )
    extra: dict[str, Any] = {
        SETTINGS: _field(settings, "Settings of the platform team, as in a platform file."),
        WIRING: _field(wiring, "Place of the component, and its relations to other components."),
    }
    return create_model(f"{args.__name__}Of{settings.__name__}", __base__=args, **extra)


@cache
def names_of(spec: ComponentSpec) -> Names:
    """The names of a component's inputs."""
    return Names(inputs_model(spec).model_json_schema(by_alias=True, mode="validation"))


def read_inputs(
    spec: ComponentSpec, tree: Mapping[str, Any], name: str, program: str, environment: str
) -> Given | StillUnknown:
    """Read the inputs of a component.

    Args:
        tree: The properties, with the names of programs.
        name: Name of the component's resource.
        program: Project of the program.
        environment: Stack of the program.

    Raises:
        InvalidInputs: when a property is invalid; names every invalid property.
    """
    names = names_of(spec)
    translated = names.to_component(tree)
    held, checked = _without_outputs_of_others(translated)
    found = read_properties(inputs_model(spec), checked, spell=names.path)
    if found.refusals:
        raise InvalidInputs(f"{spec.name} {name!r} has invalid properties", found.refusals, secret_properties(tree))
    unknown = tuple(_unknown_paths(names, checked, held))
    if unknown or found.values is None:
        return StillUnknown(unknown)
    inputs: Any = found.values
    plain = {key: value for key, value in reveal(checked).items() if key not in RESERVED and value is not None}
    wiring = cast("ComponentWiring", inputs.wiring)
    placed = wiring.model_copy(update={key: reveal(value) for key, value in held.items()})
    return Given(
        args=spec.args_model().model_validate(plain, by_alias=True, by_name=False),
        settings=inputs.settings,
        wiring=placed.wiring(name, program, environment),
    )


def _field(model: type[BaseModel], description: str) -> tuple[type[BaseModel], Any]:
    if any(field.is_required() for field in model.model_fields.values()):
        return model, Field(description=description)
    return model, Field(default_factory=model, description=description)


def _without_outputs_of_others(tree: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The outputs of other components in the wiring, and the properties with a known stand-in for each of them."""
    wiring = reveal(tree.get(WIRING))
    if not isinstance(wiring, Mapping):
        return {}, dict(tree)
    held = {name: value for name, value in wiring.items() if name in OUTPUTS_OF_OTHERS and has_unknown(value)}
    return held, {**tree, WIRING: {name: {"unknown": {}} if name in held else value for name, value in wiring.items()}}


def _unknown_paths(names: Names, checked: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
    paths = [names.path((name,)) for name, value in checked.items() if has_unknown(value)]
    return paths + [names.path((WIRING, name)) for name in held]


def _first(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def secret_properties(tree: Mapping[str, Any]) -> frozenset[str]:
    """Names of the properties that contain a secret. A message must not show their values."""
    return frozenset(name for name, value in tree.items() if has_secret(value))
