"""Runs MiniStack so that a kill loses nothing. It runs in MiniStack's Python, and imports nothing of the platform.

MiniStack writes its state when it is asked to end. This program also writes it shortly after each request that may have
changed something.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

DELAY_SECONDS = 0.3  # one write for the requests of that time
READS = ("GET", "HEAD", "OPTIONS")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Durable:
    """MiniStack's application, with a write of its state after changes.

    Args:
        application: The application.
        write: Writes the state.
    """

    def __init__(
        self, application: Callable[[Scope, Receive, Send], Awaitable[None]], write: Callable[[], None]
    ) -> None:
        self.application = application
        self.write = write
        self.waiting: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.application(scope, receive, send)
        finally:
            if scope["type"] == "http" and scope["method"] not in READS and not scope["path"].endswith("/invocations"):
                self.write_soon()

    def write_soon(self) -> None:
        """Write the state after a moment, unless a write is due anyway."""
        if self.waiting is None or self.waiting.done():
            self.waiting = asyncio.create_task(self._write())

    async def _write(self) -> None:
        await asyncio.sleep(DELAY_SECONDS)
        self.write()


def main() -> None:
    """Serve until the process is asked to end."""
    import ministack.app as stack
    from ministack.core.persistence import save_all

    logging.getLogger("persistence").setLevel(logging.WARNING)  # a line for each service and write
    stack.app = Durable(stack.app, lambda: save_all(stack._build_persistence_save_dict()))
    sys.argv = ["ministack"]
    with contextlib.suppress(KeyboardInterrupt):
        stack.main()


if __name__ == "__main__":
    main()
