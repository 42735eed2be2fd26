"""The part of an emulated environment that one system provides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.sdk.code.run import RunCode


class Emulation:
    """The part of one system in an emulated environment. Each method does nothing unless a system overrides it.

    ``folder`` is the environment's folder on this machine; a system keeps its files in a folder of its own below it.

    Attributes:
        title: Name of the emulated cloud, for messages; None for a system that always runs on this machine.
        packages: Pulumi packages whose provider is emulated.
    """

    title: str | None = None
    packages: frozenset[str] = frozenset()

    def settings(self, platform: Platform, folder: Path) -> Mapping[str, Mapping[str, str]]:
        """Settings that differ because the environment is on this machine, by group.

        Only groups that the platform has are included.
        """
        return {}

    def variables(self, folder: Path) -> Mapping[str, str]:
        """Environment variables that point clients to the emulators."""
        return {}

    def resume(self, folder: Path) -> None:
        """Restart the servers that an earlier run started."""

    @contextmanager
    def serve(self, platform: Platform, folder: Path, report: Callable[[str], None]) -> Iterator[Mapping[str, int]]:
        """Serve the emulated providers to the Pulumi engines that run inside the block.

        Args:
            report: Called with a line of progress before each slow step.

        Yields:
            The port of the emulated provider of each Pulumi package.
        """
        yield {}

    def run_code(self, folder: Path, product: Path) -> RunCode | None:
        """The function that runs a product's jobs on this machine; None if the system runs no jobs.

        Args:
            product: Folder of the product's repo.
        """
        return None
