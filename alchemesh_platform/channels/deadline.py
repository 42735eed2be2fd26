"""A deadline for a whole call of a receiver. The time limit of a socket begins again with each byte."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

DEADLINE_SECONDS = 30.0
_Result = TypeVar("_Result")


def in_time(call: Callable[[], _Result]) -> _Result:
    """The result of a call, or its error.

    Args:
        call: Calls a receiver. At the deadline it continues in a thread that does not keep the process alive.

    Raises:
        TimeoutError: when the call has not ended by the deadline.
    """
    results: list[_Result] = []
    failures: list[BaseException] = []
    context = copy_context()

    def run() -> None:
        try:
            results.append(context.run(call))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            failures.append(error)

    thread = threading.Thread(target=run, name="receiver", daemon=True)
    thread.start()
    thread.join(DEADLINE_SECONDS)
    if failures:
        raise failures[0]
    if not results:
        raise TimeoutError(f"no whole answer within {DEADLINE_SECONDS:g} seconds")
    return results[0]
