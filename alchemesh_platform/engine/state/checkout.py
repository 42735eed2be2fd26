"""Holding a stack for a run: locked, and with its state where the engine can work on it quickly."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.folder import FILE_SCHEME
from alchemesh_platform.engine.state.lock import StackLock, release
from alchemesh_platform.engine.state.object_store import is_object_storage, shown

CHECKOUTS = "checkouts"  # folder of the environment that states from object storage are worked on in
DIGEST_DIGITS = 16


@contextmanager
def checked_out(stack: Stack, *, report: Callable[[str], None]) -> Iterator[Stack]:
    """Hold a stack; inside, nothing that an earlier run left is in the way.

    Args:
        stack: The stack. Where its state is in a folder or behind Pulumi's own service, that is worked on as it is;
            state in object storage is fetched, and pushed while it changes.
        report: Receives a line for each finding and repair.

    Yields:
        The stack to work on.

    Raises:
        StackLocked: when another process holds it.
        StateDamaged: when the state can neither be read nor repaired.
        StoreUnusable, StateNotPushed, StateOverwritten: when its object storage cannot be used.
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
    """Remove every lock of the stack; returns what was found and removed, in sentences.

    Raises:
        StackLocked: when a run on this machine still holds it.
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
    """The same stack with its state in a folder of this machine, one folder for each address."""
    digest = hashlib.sha256(shown(stack.backend).encode()).hexdigest()[:DIGEST_DIGITS]
    folder = stack.home.absolute() / "engine" / CHECKOUTS / digest
    return replace(stack, backend=f"{FILE_SCHEME}{folder}")
