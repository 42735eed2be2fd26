"""The handler of one resource type: its inputs and outputs, and its create, read, update and delete operations."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.engine.urn import name_of, stack_of
from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.provider.loss import Loss, Permission, with_loss
from alchemesh_platform.sdk.system.drift import Drift, with_drift

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

PACKAGE = "alchemesh"  # name of the provider's package, and the prefix of all its resource types

DeployedState = Mapping[str, Collection[str]]  # ids of the resources in a stack's state, by Pulumi type

InputsT = TypeVar("InputsT", bound=BaseModel)
OutputsT = TypeVar("OutputsT", bound=BaseModel)


class NotDone(Failure):
    """Raised when a resource cannot be created, read, updated or deleted; gives the reason."""


class Unfinished(NotDone):
    """Raised when a creation fails and leaves a partial resource.

    The state records the resource with its declared inputs and the failure. The next run completes it with an update,
    or deletes it like any other resource if it is no longer declared.

    Args:
        outputs: The known outputs (names in Python).
    """

    def __init__(self, message: str, *, hint: str | None = None, outputs: Mapping[str, Any] | None = None) -> None:
        self.outputs = dict(outputs or {})
        super().__init__(message, hint=hint)


class Cancelled(Failure):
    """Raised when an operation is cancelled."""


@dataclass(frozen=True, slots=True)
class Context:
    """The context of an operation, in addition to its values.

    Args:
        urn: URN of the resource.
        stop: Set when the operation is cancelled or exceeds its time; long work checks it.
        registry: Opens the registry, or returns the open one.
        delete_data: Whether data is deleted with its resource, even if the resource retains it.
        report: Sends the user a message: a severity and a sentence.
        preview: Whether this is a preview, which must not change anything.
        unasked: Reason by URN why the service of a resource could not be reached.
        deployed: All resources in the stack's state before the run, including other providers'; None if unknown.
        actor: The identity that acts, in the form that records use; None under plain Pulumi, which passes none.
        permission: The permission to lose data; by default, none.
    """

    urn: str
    stop: threading.Event
    registry: Callable[[], Registry]
    report: Callable[[str, str], None]
    delete_data: bool = False
    preview: bool = False
    unasked: dict[str, Failure] = field(default_factory=dict)
    deployed: DeployedState | None = None
    actor: str | None = None
    permission: Callable[[], Permission] = lambda: Permission({})

    @property
    def environment(self) -> str | None:
        """The environment of the resource, which its stack is named after; None if unknown."""
        return stack_of(self.urn)

    def info(self, message: str) -> None:
        """Inform the user about an event."""
        self.report("info", message)

    def drifted(self, drift: Drift) -> None:
        """Inform the user about drift. Under plain Pulumi, nothing reads its details."""
        self.info(drift.reason if self.deployed is None else with_drift(drift))

    def warn(self, message: str) -> None:
        """Warn the user."""
        self.report("warning", message)

    def lose(self, property_path: str, sentence: str, loss: Loss) -> Iterator[Refusal]:
        """Report that a change deletes data; refuse it in a deployment without permission for the port.

        Args:
            property_path: The changed property.
            sentence: The change and its reason.
            loss: The lost data.
        """
        if self.permission().allows(name_of(self.urn)):
            self.report("warning", with_loss(sentence, loss))
        else:
            yield Refusal(property_path, with_loss(sentence, loss))

    def lose_with_removal(self, sentence: str, loss: Loss) -> None:
        """Report that the removal of a resource deletes its data.

        Raises:
            NotDone: without permission for the port. The resource and its data stay.
        """
        permission = self.permission()
        if permission.removals:
            return
        if not permission.allows(name_of(self.urn)):
            raise NotDone(with_loss(sentence, loss))
        self.report("warning", with_loss(sentence, loss))

    def is_deployed(self, pulumi_type: str, identity: str) -> bool:
        """Whether a resource of any provider was deployed before this run; true if unknown."""
        return self.deployed is None or identity in self.deployed.get(pulumi_type, ())


class Handler(ABC, Generic[InputsT, OutputsT]):
    """One resource type. The methods are plain functions that may block; several run at the same time, in threads.

    Attributes:
        pulumi_type: Pulumi type: ``alchemesh:local:Directory``.
        summary: One sentence for the schema.
        inputs: Model of the inputs.
        outputs: Model of the computed outputs. The state also contains the inputs.
        replace_on: Inputs (names in Python) whose change replaces the resource.
        by_name: Inputs (names in Pulumi) that are lists of named items, such as columns, whose order does not matter.
        delete_before_replace: Whether a replacement deletes the old resource before it creates the new one.
        keeps_plain_text: Whether the handler writes inputs in plain text; secrets in them are then masked.
        refuses_secrets: Like ``keeps_plain_text``, if masked values would be useless: secrets in inputs are then
        refused.
        lands: Whether :meth:`land` takes in new data of a deployed resource.
        secret_outputs: Outputs (names in Python) that are stored as secrets; None: all, if any input is a secret.
    """

    pulumi_type: ClassVar[str]
    summary: ClassVar[str]
    inputs: type[InputsT]
    outputs: type[OutputsT]
    replace_on: ClassVar[frozenset[str]] = frozenset()
    by_name: ClassVar[frozenset[str]] = frozenset()
    delete_before_replace: ClassVar[bool] = False
    keeps_plain_text: ClassVar[bool] = False
    refuses_secrets: ClassVar[bool] = False
    lands: ClassVar[bool] = False
    secret_outputs: ClassVar[frozenset[str] | None] = None

    @abstractmethod
    def identify(self, inputs: InputsT) -> str:
        """The resource's id."""

    def check(self, inputs: InputsT, old_inputs: InputsT | None, context: Context) -> Iterable[Refusal]:
        """The problems of valid, completely known inputs. Changes nothing."""
        return ()

    def plan(self, inputs: InputsT, old: OutputsT | None, context: Context) -> Mapping[str, Any]:
        """Outputs (names in Python) that are known before the operation; inputs may be ``UNKNOWN``.

        Args:
            inputs: The inputs.
            old: The current outputs, for an update.
        """
        return {}

    def drift(self, inputs: InputsT, outputs: OutputsT, context: Context) -> Drift | None:
        """The drift of the deployed resource from its record. Changes nothing."""
        return None

    @abstractmethod
    def create(self, inputs: InputsT, context: Context) -> OutputsT:
        """Create the resource, or adopt an existing one that has the same owner.

        Raises:
            Unfinished: when the creation fails and leaves a partial resource.
        """

    @abstractmethod
    def read(self, inputs: InputsT, outputs: OutputsT, context: Context) -> tuple[InputsT, OutputsT] | None:
        """Read the current inputs and outputs of the resource; None if it no longer exists."""

    @abstractmethod
    def update(self, inputs: InputsT, old_inputs: InputsT, outputs: OutputsT, context: Context) -> OutputsT:
        """Update the resource to new inputs."""

    def land(self, inputs: InputsT, context: Context) -> str | None:
        """Take in new data of the deployed resource, outside of a deployment; returns a sentence if there was any."""
        return None

    def expire(self, inputs: InputsT, context: Context) -> str | None:
        """Remove what is older than the retention of the deployed resource; returns a sentence if anything was."""
        return None

    def loss(self, inputs: InputsT, context: Context) -> Loss | None:
        """The data that a removal of the resource deletes; None if it keeps its data, or has none. Changes nothing."""
        return None

    @abstractmethod
    def delete(self, inputs: InputsT, outputs: OutputsT, context: Context) -> None:
        """Delete the resource. Deleting a missing resource does nothing."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """The available resource types.

    Args:
        by_type: Handler by Pulumi type.
        broken: Failures of systems that cannot be loaded; a missing type may belong to one of them.
    """

    by_type: Mapping[str, Handler[Any, Any]] = field(default_factory=dict)
    broken: Sequence[Failure] = ()

    def of(self, type_: str) -> Handler[Any, Any]:
        """The handler of a resource type.

        Raises:
            NotDone: when the type does not exist; lists the available types.
            BrokenSystem: when the package of its system cannot be loaded.
        """
        if type_ not in self.by_type:
            failures = "".join(f"; {failure.message}: {failure.hint}" for failure in self.broken)
            types = ", ".join(sorted(self.by_type))
            raise NotDone(f"there is no resource type {type_}", hint=f"types: {types}{failures}")
        return self.by_type[type_]

    def usable(self) -> Iterator[tuple[str, Handler[Any, Any]]]:
        """Every resource type whose handler can be loaded, in alphabetical order."""
        for type_ in sorted(self.by_type):
            with suppress(Failure):
                yield type_, self.by_type[type_]
