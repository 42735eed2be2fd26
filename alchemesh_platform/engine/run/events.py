"""Events of the engine's run as small frozen values.

The engine writes one JSON object a line. This module skips unknown kinds of events and unknown fields, so a newer
engine does not break a run. Secrets are masked, and values that are not known yet are marked.

Source: pulumi sdk/go/common/apitype/events.go
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from alchemesh_platform.base.secrets import MASK
from alchemesh_platform.engine.run.property_path import UNKNOWN, at_path, by_name
from alchemesh_platform.engine.urn import name_of, type_of

# Source: pulumi sdk/go/common/resource/sig/sig.go
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 a marker, no secret
_OUTPUT_VALUE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_RESOURCE_REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
# Source: pulumi sdk/go/common/resource/plugin/rpc.go, Unknown…Value
_UNKNOWN_VALUES = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)

OUR_TYPES = "alchemesh:"  # our provider compares lists of named items by name
ROOT_STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_TYPE_PREFIX = "pulumi:providers:"


@dataclass(frozen=True, slots=True)
class PropertyDiff:
    """A property whose value changes.

    Args:
        path: Path of the property: ``tags.team``.
        kind: ``add``, ``update`` or ``delete``; with the suffix ``-replace`` if the change replaces the resource.
        input_diff: Whether the declared inputs differ, rather than the deployed resource.
        old: Previous value; None if there was none.
        new: New value; None if there is none.
    """

    path: str
    kind: str
    input_diff: bool = False
    old: Any = None
    new: Any = None

    @property
    def replaces(self) -> bool:
        """Whether this change replaces the resource."""
        return self.kind.endswith("-replace")


@dataclass(frozen=True, slots=True)
class ResourceEvent:
    """An event of one resource.

    Args:
        urn: URN of the resource.
        type: Pulumi type of the resource.
        name: Name that the program gave to the resource.
        parent: URN of its parent; empty for the root.
        op: The engine's name of the operation: create, update, delete, same, replace, create-replacement, refresh, …
        custom: Whether a provider manages the resource; a component resource only groups others.
        diffs: Properties that differ, sorted by path.
        old_inputs: The previous inputs; None if the resource did not exist.
        new_inputs: The declared inputs; None if the resource is deleted.
        old_outputs: The previous outputs.
        new_outputs: The current outputs.
        planning: Whether this is a preview.
        id: Id of the resource in its service; empty for a component, and before it is known.
    """

    urn: str
    type: str
    name: str
    parent: str
    op: str
    custom: bool
    diffs: tuple[PropertyDiff, ...]
    old_inputs: Mapping[str, Any] | None
    new_inputs: Mapping[str, Any] | None
    old_outputs: Mapping[str, Any] | None
    new_outputs: Mapping[str, Any] | None
    planning: bool
    id: str = ""


@dataclass(frozen=True, slots=True)
class ResourcePre(ResourceEvent):
    """A step starts."""


@dataclass(frozen=True, slots=True)
class ResourceOutputs(ResourceEvent):
    """A step finished."""


@dataclass(frozen=True, slots=True)
class ResourceFailed(ResourceEvent):
    """A step failed. An earlier diagnostic gives the reason."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A message. ``severity`` is debug, info, warning or error; ``urn`` is empty if it concerns no resource."""

    severity: str
    message: str
    urn: str = ""
    ephemeral: bool = False


@dataclass(frozen=True, slots=True)
class Prelude:
    """The run starts. The engine masks secret configuration."""

    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Summary:
    """The run has ended. ``result`` is succeeded, failed or canceled."""

    result: str
    changes: Mapping[str, int]
    is_preview: bool
    maybe_corrupt: bool


@dataclass(frozen=True, slots=True)
class Cancel:
    """The last event of each run, successful or not."""


EngineEvent: TypeAlias = ResourcePre | ResourceOutputs | ResourceFailed | Diagnostic | Prelude | Summary | Cancel


def parse_event(line: str | bytes, *, refresh: bool = False) -> EngineEvent | None:
    """Parse one line of the event log; None for an unknown or irrelevant event.

    Args:
        refresh: Whether the run is a refresh: the deployed resource then differs, not the declaration.
    """
    try:
        document = json.loads(line)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    for key, parse in _PARSERS.items():
        if isinstance(body := document.get(key), dict):
            return parse(body, refresh)
    return None


def plain(value: Any) -> Any:
    """Convert a property value to plain JSON: secrets masked, unknown values marked, references as their URN."""
    if isinstance(value, str):
        return UNKNOWN if value in _UNKNOWN_VALUES else value
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    signature = value.get(_SIGNATURE)
    if signature is None:
        return {key: plain(item) for key, item in value.items()}
    if signature == _SECRET:
        return MASK
    if signature == _OUTPUT_VALUE:
        if value.get("secret"):
            return MASK
        return plain(value["value"]) if "value" in value else UNKNOWN
    if signature == _RESOURCE_REFERENCE:
        return value.get("urn", "")
    return {key: plain(item) for key, item in value.items() if key != _SIGNATURE}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _properties(state: object, key: str) -> Mapping[str, Any] | None:
    if not isinstance(state, dict):
        return None
    found = plain(state.get(key) or {})
    return found if isinstance(found, dict) else {}


def _resource(
    kind: type[ResourcePre | ResourceOutputs | ResourceFailed], body: dict[str, Any], refresh: bool
) -> EngineEvent | None:
    step = body.get("metadata")
    if not isinstance(step, dict) or not _text(step.get("urn")):
        return None
    old, new = step.get("old"), step.get("new")
    state = new if isinstance(new, dict) else old if isinstance(old, dict) else {}
    urn = _text(step["urn"])
    old_inputs, new_inputs = _properties(old, "inputs"), _properties(new, "inputs")
    old_outputs, new_outputs = _properties(old, "outputs"), _properties(new, "outputs")
    return kind(
        urn=urn,
        type=_text(step.get("type")) or type_of(urn),
        name=name_of(urn),
        parent=_text(state.get("parent")),
        op=_text(step.get("op")),
        custom=state.get("custom") is True,
        diffs=_diffs(step, (old_inputs, new_inputs), (old_outputs, new_outputs), refresh=refresh),
        old_inputs=old_inputs,
        new_inputs=new_inputs,
        old_outputs=old_outputs,
        new_outputs=new_outputs,
        planning=body.get("planning") is True,
        id=_text(state.get("id")),
    )


_Sides: TypeAlias = tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]


def _diffs(step: dict[str, Any], inputs: _Sides, outputs: _Sides, *, refresh: bool) -> tuple[PropertyDiff, ...]:
    # The choice of the old and new side follows pulumi pkg/engine/detailedDiff.go (TranslateDetailedDiff).
    detailed = step.get("detailedDiff")
    if not detailed:
        # A provider without a detailed diff reports only top-level properties.
        names = step.get("diffs") or ()
        detailed = {name: {"diffKind": "update", "inputDiff": True} for name in names if isinstance(name, str)}
    if step.get("op") == "same" or not isinstance(detailed, dict):
        return ()
    found = []
    for path, diff in sorted(detailed.items()):
        if not isinstance(diff, dict):
            continue
        kind, input_diff = _text(diff.get("diffKind")) or "update", diff.get("inputDiff") is True
        old = (inputs if input_diff else outputs)[0]
        new = (outputs if refresh and not input_diff else inputs)[1]
        if refresh and kind == "update" and at_path(old, path) == at_path(new, path):
            continue  # our provider marks drift in a property that is unchanged; its note says what differs
        named = by_name(path, kind, old, new) if _text(step.get("type")).startswith(OUR_TYPES) else None
        if named is not None:
            found += [PropertyDiff(place, each, input_diff, *_masked(*sides)) for place, each, *sides in named]
            continue
        sides = (
            None if kind.startswith("add") else at_path(old, path),
            None if kind.startswith("delete") else at_path(new, path),
        )
        found.append(PropertyDiff(path, kind, input_diff, *_masked(*sides)))
    return tuple(found)


def _masked(old: Any, new: Any) -> tuple[Any, Any]:
    """Both sides of a difference. A value that is or becomes a secret is masked on both: it may be the same value."""
    if MASK in (old, new):
        return None if old is None else MASK, None if new is None else MASK
    if isinstance(old, dict) and isinstance(new, dict):
        both = {key: _masked(old[key], new[key]) for key in old.keys() & new.keys()}
        was, now = ({**side, **{key: pair[at] for key, pair in both.items()}} for at, side in enumerate((old, new)))
        return was, now
    if isinstance(old, list) and isinstance(new, list):
        pairs = [_masked(*pair) for pair in zip(old, new, strict=False)]
        before, after = ([pair[at] for pair in pairs] + side[len(pairs) :] for at, side in enumerate((old, new)))
        return before, after
    return old, new


def _diagnostic(body: dict[str, Any], _refresh: bool) -> Diagnostic:
    return Diagnostic(
        severity=_text(body.get("severity")) or "info",
        message=_text(body.get("message")).strip(),
        urn=_text(body.get("urn")),
        ephemeral=body.get("ephemeral") is True,
    )


def _summary(body: dict[str, Any], _refresh: bool) -> Summary:
    changes = body.get("resourceChanges")
    return Summary(
        result=_text(body.get("result")),
        changes={op: count for op, count in changes.items() if isinstance(count, int)}
        if isinstance(changes, dict)
        else {},
        is_preview=body.get("isPreview") is True,
        maybe_corrupt=body.get("maybeCorrupt") is True,
    )


def _prelude(body: dict[str, Any], _refresh: bool) -> Prelude:
    config = body.get("config")
    return Prelude(
        {key: value for key, value in config.items() if isinstance(value, str)} if isinstance(config, dict) else {}
    )


_PARSERS: Mapping[str, Callable[[dict[str, Any], bool], EngineEvent | None]] = {
    "resourcePreEvent": lambda body, refresh: _resource(ResourcePre, body, refresh),
    "resOutputsEvent": lambda body, refresh: _resource(ResourceOutputs, body, refresh),
    "resOpFailedEvent": lambda body, refresh: _resource(ResourceFailed, body, refresh),
    "diagnosticEvent": _diagnostic,
    "summaryEvent": _summary,
    "preludeEvent": _prelude,
    "cancelEvent": lambda _body, _refresh: Cancel(),
}
