"""A product's repo on an emulated environment `prod`, and the commands that a user runs in it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alchemesh_platform.clouds.gcp.emulation.environment import emulators_of
from alchemesh_platform.clouds.gcp.emulation.store import Kept, Store
from alchemesh_platform.deployment.emulation import emulate
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.store import Registry
from tests.commands import run_command, start_command

PLATFORM_OWNER = "katherine@airport.example"
EMULATED = ("-e", "prod", "--emulate")


@contextmanager
def repo_in(folder: Path, manifest: str, platform: str) -> Iterator[Repo]:
    """A repo in a new folder; the emulators that its commands started are stopped at the end."""
    made = Repo.made(folder, manifest, platform)
    try:
        yield made
    finally:
        made.stop()


@dataclass(frozen=True)
class Repo:
    """A product's repo with its platform file and a separate home next to it."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, manifest: str, platform: str) -> Repo:
        """Write manifest and platform file into a new folder."""
        folder.mkdir(parents=True)
        (folder / "alchemesh.yaml").write_text(manifest)
        (folder / "platform.yaml").write_text(platform)
        return cls(folder)

    def stop(self) -> None:
        """Stop the emulators that the commands started."""
        emulators_of(emulate(load_platform(self.folder / "platform.yaml", "prod", self.home))).stop()

    @property
    def environ(self) -> dict[str, str]:
        ours = {
            "ALCHEMESH_HOME": str(self.home),
            "ALCHEMESH_USER": "amelia@airport.example",
            "ALCHEMESH_PLATFORM": str(self.folder / "platform.yaml"),
        }
        return {**os.environ, **ours}

    def environ_of(self, arguments: tuple[str, ...]) -> dict[str, str]:
        """The environment of a command: a platform owner runs those of the platform, the product's owner all others."""
        return {**self.environ, **({"ALCHEMESH_USER": PLATFORM_OWNER} if arguments[0] == "platform" else {})}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        return run_command([*arguments, *EMULATED], self.folder, self.environ_of(arguments))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command in a new process, so that a test can act on it."""
        return start_command([*arguments, *EMULATED], self.folder, self.environ_of(arguments))

    def done(self, *arguments: str) -> dict[str, Any]:
        """Run a command that must succeed; returns its document."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    @property
    def home(self) -> Path:
        return self.folder.parent / "home"

    @property
    def here(self) -> Path:
        return self.home / "emulated" / "prod"

    @property
    def cloud(self) -> Store:
        return Store(self.here / "cloud")

    def kept(self, type_: str) -> dict[str, Kept]:
        """Deployed resources of a type in the cloud, by id."""
        return {kept.id: kept for kept in self.cloud.all(type_)}

    def registry(self) -> Registry:
        return Registry.open(f"sqlite:///{self.here / 'registry.db'}")
