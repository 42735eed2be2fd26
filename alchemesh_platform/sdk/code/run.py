"""One run of a product's code, for every component that can run code."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from alchemesh_platform.sdk.connections.job import JobConnection
from alchemesh_platform.sdk.connections.ports import Connections


@dataclass(frozen=True, slots=True)
class CodeRun:
    """The result of one run of a product's code.

    Secrets in ``output`` are masked; a long output is cut to its end. ``exit_status`` is negative if a signal ended the
    run.
    """

    exit_status: int
    output: str
    seconds: float
    timed_out: bool = False
    interrupted: bool = False


class RunCode(Protocol):
    """The type of the function that ``ComponentSpec.run`` names."""

    def __call__(
        self,
        job: JobConnection,
        connections: Connections,
        arguments: tuple[str, ...],
        on_output: Callable[[str], None],
        *,
        environ: Mapping[str, str],
        variables: Mapping[str, str] | None = None,
        cancelled: threading.Event | None = None,
    ) -> CodeRun:
        """Run the code with its connections, and wait until it exits.

        Args:
            on_output: Called with each line that the code prints, with secrets masked.
            environ: Environment variables of this process and, in an emulated environment, the variables that point
                clients to the emulators. Read secrets from here. Pass the code only the variables that it needs.
            variables: Variables for the code: the id of the run and, in an emulated environment, those that point
                clients to the emulators. The platform passes them only to a function that has this parameter.
            cancelled: Set when somebody cancels the run: end the code. The platform passes it only to a function that
                has this parameter.
        """
