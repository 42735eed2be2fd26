"""Lock a stack for a run, and make its state available where the engine can work on it quickly."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.folder import FILE_SCHEME
from alchemesh_platform.engine.state.lock import StackLock, release
from alchemesh_platform.engine.state.object_store import is_object_storage, shown

CHECKOUTS = "checkouts"  # folder of the environment with local copies of states in object storage
DIGEST_DIGITS = 16


@contextmanager
def checked_out(stack: Stack, *, report: Callable[[str], None]) -> Iterator[Stack]:
    """Lock a stack, and clean up the remains of earlier runs.

    Args:
        stack: The stack. The engine works directly on a state in a folder or in Pulumi Cloud. A state in object
            storage is downloaded, and each change is pushed.
        report: Receives a line for each finding and repair.

    Yields:
        The stack to work on.

    Raises:
        StackLocked: when another process holds the lock.
        StateDamaged: when neither the state nor its backup can be read.
        StoreUnusable, StateNotPushed, StateOverwritten: when the object storage cannot be used.
    """
    if not is_object_storage(stack.backend):
        with StackLock(stack, report=report):
            yield stack
        return
    from alchemesh_platform.engine.state.remote import RemoteState

    local = local_of(stack)
    with StackLock(local, report=report), RemoteState(stack, local, report).held():
        yield local


def unlocked(stack: Stack) -> list[str]:
    """Remove every lock of the stack; returns a sentence for each removed lock.

    Raises:
        StackLocked: when a run on this machine still holds the lock.
    """
    if not is_object_storage(stack.backend):
        return release(stack)
    from alchemesh_platform.engine.state.remote import RemoteState

    local = local_of(stack)
    found: list[str] = []
    with StackLock(local, report=found.append):
        found += RemoteState(stack, local, found.append).break_locks()
    return found or [f"{stack} was not locked"]


def local_of(stack: Stack) -> Stack:
    """The same stack with its state in a folder of this machine; each backend address has its own folder."""
    digest = hashlib.sha256(shown(stack.backend).encode()).hexdigest()[:DIGEST_DIGITS]
    folder = stack.home.absolute() / "engine" / CHECKOUTS / digest
    return replace(stack, backend=f"{FILE_SCHEME}{folder}")
