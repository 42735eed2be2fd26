"""How a product's code is run once, whatever runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from alchemesh_platform.sdk.connections.job import JobConnection
from alchemesh_platform.sdk.connections.ports import Connections


@dataclass(frozen=True, slots=True)
class CodeRun:
    """One run of a product's code, over.

    ``output`` is masked, and only the end of it when it was long. ``exit_status`` is negative for a signal.
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
    ) -> CodeRun:
        """Run the code with its connections, hand on each line that it prints, masked, and wait for its end.

        Args:
            environ: Variables that the code starts from: those of this process and, in an emulated environment, those
                by which clients find the emulators. Secrets are looked up here too.
        """
