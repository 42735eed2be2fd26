"""The conduct of code of other packages: it can neither end nor block a command, nor write into its result.

- An error that would end the process becomes a common one: `SystemExit`, and a call of `os._exit`.
- Its output is marked with its name, so that the command line keeps it out of a document on stdout.
- A call that does not end is given up. Its thread is left behind, and does not keep the process alive.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from alchemesh_platform.base.failure import Failure

T = TypeVar("T")
Blame = Callable[[str], Exception]

LONG_SECONDS = 10.0  # after which a person learns what takes so long
CALL_SECONDS = 60.0  # for one step of another package's code, as for the import of a module
POLL_SECONDS = 0.1  # the longest delay of a request to stop

_speaker: ContextVar[tuple[str, int]] = ContextVar("speaker", default=("", 0))  # its name, and the process
_muted: ContextVar[bool] = ContextVar("muted", default=False)
_exit = os._exit
_stopped = threading.Event()
_apart = threading.Event()


class Ended(Exception):
    """An error that would have ended the process; its class has the name of that error."""


class StoppedByHand(Failure):
    """A step of another package's code that a person stopped."""


def speaker() -> str:
    """The name of the package or component whose code runs here; empty for the platform's own code."""
    return _speaker.get()[0]


def is_muted() -> bool:
    """Whether the output of other packages' code was shown already."""
    return _muted.get()


@contextmanager
def muted() -> Iterator[None]:
    """Drop what code of other packages prints in the block, since it runs a second time."""
    token = _muted.set(True)
    try:
        yield
    finally:
        _muted.reset(token)


@contextmanager
def contained(name: str) -> Iterator[None]:
    """Run code of another package: its output has the name, and its errors end nothing.

    Args:
        name: The component, or the module that is imported.

    Raises:
        Ended: for an error that would have ended the process. Ctrl-C of the person does.
    """
    os._exit = _exit_of_own_code
    token = _speaker.set((name, os.getpid()))
    try:
        yield
    except Exception:
        raise
    except BaseException as error:
        if is_of_person(error):
            raise
        raise harmless(error) from error
    finally:
        _speaker.reset(token)


def allow_exit() -> None:
    """Let ``os._exit`` end this process, which exists for code of other packages only. The parent names the end."""
    _apart.set()


def is_of_person(error: BaseException) -> bool:
    """Whether an error may be Ctrl-C. Python raises it in the main thread only."""
    return isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()


def harmless(error: BaseException) -> Exception:
    """The error itself, or an error with the same name and text that ends no process."""
    if isinstance(error, Exception):
        return error
    made: Ended = type(type(error).__name__, (Ended,), {})(text_of(error))
    return made.with_traceback(error.__traceback__)


def described(error: BaseException) -> str:
    """The class and the text of an error: ``SystemExit: 3``."""
    return f"{type(error).__name__}: {text_of(error)}"


def text_of(error: BaseException) -> str:
    """The text of an error, whose class may be of another package and have no text."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the error's own code
        return "(its text cannot be read)"


@dataclass(frozen=True, slots=True)
class _Step:
    """A step of another package's code.

    Args:
        name: Its name.
        began: Its start, on the monotonic clock.
        blame: Makes its failure from a sentence.
        hung: Called if it is given up.
    """

    name: str
    began: float
    blame: Blame
    hung: Callable[[], object] = lambda: None


@dataclass(slots=True)
class _Watch:
    """The step that a thread runs now."""

    now: _Step


_watch: ContextVar[_Watch | None] = ContextVar("watch", default=None)


@contextmanager
def step(name: str, blame: Blame | None = None, hung: Callable[[], object] = lambda: None) -> Iterator[None]:
    """A step of a call of :func:`in_time`. It has a time limit of its own, and is named if it does not end.

    Args:
        name: The step: ``its check``.
        blame: Makes the failure from a sentence; by default, that of the step around it.
        hung: Called if the step is given up.
    """
    watch = _watch.get()
    if watch is None:
        yield
        return
    outer = watch.now
    watch.now = _Step(name, time.monotonic(), blame or outer.blame, hung)
    try:
        yield
    finally:
        watch.now = _Step(outer.name, time.monotonic(), outer.blame, outer.hung)


def in_time(
    call: Callable[[], T], name: str, blame: Blame = TimeoutError, hung: Callable[[], object] = lambda: None
) -> T:
    """Call code of another package in a thread, and give it up if one of its steps does not end.

    Args:
        call: The call. Inside of another call of this function, it is a step of that one.
        name: Its name in messages, for the parts that are no step.
        blame: Makes the failure from a sentence.
        hung: Called if it is given up.

    Returns:
        The result of the call.

    Raises:
        Exception: the error of the call, or ``blame`` when a step takes too long.
        StoppedByHand: when a person stops the command.
    """
    if _watch.get() is not None:
        with step(name, blame, hung):
            return call()
    watch = _Watch(_Step(name, time.monotonic(), blame, hung))
    context = copy_context()
    context.run(_watch.set, watch)
    ended, results, failures = threading.Event(), list[T](), list[BaseException]()

    def run() -> None:
        try:
            results.append(context.run(call))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            failures.append(error)
        ended.set()

    threading.Thread(target=run, name=name, daemon=True).start()
    _wait(watch, ended)
    if failures:
        raise harmless(failures[0])
    return results[0]


def _wait(watch: _Watch, ended: threading.Event) -> None:
    """Wait for a call. A step that takes long is named on stderr; one that takes too long is given up."""
    named: _Step | None = None
    while not ended.wait(POLL_SECONDS):
        now = watch.now
        passed = time.monotonic() - now.began
        if _stopped.is_set():
            raise StoppedByHand(str(now.blame(f"{now.name} was stopped by hand")))
        if passed >= CALL_SECONDS:
            now.hung()
            raise now.blame(f"{now.name} does not end within {CALL_SECONDS:g} s")
        if passed >= LONG_SECONDS and named is not now:
            named = now
            about = now.blame(f"{now.name} has taken {LONG_SECONDS:g} s")
            sys.stderr.write(f"note: {about}; it is given up after {CALL_SECONDS:g} s\n")


def stop() -> None:
    """Give up all calls that wait for code of another package, since a person stops the command."""
    _stopped.set()


def is_stopped() -> bool:
    """Whether a person stops the command."""
    return _stopped.is_set()


def is_timed() -> bool:
    """Whether this code runs in a call of :func:`in_time`."""
    return _watch.get() is not None


def resume() -> None:
    """Wait for code of other packages again."""
    _stopped.clear()


def _exit_of_own_code(status: int) -> NoReturn:
    """Replaces ``os._exit``: code of another package cannot end the process with an exit code of its own.

    A process that such code starts with a fork may end itself.
    """
    name, process = _speaker.get()
    if name and process == os.getpid() and not _apart.is_set():
        raise SystemExit(f"os._exit({status})")
    _exit(status)
