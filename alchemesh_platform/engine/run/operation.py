"""Run one operation: one engine process, with the program in this process and events handled as they arrive."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, Protocol

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import with_hint
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.run.event_log import EVENTS, EventLog
from alchemesh_platform.engine.run.events import Diagnostic, EngineEvent, ResourceFailed
from alchemesh_platform.engine.run.process import EngineProcess, started
from alchemesh_platform.engine.run.program import ServedProgram, serve_program
from alchemesh_platform.engine.run.result import EngineOutcome, EngineResult, Record
from alchemesh_platform.engine.stack import RUN_PREFIX, Stack, engine_error
from alchemesh_platform.engine.state.interrupted import (
    creations,
    forget_interrupted,
    interrupted_in_runs,
    interrupted_in_state,
    left_runs,
    notes_on,
)
from alchemesh_platform.engine.state.key import PASSPHRASE_VARIABLE, KeyLost
from alchemesh_platform.engine.state.lock import locked_by_engine, remove_locks_of
from alchemesh_platform.engine.urn import package_of

Operation = Literal["preview", "up", "refresh", "destroy"]
Protected = Literal["refused", "kept", "removed"]

POLL_SECONDS = 0.05  # longest delay of an event or a request to stop; the end of the engine is noticed immediately
STDERR_LINES = 40

# Steps of a replacement that deletes the old resource first. With --continue-on-error, the engine does not respond to
# the program when that deletion fails. Source: pulumi pkg/resource/deploy/step_executor.go (executeChain), seen with
# 3.259.
_OLD_ONE_REMOVED = ("delete-replaced", "delete")
_WITHOUT_ASKING = ("--yes", "--skip-preview")
_ARGUMENTS: Mapping[Operation, tuple[str, ...]] = {
    "preview": ("preview",),
    "up": ("up", *_WITHOUT_ASKING),
    "refresh": ("refresh",),
    "destroy": ("destroy", *_WITHOUT_ASKING),
}
_PROTECTED: Mapping[Protected, tuple[str, ...]] = {
    "refused": (),
    "kept": ("--exclude-protected",),
    "removed": ("--ignore-protect",),
}


class Wish(Protocol):
    """Reports whether to stop a run, such as a ``threading.Event``."""

    def is_set(self) -> bool:
        """Whether the run must stop."""
        ...


def run_operation(
    engine: Engine,
    stack: Stack,
    operation: Operation,
    *,
    program: Callable[[], object] | None,
    providers: Mapping[str, int],
    on_event: Callable[[EngineEvent], object] = lambda _event: None,
    targets: Sequence[str] = (),
    parallel: int | None = None,
    refresh: bool = False,
    preview_only: bool = False,
    protected: Protected = "refused",
    environ: Mapping[str, str] = os.environ,
    cancel: Wish | None = None,
) -> EngineResult:
    """Run one operation on a stack that is prepared and locked.

    Ctrl-C, through ``cancel`` or as a KeyboardInterrupt here, lets the engine finish and record its current steps. A
    second KeyboardInterrupt stops the engine immediately. In both cases this function returns the outcome and does not
    raise.

    Args:
        engine: The engine.
        stack: The stack, after ``prepare``.
        operation: The operation.
        program: Declares the resources. `preview` and `up` run it. `destroy` runs it only to adopt resources that a
            killed run left. `refresh` does not run it.
        providers: Loopback port of the provider of each package. These providers adopt existing resources on create.
        on_event: Receives every event as it arrives, in the calling thread.
        targets: URNs to restrict the run to, with wildcards; none for all resources.
        parallel: Maximum number of parallel steps; None for the engine's own choice.
        refresh: Whether a `preview` or `up` first detects manual changes.
        preview_only: Whether a `refresh` only compares, and records nothing.
        protected: The treatment of protected resources by `destroy`. If they are kept, so are their dependencies.
        environ: Environment to start the engine with.
        cancel: Is set to stop the run.

    Returns:
        The result. A failed run is an outcome, not an exception.

    Raises:
        StackLocked: when another engine has locked the state.
        KeyLost: when the state cannot be decrypted.
        StackFailed: when the engine cannot read or write the state that a killed run left.
    """

    def once(what: Operation, which: Sequence[str]) -> tuple[EngineResult, Record]:
        options = _options(what, which, parallel, refresh=refresh, preview_only=preview_only, protected=protected)
        return _run_once(engine, stack, what, program, providers, on_event, options, environ, cancel)

    runs = left_runs(stack)
    interrupted = interrupted_in_runs(runs)
    notes: list[str] = []
    if operation == "destroy" and program is not None:
        interrupted = (*interrupted, *interrupted_in_state(engine, stack, environ))
        to_take_over = [urn for urn in creations(interrupted) if package_of(urn) in providers]
        if to_take_over:
            taken, record = once("up", to_take_over)
            if taken.outcome == "cancelled":
                return taken
            if taken.outcome == "succeeded":
                notes += notes_on(interrupted, record.done, providers.keys())
                interrupted = ()
                if creations(record.interrupted):
                    forget_interrupted(engine, stack, environ)
    result, record = once(operation, targets)
    if result.outcome == "succeeded" and operation in ("up", "destroy") and not targets:
        notes += notes_on((*interrupted, *record.interrupted), record.done, providers.keys())
        if creations(record.interrupted):
            forget_interrupted(engine, stack, environ)
        for run in runs:
            shutil.rmtree(run, ignore_errors=True)
    return replace(result, notes=tuple(notes))


def _run_once(
    engine: Engine,
    stack: Stack,
    operation: Operation,
    program: Callable[[], object] | None,
    providers: Mapping[str, int],
    on_event: Callable[[EngineEvent], object],
    options: Sequence[str],
    environ: Mapping[str, str],
    cancel: Wish | None,
) -> tuple[EngineResult, Record]:
    begun = time.monotonic()
    record = Record()
    if cancel is not None and cancel.is_set():
        return EngineResult("cancelled"), record
    with (
        tempfile.TemporaryDirectory(prefix=RUN_PREFIX, dir=stack.work_folder, ignore_cleanup_errors=True) as folder,
        serve_program(program) as served,
    ):

        def hand_on(event: EngineEvent) -> None:
            if isinstance(event, ResourceFailed) and event.op in _OLD_ONE_REMOVED:
                served.give_up(event.urn)
            on_event(event)

        log = EventLog(Path(folder, EVENTS), refresh=operation == "refresh")
        stderr = Path(folder, "stderr")
        attached = ",".join(f"{package}:{port}" for package, port in providers.items())
        variables = {**stack.environ(environ), "PULUMI_DEBUG_PROVIDERS": attached}
        command = _command(engine, stack, operation, served.port, log.path, options)
        with started(command, stack.work_folder, variables, stderr) as process:
            _follow(process, log, record, hand_on, cancel)
        printed = stderr.read_text("utf-8", "replace")
    if process.exit_code != 0:
        remove_locks_of(stack, process.pid)
    outcome = _outcome(process, record)
    if outcome == "failed":
        _raise_known(stack, printed)
        _explain(process, record, served, printed)
    return EngineResult(
        outcome=outcome,
        changes=record.changes,
        diagnostics=tuple(record.diagnostics),
        outputs=record.outputs,
        seconds=time.monotonic() - begun,
        exit_code=process.exit_code,
        stderr="\n".join(printed.splitlines()[-STDERR_LINES:]),
        exception=served.failure if served.failed_itself else None,
    ), record


def _command(
    engine: Engine,
    stack: Stack,
    operation: Operation,
    port: int,
    events: Path,
    options: Sequence[str],
) -> list[str]:
    return [
        str(engine.path),
        *_ARGUMENTS[operation],
        "--non-interactive",
        f"--stack={stack.name}",
        f"--client=127.0.0.1:{port}",
        "--exec-kind=auto.inline",
        f"--event-log={events}",
        "--color=never",
        "--suppress-outputs",
        "--suppress-progress",
        *options,
    ]


def _options(
    operation: Operation,
    targets: Sequence[str],
    parallel: int | None,
    *,
    refresh: bool,
    preview_only: bool,
    protected: Protected,
) -> list[str]:
    """The engine options of this run only."""
    options = [f"--target={urn}" for urn in targets]
    if operation in ("up", "destroy"):
        options.append("--continue-on-error")  # continue with resources that do not depend on the failed one
    if targets and operation == "destroy":
        options.append("--target-dependents")  # delete the dependents of a resource before the resource
    if refresh and operation in ("preview", "up"):
        options.append("--refresh")
    if operation == "refresh":
        options += ["--preview-only"] if preview_only else _WITHOUT_ASKING
    if operation == "destroy":
        options += _PROTECTED[protected]
    if parallel is not None:
        options.append(f"--parallel={parallel}")
    return options


def _follow(
    process: EngineProcess,
    log: EventLog,
    record: Record,
    on_event: Callable[[EngineEvent], object],
    cancel: Wish | None,
) -> None:
    """Pass events to ``on_event`` until the engine has ended and all events are read."""
    broken: Exception | None = None
    ended = False
    while not ended:
        try:
            ended = process.wait(POLL_SECONDS)  # check before reading: then the last read finds every event
            for event in log.read():
                shown = record.take(event)
                if shown is not None and broken is None:
                    try:
                        on_event(shown)
                    except Exception as error:  # noqa: BLE001 raised below, when the engine has recorded what it did
                        broken = error
                        process.stop()
            if cancel is not None and cancel.is_set() and not process.was_asked_to_stop:
                process.stop()
        except KeyboardInterrupt:
            if process.was_asked_to_stop:
                process.end()
            else:
                process.stop()
    if broken is not None:
        raise broken


def _outcome(process: EngineProcess, record: Record) -> EngineOutcome:
    if process.exit_code == 0:
        return "succeeded"
    return "cancelled" if process.was_asked_to_stop or record.canceled else "failed"


def _raise_known(stack: Stack, printed: str) -> None:
    locked = locked_by_engine(stack, printed)
    if locked is not None:
        raise locked
    if "incorrect passphrase" in printed:
        raise KeyLost(
            f"the secrets in the state of {stack} were encrypted with another key or passphrase",
            hint=f"put the right {stack.key_file} back, or set {PASSPHRASE_VARIABLE} to the passphrase that was used",
        )


def _explain(process: EngineProcess, record: Record, served: ServedProgram, printed: str) -> None:
    """Ensure that a failed run reports a reason."""
    reported = any(diagnostic.severity == "error" for diagnostic in record.diagnostics)
    if served.failed_itself:
        record.diagnostics.append(Diagnostic("error", _words_of(served.failure)))
    elif process.exit_code < 0:
        record.diagnostics.append(
            Diagnostic("error", f"the engine was ended by signal {-process.exit_code}; the next run resumes from there")
        )
    elif not reported and served.failure is not None:
        record.diagnostics.append(Diagnostic("error", _words_of(served.failure)))
    elif not reported:
        record.diagnostics.append(Diagnostic("error", engine_error(printed)))


def _words_of(error: BaseException | None) -> str:
    if isinstance(error, Failure):
        return with_hint(error.message, error.hint)
    return str(error) or type(error).__name__
