"""Rules of what a component declares: resources, names, parents, labels, secrets, outputs, kept data."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from alchemesh_platform.registration.systems import BrokenSystem
from alchemesh_platform.sdk.connections.base import WrongConnection
from alchemesh_platform.sdk.connections.kinds import connection_of
from alchemesh_platform.sdk.spec import FOUNDATIONS, ComponentSpec
from alchemesh_platform.testing.cases import Case, CaseResource, in_folder
from alchemesh_platform.testing.finding import Finding
from alchemesh_platform.testing.rules.spec import Report
from alchemesh_platform.testing.run.declared import Declared, is_secret

LABELS = ("labels", "tags", "userLabels", "resourceLabels")
AS_TEXT = "Calling __str__ on an Output"  # begins the text that Pulumi puts in the place of a value
_SHOWN = 160  # letters of a value in a finding


def check_resources(case: Case, declared: Declared, folder: str, report: Report) -> Iterator[Finding]:
    """The declared resources are those of the case, with these inputs."""
    expected: dict[tuple[str, str], CaseResource] = {(each.type, each.name): each for each in case.resources or ()}
    inputs = {key: in_folder(each.inputs, folder) for key, each in expected.items()}
    found = declared.by_key()
    for type_, name in found.keys() - expected.keys():
        yield report("resources-match", f"declares {type_} {name!r}, which the case does not list")
    for type_, name in expected.keys() - found.keys():
        yield report("resources-match", f"does not declare {type_} {name!r} of the case")
    for key in sorted(expected.keys() & found.keys()):
        once = {name for name in found[key].ignored if name not in inputs[key]}  # written once, such as a password
        declared_inputs = {name: value for name, value in found[key].inputs.items() if name not in once}
        for path, wanted, given in differences(inputs[key], declared_inputs):
            yield report("resources-match", f"{key[0]} {key[1]!r}: {path} is {shown(given)}, expected {shown(wanted)}")
    keys = [each.key for each in declared.resources]
    for type_, name in {key for key in keys if keys.count(key) > 1}:
        yield report("names-are-prefixed", f"declares {type_} {name!r} twice", fix="Give each resource its own name.")


def check_outputs(
    spec: ComponentSpec, case: Case, declared: Declared, folder: str, report: Report
) -> Iterator[Finding]:
    """The outputs are those of the case, fit the model, and have a registered kind."""
    for path, wanted, given in differences(in_folder(case.outputs or {}, folder), declared.outputs):
        yield report("outputs-match", f"output {path} is {shown(given)}, expected {shown(wanted)}")
    try:
        spec.outputs_model().model_validate(declared.outputs)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the outputs"
        yield report("outputs-match", f"output {where} does not fit {spec.outputs}: {first['msg']}")
        return
    if (spec.roles and set(spec.roles) <= {*FOUNDATIONS}) or not any(declared.outputs.get(key) for key in ("kind",)):
        return
    try:
        connection_of(declared.outputs)
    except (WrongConnection, BrokenSystem, ValidationError) as error:
        yield report(
            "outputs-match",
            f"the product's code cannot read the outputs: {str(error).splitlines()[0]}",
            fix="Use a kind of connection that a system registers, or register one in `connections` of a System.",
        )


def check_places(case: Case, declared: Declared, report: Report) -> Iterator[Finding]:
    """Each resource is below the component, and its name starts with the component's name."""
    for resource in declared.resources:
        if not declared.is_below(resource):
            yield report("children-are-parented", f"{resource.type} {resource.name!r} is no child of the component")
        if not (resource.name == case.resource_name or resource.name.startswith(f"{case.resource_name}-")):
            yield report(
                "names-are-prefixed", f"{resource.type} {resource.name!r} does not start with {case.resource_name!r}"
            )


def check_stable(first: Declared, second: Declared, report: Report) -> Iterator[Finding]:
    """Two runs declare the same resources with the same inputs."""
    before, after = first.by_key(), second.by_key()
    for type_, name in sorted(before.keys() ^ after.keys()):
        yield report("names-are-stable", f"{type_} {name!r} is declared in one run, and not in the next")
    for key in sorted(before.keys() & after.keys()):
        for path, old, new in differences(dict(before[key].inputs), dict(after[key].inputs)):
            if path.partition(".")[0].partition("[")[0] not in before[key].ignored:
                what = f"{key[0]} {key[1]!r}: {path} is {shown(old)} in one run, and {shown(new)} in the next"
                yield report("names-are-stable", what)


def check_labels(spec: ComponentSpec, case: Case, declared: Declared, report: Report) -> Iterator[Finding]:
    """Resources whose class takes labels or tags have the place of the port in them."""
    wiring = case.wiring
    foundation = bool(set(spec.roles) & {*FOUNDATIONS})
    places = {"environment": wiring.environment}
    if not foundation:
        places |= {"domain": wiring.domain, "product": wiring.product, "port": wiring.port}
    classes = _classes()
    for resource in declared.resources:
        accepted = [name for name in LABELS if name in _arguments(classes.get(resource.type))]
        if not accepted:
            continue
        values = {_word(value) for name in LABELS for value in _texts(resource.inputs.get(name))}
        lacking = [name for name, value in places.items() if _word(value) not in values]
        if lacking:
            yield report(
                "labels-are-set", f"{resource.type} {resource.name!r} has no label with the {' and '.join(lacking)}"
            )


def check_secrets(case: Case, declared: Declared, report: Report) -> Iterator[Finding]:
    """Each secret value of the case is marked wherever it appears."""
    secrets = {name: value for name, value in case.secrets.environment.items() if value}
    for type_, names in case.secrets.outputs.items():
        for name in names:
            value = case.computed.get(type_, {}).get(name)
            if isinstance(value, str) and value:
                secrets[f"{type_}.{name}"] = value
    for resource in declared.resources:
        for path, text in _plain(resource.inputs):
            for name, secret in secrets.items():
                if secret in text:
                    yield report(
                        "secrets-are-marked", f"{resource.type} {resource.name!r}: {path} has {name} in plain text"
                    )
    for output, value in declared.outputs.items():
        if declared.secret.get(output):
            continue
        for path, text in _plain({output: value}):
            for name, secret in secrets.items():
                if secret in text:
                    yield report("secrets-are-marked", f"output {path} has {name} in plain text")


def check_texts(declared: Declared, report: Report) -> Iterator[Finding]:
    """No input has the text that Pulumi puts in the place of an output that was formatted."""
    for resource in declared.resources:
        for path, text in _plain(resource.inputs):
            if AS_TEXT in text:
                what = f"{resource.type} {resource.name!r}: {path} has an output that was formatted as text"
                yield report(
                    "preview-is-safe", what, fix="Use `pulumi.Output.concat` or `apply` instead of str() or f-strings."
                )


def check_preview(known: Declared, preview: Declared, report: Report) -> Iterator[Finding]:
    """A preview with unknown values declares the same resources."""
    yield from check_texts(preview, report)
    for type_, name in sorted(known.by_key().keys() - preview.by_key().keys()):
        yield report("preview-is-safe", f"{type_} {name!r} is missing from a preview with unknown values")


def check_kept(
    spec: ComponentSpec, declared: Iterable[Declared], held: Iterable[tuple[str, str]], report: Report
) -> Iterator[Finding]:
    """A stateful component keeps the resources that hold data, at least with its default arguments.

    Args:
        declared: Its resources with the arguments of the case, and with each optional argument at its default.
        held: Type and name of the objects that hold data, if the component names them.
    """
    runs = list(declared)
    wanted = set(held)
    if not spec.stateful:
        return
    if not any(any(resource.is_kept for resource in run.resources) for run in runs):
        yield report("data-is-kept", "stateful=True, and no resource is kept when the component is removed")
        return
    for type_, name in sorted(wanted):
        kept = [run.by_key()[type_, name].is_kept for run in runs if (type_, name) in run.by_key()]
        if kept and not any(kept):
            yield report("data-is-kept", f"{type_} {name!r} holds data, and is deleted when the component is removed")


def differences(wanted: Any, given: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Path, wanted and given value of each difference of two documents."""
    if isinstance(wanted, Mapping) and isinstance(given, Mapping):
        for key in sorted({*wanted, *given}, key=str):
            yield from differences(wanted.get(key), given.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(wanted, list | tuple) and isinstance(given, list | tuple) and len(wanted) == len(given):
        for number, (one, other) in enumerate(zip(wanted, given, strict=True)):
            yield from differences(one, other, f"{path}[{number}]")
    elif wanted != given and not (isinstance(wanted, list | tuple) and list(wanted) == given):
        yield path, wanted, given


def shown(value: Any) -> str:
    """A value in a finding: short, and without secrets."""
    if is_secret(value):
        return "a secret"
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _plain(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each text of a document outside of secrets, with its path."""
    if is_secret(value):
        return
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _plain(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _plain(each, f"{path}[{number}]")
    elif isinstance(value, str):
        yield path, value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def _word(text: str) -> str:
    """A label's value, compared without what clouds change in it."""
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _classes() -> dict[str, type]:
    """The Python class of each resource type that is imported."""
    import pulumi

    found: dict[str, type] = {}
    waiting: list[type] = [pulumi.CustomResource]
    while waiting:
        known: list[type] = waiting.pop().__subclasses__()
        for below in known:
            waiting.append(below)
            name = below.__dict__.get("pulumi_type")
            if isinstance(name, str):
                found[name] = below
    return found


def _arguments(resource: type | None) -> set[str]:
    """Names of the arguments of a resource's class, as Pulumi writes them."""
    if resource is None:
        return set()
    init = getattr(resource, "_internal_init", None) or resource.__init__  # type: ignore[misc]
    names = inspect.signature(init).parameters
    return {first + "".join(map(str.capitalize, rest)) for first, *rest in (name.split("_") for name in names)}
