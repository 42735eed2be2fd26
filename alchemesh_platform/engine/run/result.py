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
# The engine's closing words, which tell no more than the outcome does.
_NOISE = re.compile(
    r"^(?:(?:update|preview|refresh|destroy|resource import) (?:failed|canceled)|Cancelling all calls)$"
)


@dataclass(frozen=True, slots=True)
class EngineResult:
    """The result of one run of the engine.

    Args:
        outcome: Cancelled only if a user stopped the run before its end.
        changes: Operation, in the engine's words: number of resources, groups and providers among them.
        diagnostics: Info, warnings and errors in order, without empty ones.
        outputs: Outputs of the stack, with secrets masked.
        notes: Notes for the user that are no failures.
        seconds: How long it took.
        exit_code: The engine's; negative when a signal ended it.
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
        """The diagnostics that say what failed."""
        return tuple(diagnostic for diagnostic in self.diagnostics if diagnostic.severity == "error")


class Record:
    """Collects what the events of a run tell."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.interrupted: tuple[Interrupted, ...] = ()
        self.outputs: Mapping[str, Any] = {}
        self.done: set[str] = set()
        self.canceled = False
        self._counted: Counter[str] = Counter()
        self._summary: Summary | None = None

    def take(self, event: EngineEvent) -> EngineEvent | None:
        """Take in one event; returns it as it is to be shown, None where it is not."""
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
        """As the engine sums them up; counted from the events where it did not come to that."""
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
    """A message without markup, and without what the engine and gRPC put before it."""
    return _PREFIX.sub("", _MARKUP.sub("", message).strip()).strip()
