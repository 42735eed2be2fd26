"""The changes of a port's contract."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from alchemesh_platform.documents.document import Path, written

ChangeKind = Literal["breaking", "compatible", "documentation"]
ChangeWord = Literal["added", "removed", "changed"]
KINDS: tuple[ChangeKind, ...] = ("breaking", "compatible", "documentation")  # the most severe first


@dataclass(frozen=True, slots=True)
class ContractChange:
    """One change of a port's contract, with its effect on consumers.

    Args:
        path: The place in the promised port: ``("models", "flight", "properties", "carrier", "type")``; empty for the
            port itself. Quality rules are identified by name.
        kind: Effect on consumers.
        change: Whether something was added, removed or changed.
        message: The old and the new value, without the place.
    """

    path: Path
    kind: ChangeKind
    change: ChangeWord
    message: str

    @property
    def place(self) -> str:
        """The path in the notation of messages."""
        return written(self.path) or "port"

    def as_json(self) -> dict[str, str]:
        """The change as one flat JSON object."""
        return {"path": self.place, "kind": self.kind, "change": self.change, "message": self.message}


@dataclass(frozen=True, slots=True)
class PortDiff:
    """Every change between two contracts of a port. Its order does not depend on the order in the documents."""

    changes: tuple[ContractChange, ...] = ()

    def of(self, kind: ChangeKind) -> tuple[ContractChange, ...]:
        """The changes of one kind."""
        return tuple(change for change in self.changes if change.kind == kind)

    @property
    def kind(self) -> ChangeKind | None:
        """The most severe kind among the changes, or None if nothing changed."""
        return next((kind for kind in KINDS if self.of(kind)), None)


def ordered(changes: Iterable[ContractChange]) -> PortDiff:
    """The changes as a diff, sorted by place and message."""
    return PortDiff(tuple(sorted(changes, key=lambda change: ([str(step) for step in change.path], change.message))))


def added(path: Path, kind: ChangeKind, message: str) -> ContractChange:
    """A change that adds something."""
    return ContractChange(path, kind, "added", message)


def removed(path: Path, kind: ChangeKind, message: str) -> ContractChange:
    """A change that removes something."""
    return ContractChange(path, kind, "removed", message)


def changed(path: Path, kind: ChangeKind, message: str) -> ContractChange:
    """A change of a value."""
    return ContractChange(path, kind, "changed", message)
