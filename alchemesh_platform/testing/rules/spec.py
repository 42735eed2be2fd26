"""Rules of the spec: its references, its models, and the cases of its capabilities."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, get_type_hints

from alchemesh_platform.base.packages.reference import load_reference
from alchemesh_platform.sdk.spec import ComponentSpec, Role
from alchemesh_platform.testing.cases import Case
from alchemesh_platform.testing.finding import Finding

if TYPE_CHECKING:
    from pydantic import BaseModel

_REFERENCE = re.compile(r"[\w.]+:\w+")
ENGINE_PARTS = ("name", "start", "look", "cancel", "log", "runs")  # of alchemesh_platform.sdk.code.engine.CodeEngine

Report = Callable[..., Finding]


def references_of(spec: ComponentSpec) -> dict[str, str]:
    """Fields of a spec that refer to something in a module: ``"module:name"``."""
    values = {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec)}
    return {name: value for name, value in values.items() if isinstance(value, str) and _REFERENCE.fullmatch(value)}


def check_references(spec: ComponentSpec, report: Report) -> Iterator[Finding]:
    """Each reference resolves, and the class of the component belongs to the spec."""
    for field in ("component", "args", "settings", "outputs"):
        if not _REFERENCE.fullmatch(getattr(spec, field)):
            yield report("references-resolve", f"{field}={getattr(spec, field)!r}, expected 'module:Name'")
    for field, reference in references_of(spec).items():
        try:
            found = load_reference(reference)
        except (Exception, SystemExit) as error:  # noqa: BLE001 the module of another author
            yield report("references-resolve", f"{field}={reference!r}: {type(error).__name__}: {error}")
            continue
        if field == "engine":
            missing = [name for name in ENGINE_PARTS if not hasattr(found, name)]
            if missing:
                yield report("references-resolve", f"{reference} is no engine: it has no {', '.join(missing)}")
        elif not callable(found):
            yield report(
                "references-resolve", f"{field}={reference!r} is a {type(found).__name__}, expected a callable"
            )
        elif field == "component" and getattr(found, "spec", None) is not spec:
            yield report(
                "references-resolve",
                f"{reference} has another spec, expected `spec = SPEC` of this module",
                fix="Set the class attribute `spec` of the component to its SPEC.",
            )


def check_models(spec: ComponentSpec, report: Report) -> Iterator[Finding]:
    """Models of arguments and settings are strict, and their fields have descriptions."""
    for kind, model in (("argument", spec.args_model()), ("setting", spec.settings_model())):
        for wanted, value in (("extra", "forbid"), ("frozen", True)):
            if model.model_config.get(wanted) != value:
                yield report("models-are-strict", f"{model.__name__}: {wanted} is not {value!r}")
        for where, description in _fields(model, nested=kind == "argument"):
            if not description:
                yield report("fields-are-described", f"{kind} {where} has no description")


def check_forms(spec: ComponentSpec, catalog: Iterable[ComponentSpec], report: Report) -> Iterator[Finding]:
    """A storage provides a form, and a proxy serves forms that an installed storage provides."""
    if Role.STORAGE in spec.roles and spec.provides is None:
        yield report("storage-names-its-form", "the spec of this storage has no `provides`")
    forms = {each.provides for each in (*catalog, spec) if each.provides}
    if Role.PROXY in spec.roles:
        for form in spec.serves:
            if form not in forms:
                yield report(
                    "storage-names-its-form",
                    f"serves {form!r}, and no installed storage provides it",
                    fix=_known(forms),
                )


def check_measure(spec: ComponentSpec, report: Report) -> Iterator[Finding]:
    """``measure`` belongs to a storage, takes the measured port alone, and returns its tables."""
    if spec.measure is None:
        return
    from alchemesh_platform.quality.tables import Tables

    if Role.STORAGE not in spec.roles:
        roles = ", ".join(spec.roles)
        yield report("measure-counts-rows", f"measure={spec.measure!r}, and the component has the role {roles} only")
    function: Any = load_reference(spec.measure)
    try:
        inspect.signature(function).bind(object())
    except TypeError as error:
        yield report("measure-counts-rows", f"measure={spec.measure!r} cannot be called with a port: {error}")
        return
    except ValueError:
        return  # a function without a signature, such as one in C
    returned = function if isinstance(function, type) else _returned(function)
    if isinstance(returned, type) and not issubclass(returned, Tables):
        yield report("measure-counts-rows", f"measure={spec.measure!r} returns {returned.__name__}, expected Tables")


def _returned(function: Any) -> Any:
    """The type that a function says it returns; None if it does not say, or the type is not there."""
    try:
        return get_type_hints(function).get("return")
    except Exception:  # noqa: BLE001 the module of another author
        return None


def check_capabilities(spec: ComponentSpec, cases: Iterable[Case], report: Report) -> Iterator[Finding]:
    """Each capability that the component declares has a case."""
    from alchemesh_platform.sdk.component import Component

    declared = list(cases)
    built = [case for case in declared if not case.is_refused]
    component = spec.component_class()

    def lacks(capability: str, add: str) -> Finding:
        return report(
            "capability-has-a-case", f"{capability} has no case", fix=f"Add {add} to a case of the case file."
        )

    if not built:
        yield lacks("the component", "`args`, `resources` and `outputs`")
    if spec.guards and component.grant is Component.grant:
        yield report(
            "capability-has-a-case",
            "guards=True, and the class has no `grant`",
            fix="Implement `grant`, or set guards=False.",
        )
    elif component.grant is not Component.grant:
        if not spec.guards:
            yield report(
                "capability-has-a-case",
                "the class has `grant`, and guards=False: the platform never calls it",
                fix="Set guards=True in the spec, or remove `grant`.",
            )
        if not any(case.grant for case in built):
            yield lacks("`grant`", "`grant` with a consumer")
    if component.admit is not Component.admit and not any(case.admit for case in built):
        yield lacks("`admit`", "`admit` with an identity")
    if spec.observe is not None and not any(case.observe for case in built):
        yield lacks("`observe`", "`observe: [{health: unknown}]` (or another health)")
    for field in ("check", "look"):
        if getattr(spec, field) is not None and not any(case.is_refused for case in declared):
            yield lacks(f"`{field}`", "a case with `objections`, a use that the function refuses")
    if spec.infer is not None and not any(case.infer for case in declared):
        yield lacks("`infer`", "`infer` with the proposed properties")
    for protocol in spec.protocols:
        if not any(protocol in case.wiring.protocols for case in built):
            yield lacks(f"protocol {protocol}", f"`wiring: {{protocols: [{protocol}]}}`")


def _fields(model: type[BaseModel], *, nested: bool, before: str = "") -> Iterator[tuple[str, str | None]]:
    for name, info in model.model_fields.items():
        yield f"{before}{name}", info.description
        if not nested and (below := _model_of(info.annotation)) is not None:
            yield from _fields(below, nested=True, before=f"{before}{name}.")


def _model_of(annotation: Any) -> type[BaseModel] | None:
    from pydantic import BaseModel

    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _known(forms: Iterable[str]) -> str:
    return f"Name one of {', '.join(sorted(forms))}, or install the package of that storage."
