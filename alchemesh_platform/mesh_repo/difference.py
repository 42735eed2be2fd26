"""The changes that applying a mesh repo makes to the recorded mesh, field by field. No side effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from alchemesh_platform.mesh_repo.mesh import Mesh
from alchemesh_platform.registry.records import Record, SourceSystemRecord, TeamRecord

ChangeKind = Literal["created", "updated", "removed"]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A changed field of a record; values are plain data."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class RecordChange:
    """A record that is created (no ``before``), updated or deleted (no ``after``)."""

    before: Record | None
    after: Record | None

    @property
    def change(self) -> ChangeKind:
        """The change of the record."""
        if self.before is None:
            return "created"
        return "removed" if self.after is None else "updated"

    @property
    def record(self) -> Record:
        """The new record, or the old one if it is deleted."""
        record = self.after or self.before
        if record is None:
            raise ValueError("a change has a record before or after it")
        return record

    @property
    def fields(self) -> tuple[FieldChange, ...]:
        """The changed fields, in their order; empty for a created or deleted record."""
        if self.before is None or self.after is None:
            return ()
        before, after = self.before.model_dump(mode="json"), self.after.model_dump(mode="json")
        return tuple(
            FieldChange(name, before[name], value) for name, value in after.items() if before.get(name) != value
        )

    def as_json(self) -> dict[str, Any]:
        """The change as one JSON object."""
        return {
            "change": self.change,
            "kind": self.record.kind,
            "address": self.record.address,
            "record": self.record.model_dump(mode="json"),
            "fields": [{"field": one.field, "before": one.before, "after": one.after} for one in self.fields],
        }


@dataclass(frozen=True, slots=True)
class MeshDiff:
    """Every change, by kind (domains, teams, source systems, users, policies) and address; false if there is none."""

    changes: tuple[RecordChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def created(self) -> tuple[Record, ...]:
        """Records that are created."""
        return tuple(one.record for one in self.changes if one.before is None)

    @property
    def updated(self) -> tuple[RecordChange, ...]:
        """Records that are updated."""
        return tuple(one for one in self.changes if one.before is not None and one.after is not None)

    @property
    def removed(self) -> tuple[Record, ...]:
        """Records that are deleted."""
        return tuple(one.record for one in self.changes if one.after is None)


def plan_changes(wanted: Mesh, recorded: Mesh) -> MeshDiff:
    """The changes that turn the recorded mesh into the declared one."""
    pairs = (
        (wanted.domains, recorded.domains),
        (wanted.teams, recorded.teams),
        (wanted.source_systems, recorded.source_systems),
        (wanted.users, recorded.users),
        (wanted.policies, recorded.policies),
    )
    return MeshDiff(tuple(change for after, before in pairs for change in _changes(after, before)))


def touched_domains(difference: MeshDiff) -> frozenset[str]:
    """The domains whose teams or source systems change."""
    records = (change.record for change in difference.changes)
    return frozenset(record.domain for record in records if isinstance(record, TeamRecord | SourceSystemRecord))


def shared_changes(difference: MeshDiff) -> bool:
    """Whether anything changes that no single domain decides: users, policies, or a domain itself."""
    return any(not isinstance(change.record, TeamRecord | SourceSystemRecord) for change in difference.changes)


def _changes(wanted: Mapping[str, Record], recorded: Mapping[str, Record]) -> list[RecordChange]:
    pairs = ((recorded.get(address), wanted.get(address)) for address in sorted({*wanted, *recorded}))
    return [RecordChange(before, after) for before, after in pairs if before != after]
