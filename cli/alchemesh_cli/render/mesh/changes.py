"""The changes that applying a mesh repo makes, in plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alchemesh_cli.terminal.printing import styled
from alchemesh_platform.mesh_repo.difference import ChangeKind, FieldChange, MeshDiff, RecordChange
from alchemesh_platform.registry.records import (
    DomainRecord,
    PolicyRecord,
    Record,
    SourceSystemRecord,
    TeamRecord,
    UserRecord,
)

# Change of a record: mark, colour, the words before and after. The mark carries the meaning.
MARKS: Mapping[ChangeKind, tuple[str, str, str, str]] = {
    "created": ("+", "green", "to create", "created"),
    "updated": ("~", "yellow", "to change", "changed"),
    "removed": ("-", "red", "to remove", "removed"),
}
APART = " · "


def diff_lines(diff: MeshDiff, environment: str) -> Iterator[str]:
    """One line for each record, and below it one for each changed field."""
    yield f"{styled('mesh', bold=True)}  {environment}"
    kinds = max((len(_kind(change.record)) for change in diff.changes), default=0)
    addresses = max((len(change.record.address) for change in diff.changes), default=0)
    for change in diff.changes:
        mark, colour, _, _ = MARKS[change.change]
        what = _facts(change)
        name = styled(f"{change.record.address:<{addresses if what else 0}}", bold=True)
        line = f"{styled(mark, fg=colour)} {_kind(change.record):<{kinds}}  {name}"
        yield f"{line}  {what}" if what else line
        fields = change.fields
        width = max((len(_field(one)) for one in fields), default=0)
        for one in fields:
            yield f"    {_field(one):<{width}}  {_became(one)}"


def totals(diff: MeshDiff, *, done: bool) -> str:
    """``12 to create · 1 to remove``, or ``12 created · 1 removed``."""
    counts = Counter(change.change for change in diff.changes)
    return APART.join(
        f"{counts[change]:,} {after if done else before}"
        for change, (_, _, before, after) in MARKS.items()
        if counts[change]
    )


def _kind(record: Record) -> str:
    return record.kind.replace("_", " ")


def _facts(change: RecordChange) -> str:
    """The main facts of a new record."""
    record = change.record
    if change.change != "created":
        return ""
    if isinstance(record, DomainRecord):
        return f"{record.type}, owner {record.owner}"
    if isinstance(record, TeamRecord):
        count = len(record.members)
        return f"{record.team_kind}, {count} {'member' if count == 1 else 'members'}"
    if isinstance(record, SourceSystemRecord):
        return record.technology
    if isinstance(record, PolicyRecord):
        return f"{record.effect}, owner {record.owner}"
    return ", ".join((record.name, *record.personas)) if isinstance(record, UserRecord) else ""


def _field(change: FieldChange) -> str:
    return "kind" if change.field == "team_kind" else change.field


def _became(change: FieldChange) -> str:
    """``bo@… → cy@…``; for a list, the added and the removed items."""
    if isinstance(change.before, list) and isinstance(change.after, list):
        return "  ".join([*_only(change.after, change.before, "+"), *_only(change.before, change.after, "-")])
    return f"{_value(change.before)} → {_value(change.after)}"


def _only(these: Sequence[Any], others: Sequence[Any], mark: str) -> list[str]:
    return [f"{mark} {one}" for one in these if one not in others]


def _value(value: Any) -> str:
    return "nothing" if value in ("", None) else str(value)
