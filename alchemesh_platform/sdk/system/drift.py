"""The drift of a deployed resource, behind the sentence that reports it. The engine carries text only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alchemesh_platform.sdk.system.cloud_object import Changed

DRIFT_MARK = "\n\ndrift: "


@dataclass(frozen=True, slots=True)
class Deviation:
    """A property of a deployed resource that differs from its declaration.

    Args:
        path: The property, in the words of its service.
        declared: The declared value; None if the declaration has none.
        found: The value of the deployed resource; None if it has none.
    """

    path: str
    declared: Any = None
    found: Any = None

    def as_json(self) -> dict[str, Any]:
        """The property as plain JSON."""
        return {"path": self.path, "declared": self.declared, "found": self.found}


@dataclass(frozen=True, slots=True)
class Drift:
    """The reason why a deployed resource must be corrected although its inputs are unchanged.

    Args:
        reason: A sentence for users that read the preview.
        property: The output (its name in Python) that the preview marks.
        deviations: The properties that differ, if the service has properties.
        expected: Whether the difference follows from normal work, such as newly landed rows. Nobody changed the
            resource by hand.
        changed: The author and the time of the change, if the service records them.
    """

    reason: str
    property: str
    deviations: tuple[Deviation, ...] = ()
    expected: bool = False
    changed: Changed = field(default_factory=Changed)


def with_drift(drift: Drift) -> str:
    """The sentence of a drift, with its details behind it; :func:`split_drift` returns both."""
    details = {
        "property": drift.property,
        "deviations": [each.as_json() for each in drift.deviations],
        "expected": drift.expected,
        "by": drift.changed.by,
        "at": drift.changed.at.isoformat() if drift.changed.at is not None else None,
    }
    return f"{drift.reason}{DRIFT_MARK}{json.dumps(details, default=str)}"


def split_drift(text: str) -> tuple[str, Drift | None]:
    """The sentence of a text from :func:`with_drift`, and the drift; None if the text reports none."""
    sentence, mark, behind = text.partition(DRIFT_MARK)
    if not mark:
        return text, None
    try:
        found = json.JSONDecoder().raw_decode(behind)[0]
        at = found["at"]
        changed = Changed(_text(found["by"]), datetime.fromisoformat(at) if isinstance(at, str) else None)
        deviations = tuple(_deviations(found["deviations"]))
        drift = Drift(sentence, str(found["property"]), deviations, found["expected"] is True, changed)
    except (ValueError, TypeError, KeyError):
        return text, None
    return sentence, drift


def _deviations(found: Iterable[Mapping[str, Any]]) -> Iterable[Deviation]:
    for each in found:
        yield Deviation(str(each["path"]), each["declared"], each["found"])


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
