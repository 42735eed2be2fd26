"""References to Python objects: text that names an object without importing it."""

from __future__ import annotations

import importlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from contextvars import copy_context
from types import FrameType

from alchemesh_platform.base.packages.conduct import (
    POLL_SECONDS,
    StoppedByHand,
    contained,
    harmless,
    is_stopped,
    is_timed,
    step,
)

OWN = "alchemesh_"
LONG_SECONDS = 10.0  # after which a person learns what is being imported
IMPORT_SECONDS = 60.0  # for one module of another package: the SDK of a cloud takes long to import

_hung: set[str] = set()  # modules that are not tried again


class _Late(BaseException):
    """Raised in a module that takes too long; `except Exception` of the module does not catch it."""


def load_reference(reference: str) -> object:
    """Import the object that ``"module:Name"`` names.

    A module of another package that prints when it is imported prints on stderr, since stdout holds the result of a
    command. If its import takes long, it is named there.

    Raises:
        Ended: when a module of another package raises an error that would end the process.
        ValueError: when the text has another form.
        TimeoutError: when the import of a module of another package does not end in time.
    """
    module, _, name = reference.partition(":")
    if not module or not name:
        raise ValueError(f"found {reference!r}, expected MODULE:NAME")
    if module.startswith(OWN):
        importlib.import_module(module)
    elif not _is_loaded(module):
        with _printing_on_stderr(), contained(module.partition(".")[0]):
            _import_in_time(module)
    return getattr(sys.modules.get(module) or importlib.import_module(module), name)


def _is_loaded(module: str) -> bool:
    """Whether a module is imported; another thread may be importing it."""
    found = sys.modules.get(module)
    return found is not None and not getattr(getattr(found, "__spec__", None), "_initializing", False)


def _import_in_time(module: str) -> None:
    """Import a module within a time limit."""
    limit = IMPORT_SECONDS
    if module not in _hung:
        if is_timed():
            with step(f"the import of {module}", hung=lambda: _hung.add(module)):
                importlib.import_module(module)
            return
        in_main = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
        with _watched(module):
            if (_interrupted if in_main else _left_behind)(module, limit):
                return
    _hung.add(module)
    raise TimeoutError(f"the import of {module} does not end within {limit:g} s")


def _interrupted(module: str, seconds: float) -> bool:
    """Import a module in the main thread, which a signal interrupts; returns whether it ended in time."""

    importing = [True]

    def late(_number: int, _frame: FrameType | None) -> None:
        if importing:
            raise _Late

    pressed: list[bool] = []  # Ctrl-C of the person; a module can raise the same error

    def stop(_number: int, _frame: FrameType | None) -> None:
        pressed.append(True)
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop)
    handler = signal.signal(signal.SIGALRM, late)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        importlib.import_module(module)
        importing.clear()
    except _Late:
        return False
    except KeyboardInterrupt as error:
        if pressed or before is not signal.default_int_handler:
            raise
        raise harmless(error) from error
    finally:
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)
    return True


def _left_behind(module: str, seconds: float) -> bool:
    """Import a module in a thread that does not keep the process alive; returns whether it ended in time."""
    failed: list[BaseException] = []

    context = copy_context()  # with the name of the package, for its output

    def load() -> None:
        try:
            context.run(importlib.import_module, module)
        except BaseException as error:  # noqa: BLE001 raised again in the thread that waits
            failed.append(error)

    thread = threading.Thread(target=load, name=f"import {module}", daemon=True)
    thread.start()
    until = time.monotonic() + seconds
    while thread.is_alive() and (left := until - time.monotonic()) > 0:
        thread.join(min(left, POLL_SECONDS))
        if is_stopped() and thread.is_alive():
            raise StoppedByHand(f"the import of {module} was stopped by hand")
    if failed:
        raise harmless(failed[0])
    return not thread.is_alive()


def _printing_on_stderr() -> AbstractContextManager[object]:
    """Send what a module of another package prints to stderr.

    Only for the main thread: stdout belongs to the whole process, and two threads that replace it at once leave it
    replaced.
    """
    if threading.current_thread() is not threading.main_thread():
        return nullcontext()
    return redirect_stdout(sys.stderr)


@contextmanager
def _watched(module: str) -> Iterator[None]:
    """Name a module of another package on stderr if the block takes long."""
    note = f"note: the import of {module} has taken {LONG_SECONDS:g} s; it is given up after {IMPORT_SECONDS:g} s\n"
    write: Callable[[str], object] = sys.stderr.write
    timer = threading.Timer(LONG_SECONDS, write, [note])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
