"""Data that stayed when its resource was removed, as a system finds and deletes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform


@dataclass(frozen=True, slots=True)
class Retained:
    """Data of one port, need or model, deployed or not.

    Args:
        kind: Its kind in words: ``Delta table``.
        name: Its name in its system: a path, a topic.
        owner: Address that it belongs to: ``domain/product/port`` or ``domain/product/port/model``.
        contents: Its contents in words: ``3 rows``.
        recorded_as: Texts of which a record of a deployed port contains one.
        environment: Its environment; None if an earlier version marked it without one.
        system: Name of the system that deletes it; None if no system does.
        object_type: Pulumi type of an object in a cloud; None for data of other systems, and for objects of a type
            that Alchemesh cannot delete.
        resource: Name of the resource that a cloud's object belonged to.
    """

    kind: str
    name: str
    owner: str
    contents: str = ""
    recorded_as: tuple[str, ...] = ()
    environment: str | None = None
    system: str | None = None
    object_type: str | None = None
    resource: str = ""

    @property
    def is_deletable(self) -> bool:
        """Whether Alchemesh can delete it."""
        return self.system is not None or self.object_type is not None

    @property
    def product(self) -> str:
        """``domain/product``."""
        return "/".join(self.owner.split("/")[:2])

    def is_below(self, address: str) -> bool:
        """Whether it belongs to a product, a port or a model."""
        return f"{self.owner}/".startswith(f"{address}/")

    def as_json(self) -> dict[str, Any]:
        """The data as one JSON object."""
        return {
            "address": self.owner,
            "kind": self.kind,
            "name": self.name,
            "contents": self.contents,
            "environment": self.environment,
            "deletable": self.is_deletable,
        }


@dataclass(frozen=True, slots=True)
class Found:
    """Retained data of an environment, and the reasons why some systems could not be searched."""

    data: tuple[Retained, ...]
    unsearched: tuple[Failure, ...] = ()


class RetainedData:
    """Finds and deletes the data of a system."""

    def find(self, platform: Platform) -> Iterator[Retained]:
        """All data of an environment that has an owner, deployed or not."""
        yield from ()

    def delete(self, platform: Platform, data: Retained) -> None:
        """Delete data. Missing data is no error. The caller holds the lock of the product."""
