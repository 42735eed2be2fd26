"""Objects in a cloud that resources of other providers create: their owner, their data, and their deletion."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform


@dataclass(frozen=True, slots=True)
class HeldObject:
    """An object for data that a component declares: a bucket, a dataset, a topic.

    Args:
        type: Pulumi type of its resource.
        name: Name of its resource without the component's name before it: ``bucket``, ``landing-bucket``.
        inputs: The inputs of the resource that its id follows from, and others whose change replaces the object.
    """

    type: str
    name: str
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObjectOwner:
    """The owner that the mark of an object names.

    Args:
        address: ``domain/product/port``; None if the object has no mark, because no product created it.
        environment: Its environment.
        is_hidden: Whether the object is in a place that this user cannot read.
    """

    address: str | None = None
    environment: str | None = None
    is_hidden: bool = False

    def __str__(self) -> str:
        if self.is_hidden:
            return "you have no right to read its owner"
        if self.address is None:
            return "was not created by a product"
        return f"belongs to {self.address} in environment {self.environment}"


@dataclass(frozen=True, slots=True)
class Contents:
    """The data in an object. A number is None if it is unknown, or if the data has none of its kind."""

    words: str
    rows: int | None = None
    files: int | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """The author and the time of a change by hand, as far as the service records them."""

    by: str | None = None
    at: datetime | None = None


class CloudObject:
    """One type of object in a cloud.

    Attributes:
        kind: Its kind in words: ``bucket``.
        holds_data: Whether the removal of an object deletes data. Only the contents of such objects are read.
        remains: A sentence on what the cloud itself keeps after a deletion; empty if nothing.
        other_name: The remedy for an object that another owner has.
        guard: Pulumi type of the resource that reports and refuses the replacement of such an object; empty if none
            does.
    """

    kind: ClassVar[str] = "object"
    holds_data: ClassVar[bool] = False
    remains: ClassVar[str] = ""
    other_name: ClassVar[str] = "give the port or need another name"
    guard: ClassVar[str] = ""

    def owner(self, platform: Platform, identity: str) -> ObjectOwner | None:
        """The owner of an object; None if the object does not exist.

        Raises:
            Failure: when the cloud does not answer, or refuses to.
        """
        raise NotImplementedError

    def contents(self, platform: Platform, identity: str, *, apart: Collection[str] = ()) -> Contents | None:
        """The data in an object; None if it has none, or does not exist.

        Args:
            apart: Ids of objects whose data is counted apart: the deployed tables of a dataset.

        Raises:
            Failure: when the cloud does not answer, or refuses to.
        """
        return None

    def delete(self, platform: Platform, identity: str) -> None:
        """Delete an object with all its data. A missing one is no error.

        Raises:
            Failure: when the cloud does not answer, or refuses to.
        """
        raise NotImplementedError

    def last_change(self, platform: Platform, identity: str, since: datetime) -> Changed:
        """The author and the time of the last change of an object; empty if the cloud records none.

        Args:
            since: The time of the last deployment.

        Raises:
            Failure: when the cloud does not answer, or refuses to.
        """
        return Changed()

    def claim(self, address: str, environment: str) -> str:
        """How a user marks an unmarked object as the product's own; empty if nobody can.

        Args:
            address: ``domain/product/port``.
            environment: Its environment.
        """
        return ""

    def guard_id(self, identity: str) -> str:
        """The id of the resource that guards an object."""
        return identity
