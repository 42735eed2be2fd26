"""One change of a promise, and all of them together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from alchemesh_platform.documents.document import Path, written

ChangeKind = Literal["breaking", "compatible", "documentation"]
ChangeWord = Literal["added", "removed", "changed"]
KINDS: tuple[ChangeKind, ...] = ("breaking", "compatible", "documentation")  # the gravest first


@dataclass(frozen=True, slots=True)
class ContractChange:
    """One change of what a port promises, judged for those who consume it.

    Args:
        path: The place in the promised port: ``("models", "flight", "properties", "carrier", "type")``; empty for the
            port itself. Quality rules go by their names.
        kind: Effect on consumers.
        change: Whether something came, went or became something else.
        message: The old and the new value, without the place.
    """

    path: Path
    kind: ChangeKind
    change: ChangeWord
    message: str

    @property
    def place(self) -> str:
        """The path as people write it."""
        return written(self.path) or "port"

    def as_json(self) -> dict[str, str]:
        """The change as one flat JSON object."""
        return {"path": self.place, "kind": self.kind, "change": self.change, "message": self.message}


@dataclass(frozen=True, slots=True)
class PortDiff:
    """Every change between two promises of one port, in one order whatever the order of the documents."""

    changes: tuple[ContractChange, ...] = ()

    def of(self, kind: ChangeKind) -> tuple[ContractChange, ...]:
        """The changes of one kind."""
        return tuple(change for change in self.changes if change.kind == kind)

    @property
    def kind(self) -> ChangeKind | None:
        """The gravest kind among the changes, or None where nothing changed."""
        return next((kind for kind in KINDS if self.of(kind)), None)


def ordered(changes: Iterable[ContractChange]) -> PortDiff:
    """The changes as a difference: by place, and at one place by message."""
    return PortDiff(tuple(sorted(changes, key=lambda change: ([str(step) for step in change.path], change.message))))


def added(path: Path, kind: ChangeKind, message: str) -> ContractChange:
    """Something came."""
    return ContractChange(path, kind, "added", message)


def removed(path: Path, kind: ChangeKind, message: str) -> ContractChange:
    """Something went."""
    return ContractChange(path, kind, "removed", message)


def changed(path: Path, kind: ChangeKind, message: str) -> ContractChange:
    """Something became something else."""
    return ContractChange(path, kind, "changed", message)
