"""The drift of a product: changes by hand, apart from differences that follow from normal work.

A refresh compares each recorded resource with the deployed one. A difference is drift if it concerns a declared
property, or if the handler of the resource reports it: the next `up` corrects it. Services also set properties that
nobody declares, such as times and checksums, and data changes by itself. Those differences are expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.secrecy.recognise import hidden
from alchemesh_platform.base.secrets import mask
from alchemesh_platform.deployment.objects.planned import cloud_objects
from alchemesh_platform.deployment.report.progress import Change
from alchemesh_platform.sdk.system.drift import Deviation

if TYPE_CHECKING:
    from alchemesh_platform.base.problems import Location
    from alchemesh_platform.deployment.report.progress import Progress
    from alchemesh_platform.platform_file.models import Platform

How = Literal["changed", "removed"]


@dataclass(frozen=True, slots=True)
class Drifted:
    """A resource that differs from its record.

    Args:
        port: Name of its port, need or code; empty for the product.
        resource: Name of the resource.
        type: Its Pulumi type.
        change: Whether the resource was changed or removed.
        deviations: The properties that differ, as far as the service reports them.
        reason: The difference in a sentence, if a handler reports one.
        by: The author of the change; None if the service does not record one.
        at: The time of the change; None if it is unknown.
        location: The line of its port in the manifest.
        expected: Whether the difference follows from normal work. Nobody changed the resource by hand.
        id: Its id in the service.
    """

    port: str
    resource: str
    type: str
    change: How
    deviations: tuple[Deviation, ...] = ()
    reason: str | None = None
    by: str | None = None
    at: datetime | None = None
    location: Location | None = None
    expected: bool = False
    id: str = ""

    def as_json(self) -> dict[str, Any]:
        """The difference as plain JSON."""
        return {
            "port": self.port,
            "resource": self.resource,
            "type": self.type,
            "change": self.change,
            "properties": [
                Deviation(each.path, *hidden(each.path, each.declared, each.found)).as_json()
                for each in self.deviations
            ],
            "reason": self.reason,
            "by": self.by,
            "at": self.at.isoformat() if self.at is not None else None,
            **({"line": self.location.line} if self.location is not None else {}),
        }


def differences_of(progress: Progress, secrets: Iterable[str] = ()) -> tuple[Drifted, ...]:
    """The resources that differ from their records, by port.

    Args:
        progress: A refresh that has ended, or a preview, which knows the drift that handlers report.
        secrets: Values that must not be shown.
    """
    hidden = tuple(secrets)
    return tuple(
        _masked(replace(each, port=section.name, location=section.location), hidden)
        for section in progress.sections()
        for change in section.changes
        if change.state == "done" and not change.is_group
        for each in (_of(change) if change.is_compared else _reported(change))
    )


def with_authors(found: Iterable[Drifted], platform: Platform, since: datetime | None) -> Iterator[Drifted]:
    """The differences, with the author and the time of each change where the cloud records them.

    Args:
        found: The differences.
        platform: The environment.
        since: The time of the last deployment; None if it is unknown.
    """
    objects = cloud_objects()
    for each in found:
        if each.expected or each.by is not None or each.type not in objects or since is None:
            yield each
            continue
        try:
            changed = objects[each.type].last_change(platform, each.id, since)
        except Failure:  # the difference is known, whether the cloud shows its log to this user or not
            yield each
            continue
        yield replace(each, by=changed.by, at=changed.at or each.at)


def _of(change: Change) -> Iterator[Drifted]:
    known = Drifted("", change.name, change.type, "changed", id=change.id)
    if change.operation == "delete":
        yield replace(known, change="removed")
        return
    if change.drift is not None:
        yield from _reported(change)
        return
    compared = [Deviation(diff.path, diff.old, diff.new) for diff in change.diffs]
    by_hand = tuple(each for each in compared if _is_declared(each, change.inputs))
    if by_hand:
        yield replace(known, deviations=by_hand)
    if change.operation not in ("update", "drift", "replace"):
        return
    rest = [each for each in compared if each not in by_hand]
    rest += [] if by_hand or rest else list(_undeclared(change))
    if rest:
        yield replace(known, deviations=tuple(rest), expected=True)
    elif not by_hand:
        yield replace(known, reason="the service did not answer with all of its properties")


def _reported(change: Change) -> Iterator[Drifted]:
    """The drift that the handler of a resource reports."""
    if (reported := change.drift) is not None:
        yield Drifted(
            "",
            change.name,
            change.type,
            "changed",
            reported.deviations,
            reported.reason,
            reported.changed.by,
            reported.changed.at,
            expected=reported.expected,
            id=change.id,
        )


def _is_declared(deviation: Deviation, inputs: Mapping[str, Any]) -> bool:
    """Whether a property was declared, and its value differs. An empty value equals a missing one."""
    if not deviation.declared and not deviation.found:
        return False
    return _top_level(deviation.path) in inputs


def _undeclared(change: Change) -> Iterator[Deviation]:
    """The properties that a service set, for a resource whose declared properties are unchanged."""
    before, now = change.outputs_before, change.outputs
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            yield Deviation(name, before.get(name), now.get(name))


def _top_level(path: str) -> str:
    return path.split(".", 1)[0].split("[", 1)[0]


def _masked(found: Drifted, secrets: tuple[str, ...]) -> Drifted:
    if not secrets:
        return found
    deviations = tuple(
        Deviation(each.path, _masked_value(each.declared, secrets), _masked_value(each.found, secrets))
        for each in found.deviations
    )
    return replace(found, deviations=deviations, reason=mask(found.reason, secrets) if found.reason else found.reason)


def _masked_value(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return mask(value, secrets)
    if isinstance(value, Mapping):
        return {key: _masked_value(each, secrets) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_masked_value(each, secrets) for each in value]
    return value
