"""A product's repo on an emulated environment `prod`, and the commands that a user runs in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alchemesh_platform.clouds.gcp.emulation.environment import emulators_of
from alchemesh_platform.clouds.gcp.emulation.servers.servers import PORTS_FILE, Emulators
from alchemesh_platform.clouds.gcp.emulation.store import Kept, Store
from alchemesh_platform.clouds.gcp.emulation.world import BIGQUERY, STORAGE
from alchemesh_platform.deployment.emulation import emulate
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.store import Registry
from tests.clouds.gcp.emulation.harness import empty
from tests.commands import run_command, start_command

PLATFORM_OWNER = "katherine@airport.example"
EMULATED = ("-e", "prod", "--emulate")
CLOUD = Path("emulated", "prod", "cloud")  # in a home
EMULATORS = ("run", STORAGE, BIGQUERY, PORTS_FILE, f"{PORTS_FILE}.lock")  # in the cloud's folder

_HOMES: list[Path] = []


def platform_file(*components: str, gcp: Sequence[str] = ()) -> str:
    """A platform file with the environment ``prod``.

    Args:
        components: Component types, each with its component, as lines of YAML.
        gcp: More settings of Google Cloud, likewise.
    """
    project = ("project: acme-mesh", "project_number: 123456789012", "region: europe-west1")
    settings = "".join(f"        {line}\n" for line in (*project, *gcp))
    chosen = "".join(f"      {line}\n" for line in components)
    return f"""\
kind: Platform
name: acme
environments:
  prod:
    state: gs://acme-nowhere
    registry: postgresql://nowhere.acme.example/alchemesh
    settings:
      gcp:
{settings}    components:
{chosen}"""


@contextmanager
def repo_in(folder: Path, manifest: str, platform: str) -> Iterator[Repo]:
    """A repo in a new folder, on an empty emulated cloud."""
    home = _HOMES[-1]
    _empty_home(home)
    yield Repo.made(folder, manifest, platform)


@contextmanager
def shared_home(home: Path) -> Iterator[None]:
    """The home of every repo in this block. Its emulators start once, and are stopped at the end."""
    _HOMES.append(home)
    try:
        yield
    finally:
        _HOMES.remove(home)
        Emulators(home / CLOUD).stop()


def _empty_home(home: Path) -> None:
    """Leave nothing but the running emulators, without any data."""
    cloud = home / CLOUD
    kept = {home, *(home / CLOUD).parents, cloud, *(cloud / name for name in EMULATORS)}
    for folder in (*(home / part for part in reversed(CLOUD.parents)), cloud):
        for path in folder.iterdir() if folder.is_dir() else ():
            if path in kept:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    empty(Emulators(cloud))


@dataclass(frozen=True)
class Repo:
    """A product's repo with its platform file."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, manifest: str, platform: str) -> Repo:
        """Write manifest and platform file into a new folder."""
        folder.mkdir(parents=True)
        (folder / "alchemesh.yaml").write_text(manifest)
        (folder / "platform.yaml").write_text(platform)
        return cls(folder)

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
        return _HOMES[-1]

    @property
    def here(self) -> Path:
        return self.home / CLOUD.parent

    @property
    def emulators(self) -> Emulators:
        """The emulators of its environment."""
        return emulators_of(emulate(load_platform(self.folder / "platform.yaml", "prod", self.home)))

    @property
    def cloud(self) -> Store:
        return Store(self.here / "cloud")

    def kept(self, type_: str) -> dict[str, Kept]:
        """Deployed resources of a type in the cloud, by id."""
        return {kept.id: kept for kept in self.cloud.all(type_)}

    def registry(self) -> Registry:
        return Registry.open(f"sqlite:///{self.here / 'registry.db'}")
