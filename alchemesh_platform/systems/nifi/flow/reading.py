"""The declaration of a deployed dataflow: the result of a refresh, property by property."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alchemesh_platform.systems.nifi.flow.definition import Dataflow, Processor, Service, Variant
from alchemesh_platform.systems.nifi.flow.deviation import Deviation
from alchemesh_platform.systems.nifi.installed import Choice

_NUMBERS = ("tasks", "retries")
_GIVEN = ("properties", "optional", "dynamic")  # of a variant


def as_deployed(wanted: Dataflow, choice: Choice, found: Iterable[Deviation]) -> Dataflow:
    """The declaration with every deviation written into it."""
    # A shallow copy, so that secrets in the context are not copied.
    parameters, sensitive = dict(wanted.parameters), dict(wanted.sensitive)
    services = {name: service.model_dump() for name, service in wanted.services.items()}
    processors = {name: processor.model_dump() for name, processor in wanted.processors.items()}
    state = wanted.state
    for one in found:
        kind, *rest = one.path.split(".", 3)
        if kind == "state":
            state = "stopped" if wanted.state == "running" else "running"
        elif kind == "parameters" and rest:
            _set(parameters, ".".join(rest), one.found)
        elif kind == "sensitive_parameters":
            sensitive.pop(".".join(rest), None)
        elif kind == "services":
            _edit(services, rest, one, choice.services[rest[0]].variant)
        elif kind == "processors":
            _edit(processors, rest, one, choice.processors[rest[0]].variant)
    return wanted.model_copy(
        update={
            "parameters": parameters,
            "sensitive": sensitive,
            "services": {name: Service.model_validate(document) for name, document in services.items()},
            "processors": {name: Processor.model_validate(document) for name, document in processors.items()},
            "state": state,
        }
    )


def _edit(documents: dict[str, Any], path: list[str], one: Deviation, chosen: Variant) -> None:
    name, *parts = path
    if not parts:
        documents.pop(name, None)  # it does not exist
        return
    document = documents[name]
    if parts[0] in ("type", *_GIVEN):
        # The variants keep their order, and a different type is the last deviation of its component.
        variant = next(found for found in document["variants"] if found["type"] == chosen.type)
        _set(variant if parts[0] == "type" else variant[parts[0]], parts[-1], one.found)
    elif parts[0] == "routes":
        document["routes"] = _routes(document["routes"], parts[1:], one)
    elif parts[0] in document:
        document[parts[0]] = _value(parts[0], one.found)


def _routes(routes: dict[str, tuple[str, ...]], relationship: list[str], one: Deviation) -> dict[str, tuple[str, ...]]:
    if not relationship:  # the list of relationships that end here
        ended = set(_words(one.found))
        kept = {name: targets for name, targets in routes.items() if targets or name in ended}
        return kept | {name: () for name in ended if name not in kept}
    targets = set(routes.get(relationship[0], ())) - {one.declared} | {one.found}
    return routes | {relationship[0]: tuple(sorted(target for target in targets if target is not None))}


def _value(part: str, text: str | None) -> Any:
    if part == "retried":
        return _words(text)
    return int(text or 0) if part in _NUMBERS else text


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(", ")) if text else ()


def _set(values: dict[str, Any], name: str, value: str | None) -> None:
    if value is None:
        values.pop(name, None)
    else:
        values[name] = value
