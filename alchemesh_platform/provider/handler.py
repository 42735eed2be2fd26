"""The handler of one kind of resource: its inputs and outputs, and how it is created, read, changed and removed."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.provider.inputs import Refusal

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

PACKAGE = "alchemesh"  # of the provider, and the beginning of every resource type of it

DeployedState = Mapping[str, Collection[str]]  # Pulumi type: ids of what is in a stack's state

InputsT = TypeVar("InputsT", bound=BaseModel)
OutputsT = TypeVar("OutputsT", bound=BaseModel)


class NotDone(Failure):
    """Raised when a resource cannot be created, read, changed or removed; says why."""


class Unfinished(NotDone):
    """Raised when a creation fails and leaves something in the world.

    The resource is recorded as it is declared, with the failure: the next run completes it by an update, and
    removes it like any other if it is no longer declared.

    Args:
        outputs: Its known outputs (names in Python).
    """

    def __init__(self, message: str, *, hint: str | None = None, outputs: Mapping[str, Any] | None = None) -> None:
        self.outputs = dict(outputs or {})
        super().__init__(message, hint=hint)


class Cancelled(Failure):
    """Raised when an operation is cancelled."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Why a resource has to be brought back to what is declared, though its inputs are the same.

    Args:
        reason: In a sentence, for the person who sees the preview.
        property: The output (its name in Python) that the preview marks.
    """

    reason: str
    property: str


@dataclass(frozen=True, slots=True)
class Context:
    """The context of an operation, beside its values.

    Args:
        urn: The resource.
        stop: Set when the operation is cancelled or its time is over; long work looks at it.
        registry: Opens the registry, or gives the one that is open.
        delete_data: Whether data is deleted with its resource, whatever the resource says.
        report: Sends the user a message: a severity and a sentence.
        preview: Whether nothing may be changed.
        unasked: URN: why the world could not be asked about the resource, until it can.
        deployed: All resources in the stack's state before the run, also of other providers; None if unknown.
        actor: The identity that acts, as records name it; None under plain Pulumi, which passes none.
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

    def info(self, message: str) -> None:
        """Tell the person something that happened."""
        self.report("info", message)

    def warn(self, message: str) -> None:
        """Tell the person something to think about."""
        self.report("warning", message)

    def is_deployed(self, pulumi_type: str, identity: str) -> bool:
        """Whether a resource, ours or another provider's, was deployed before this run; true where nobody knows."""
        return self.deployed is None or identity in self.deployed.get(pulumi_type, ())


class Handler(ABC, Generic[InputsT, OutputsT]):
    """One kind of resource. Methods are plain functions that may block; several run at once, in threads.

    Attributes:
        pulumi_type: Pulumi type: ``alchemesh:local:Directory``.
        summary: One sentence for the schema.
        inputs: Model of the inputs.
        outputs: Model of what is computed. The state has the inputs beside it.
        replace_on: Inputs (names in Python) whose change makes it another resource.
        delete_before_replace: Whether the old one has to go before the new one can come.
        keeps_plain_text: Whether inputs are written somewhere in plain text; secrets in them are masked then.
        refuses_secrets: The same, where a mask would be of no use: secrets in inputs are refused then.
        secret_outputs: Outputs (names in Python) that are kept as secrets; None: all, wherever an input is one.
    """

    pulumi_type: ClassVar[str]
    summary: ClassVar[str]
    inputs: type[InputsT]
    outputs: type[OutputsT]
    replace_on: ClassVar[frozenset[str]] = frozenset()
    delete_before_replace: ClassVar[bool] = False
    keeps_plain_text: ClassVar[bool] = False
    refuses_secrets: ClassVar[bool] = False
    secret_outputs: ClassVar[frozenset[str] | None] = None

    @abstractmethod
    def identify(self, inputs: InputsT) -> str:
        """The resource's id."""

    def check(self, inputs: InputsT, old_inputs: InputsT | None, context: Context) -> Iterable[Refusal]:
        """The problems of inputs that are all known and well-formed. Changes nothing."""
        return ()

    def plan(self, inputs: InputsT, old: OutputsT | None, context: Context) -> Mapping[str, Any]:
        """Outputs (names in Python) that are known before the work is done; inputs may be ``UNKNOWN``.

        Args:
            inputs: The inputs.
            old: The outputs so far, for an update.
        """
        return {}

    def drift(self, inputs: InputsT, outputs: OutputsT, context: Context) -> Drift | None:
        """The drift of the deployed resource from its record. Changes nothing."""
        return None

    @abstractmethod
    def create(self, inputs: InputsT, context: Context) -> OutputsT:
        """Bring it into the world; what exists and is its owner's is adopted.

        Raises:
            Unfinished: when it fails and something of it is in the world.
        """

    @abstractmethod
    def read(self, inputs: InputsT, outputs: OutputsT, context: Context) -> tuple[InputsT, OutputsT] | None:
        """How it is in the world; None when it is gone."""

    @abstractmethod
    def update(self, inputs: InputsT, old_inputs: InputsT, outputs: OutputsT, context: Context) -> OutputsT:
        """Bring it to new inputs."""

    @abstractmethod
    def delete(self, inputs: InputsT, outputs: OutputsT, context: Context) -> None:
        """Take it out of the world. Removing what is gone already does nothing."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """The kinds of resources that there are.

    Args:
        by_type: Pulumi type: its handler.
        broken: Failures of systems that cannot be used; a type that is missing may be one of theirs.
    """

    by_type: Mapping[str, Handler[Any, Any]] = field(default_factory=dict)
    broken: Sequence[Failure] = ()

    def of(self, type_: str) -> Handler[Any, Any]:
        """The handler of a type.

        Raises:
            NotDone: when there is none, with the types that there are.
            BrokenSystem: when its system's package fails.
        """
        if type_ not in self.by_type:
            failures = "".join(f"; {failure.message}: {failure.hint}" for failure in self.broken)
            types = ", ".join(sorted(self.by_type))
            raise NotDone(f"there is no resource type {type_}", hint=f"types: {types}{failures}")
        return self.by_type[type_]

    def usable(self) -> Iterator[tuple[str, Handler[Any, Any]]]:
        """Every type whose handler can be used, in the order of their names."""
        for type_ in sorted(self.by_type):
            with suppress(Failure):
                yield type_, self.by_type[type_]
