"""An engine that runs a product's code beside the platform: Dagster, Airflow, Kestra, Lambda.

The engine decides when the code runs. An engine on the platform's machines starts the launcher
(:mod:`alchemesh_platform.sdk.code.launch`), which runs the code and records the run in the history. An engine that
starts the code itself, such as Lambda, reports its runs by :meth:`CodeEngine.runs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from alchemesh_platform.sdk.connections.job import JobConnection

Trigger = Literal["schedule", "manual", "asset", "backfill"]
EngineState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
ENDED: frozenset[EngineState] = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run that the platform requests from an engine.

    Args:
        id: Random, unique. The engine passes it to the launcher as ``--request``, so that the history names it. An
            engine that starts the code itself uses it to start one run for one request, even if the request is
            repeated.
        product: ``domain/product``.
        environment: Name of the environment.
        arguments: Arguments for the code.
        trigger: The reason of the run.
        interval: For a backfill: the interval of time whose data the run is about.
    """

    id: str
    product: str
    environment: str
    arguments: tuple[str, ...] = ()
    trigger: Trigger = "manual"
    interval: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class EngineRun:
    """A run, as the engine sees it.

    Args:
        id: The engine's own id of the run.
        state: Its state.
        started_at: When the code started; None while it waits, or if the engine does not say.
        finished_at: When it ended.
        problem: The reason of a failure, in one sentence.
        url: Address of the run's page in the engine.
        request: The id of the request that it carries out, if the engine knows it.
        trigger: The reason of a run that the engine started by itself.
        exit_status: The exit status of the code, if the engine knows it.
        output: The end of the code's output, with secrets masked, if the run's report has it.
        written: Rows that the code wrote, by port and model: port/model.
        interval: For a time of the schedule: the interval of time whose data the run is about, if the engine knows it.
    """

    id: str
    state: EngineState
    started_at: datetime | None = None
    finished_at: datetime | None = None
    problem: str | None = None
    url: str | None = None
    request: str | None = None
    trigger: Trigger = "schedule"
    exit_status: int | None = None
    output: str | None = None
    written: Mapping[str, int] | None = None
    interval: tuple[datetime, datetime] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the run has ended."""
        return self.state in ENDED


class CodeEngine(Protocol):
    """The object that ``ComponentSpec.engine`` names. Each method raises a Failure if the engine does not answer.

    ``job`` is the recorded connection of the product's code. ``environ`` has the environment variables of this process
    and, in an emulated environment, those that point clients to the emulators. Read secrets from there.
    """

    @property
    def name(self) -> str:
        """Name of the engine in the history: ``dagster``."""

    def start(self, job: JobConnection, request: RunRequest, *, environ: Mapping[str, str]) -> EngineRun:
        """Ask the engine to start a run, and return at once."""

    def look(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> EngineRun:
        """The state of a run."""

    def cancel(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> None:
        """End a run. Does nothing if it has ended."""

    def log(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> str:
        """The engine's own log of a run."""

    def runs(self, job: JobConnection, since: datetime, *, environ: Mapping[str, str]) -> Sequence[EngineRun]:
        """Runs since a moment that did not go through the launcher; empty for an engine whose runs all do."""
