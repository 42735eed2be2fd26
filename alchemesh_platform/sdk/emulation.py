"""The part of an emulated environment that one system provides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.sdk.code_run import RunCode


class Emulation:
    """The part of one system in an emulated environment. Each method does nothing unless a system overrides it.

    ``folder`` is the environment's folder on this machine; a system keeps its files in a folder of its own below it.

    Attributes:
        title: Name of the cloud that is emulated, in a text; None for a system that is on this machine anyway.
        packages: Pulumi packages whose provider has a stand-in.
    """

    title: str | None = None
    packages: frozenset[str] = frozenset()

    def settings(self, platform: Platform, folder: Path) -> Mapping[str, Mapping[str, str]]:
        """Settings that differ because the environment is on this machine, by group; only of groups that it has."""
        return {}

    def variables(self, folder: Path) -> Mapping[str, str]:
        """Environment variables by which clients find the emulators."""
        return {}

    def resume(self, folder: Path) -> None:
        """Start again the servers that were started once."""

    @contextmanager
    def serve(self, platform: Platform, folder: Path, report: Callable[[str], None]) -> Iterator[Mapping[str, int]]:
        """Serve the stand-ins for the engines that run inside the block.

        Args:
            report: Gets a line for what takes long.

        Yields:
            Pulumi package: the port of its stand-in.
        """
        yield {}

    def run_code(self, folder: Path, product: Path) -> RunCode | None:
        """The runner of a product's jobs on this machine instead of the cloud; None if the system runs none.

        Args:
            product: Folder of the product's repo.
        """
        return None
