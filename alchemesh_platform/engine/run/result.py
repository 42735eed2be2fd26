"""The result of one run of the engine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from alchemesh_platform.engine.run.events import (
    ROOT_STACK_TYPE,
    Diagnostic,
    EngineEvent,
    ResourceOutputs,
    Summary,
)
from alchemesh_platform.engine.state.interrupted import Interrupted, warned_of

EngineOutcome = Literal["succeeded", "failed", "cancelled"]

# Prefixes that the engine and gRPC add to a provider's or program's message.
_PREFIX = re.compile(
    r"^(?:an unhandled error occurred: |Exception calling application: |Unexpected <class '[\w.]+'>: "
    r"|rpc error: code = \w+ desc = |Preview failed: |error: |1 error occurred:\s+\* )+"
)
_MARKUP = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*[mK]")
# The engine's closing message, which adds nothing to the outcome.
_NOISE = re.compile(
    r"^(?:(?:update|preview|refresh|destroy|resource import) (?:failed|canceled)|Cancelling all calls)$"
)


@dataclass(frozen=True, slots=True)
class EngineResult:
    """The result of one run of the engine.

    Args:
        outcome: ``cancelled`` only if a user stopped the run before its end.
        changes: Number of resources by the engine's name of the operation; includes groups and providers.
        diagnostics: Info, warnings and errors in order, without empty ones.
        outputs: Outputs of the stack, with secrets masked.
        notes: Notes for the user that are not failures.
        seconds: Duration of the run.
        exit_code: Exit code of the engine; negative when a signal ended it.
        stderr: End of the engine's output on stderr.
        exception: The exception of the program, if it raised one.
    """

    outcome: EngineOutcome
    changes: Mapping[str, int] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    exit_code: int = 0
    stderr: str = ""
    exception: BaseException | None = None

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that give the reasons of the failure."""
        return tuple(diagnostic for diagnostic in self.diagnostics if diagnostic.severity == "error")


class Record:
    """Collects the result of a run from its events."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.interrupted: tuple[Interrupted, ...] = ()
        self.outputs: Mapping[str, Any] = {}
        self.done: set[str] = set()
        self.canceled = False
        self._counted: Counter[str] = Counter()
        self._summary: Summary | None = None

    def take(self, event: EngineEvent) -> EngineEvent | None:
        """Record one event; returns the event to show, or None for an event that is not shown."""
        if isinstance(event, Diagnostic):
            return self._take_diagnostic(event)
        if isinstance(event, ResourceOutputs):
            self.done.add(event.urn)
            self._counted[event.op] += 1
            if event.type == ROOT_STACK_TYPE and event.new_outputs is not None:
                self.outputs = event.new_outputs
        elif isinstance(event, Summary):
            self._summary = event
            self.canceled = self.canceled or event.result == "canceled"
        return event

    @property
    def changes(self) -> dict[str, int]:
        """The engine's own summary, or the numbers counted from the events if the run ended before its summary."""
        return dict(self._summary.changes) if self._summary else dict(self._counted)

    def _take_diagnostic(self, event: Diagnostic) -> Diagnostic | None:
        if event.severity == "debug" or event.ephemeral:
            return None
        message = clean(event.message)
        if (interrupted := warned_of(message)) is not None:
            self.interrupted = interrupted
            return None
        if _NOISE.match(message):
            self.canceled = self.canceled or message.endswith("canceled")
            return None
        shown = Diagnostic(event.severity.removesuffix("#err"), message, event.urn)
        if shown in self.diagnostics:
            return None
        self.diagnostics.append(shown)
        return shown


def clean(message: str) -> str:
    """A message without markup, and without the prefixes of the engine and of gRPC."""
    return _PREFIX.sub("", _MARKUP.sub("", message).strip()).strip()
