"""A Pulumi stack: one product in one environment, with the folder that the engine works in."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.writing import write_private
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.state.folder import StateFolder, address_of, folder_of
from alchemesh_platform.engine.state.key import (
    PASSPHRASE_FILE_VARIABLE,
    PASSPHRASE_PROVIDER,
    ensure_key,
    has_own_passphrase,
)
from alchemesh_platform.engine.state.object_store import GOOGLE_SIGN_IN

RUN_PREFIX = "run-"  # a folder of one run; it stays when its caller is killed, and is read by the next run
EXPORT_PREFIX = "export-"
SIGN_IN = "sign in with `pulumi login`, or set PULUMI_ACCESS_TOKEN to a token that the service has given you"
NO_LOGS = "The engine finds a file here where it would make a folder, and therefore keeps no debug logs.\n"

# Variables of a user's shell that would change a run silently: flags as variables, another stack, a program where none
# runs, and skipped checkpoints, which lose created resources when a run is killed.
_NOT_PASSED = (
    *("PULUMI_STACK", "PULUMI_RUN_PROGRAM", "PULUMI_SKIP_CHECKPOINTS"),
    *("PULUMI_DEBUG_PROVIDERS", "PULUMI_DEBUG_LANGUAGES"),
)
_NOT_PASSED_PREFIX = "PULUMI_OPTION_"


class StackFailed(Failure):
    """Raised when the engine cannot make or read a stack; says what the engine said."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A Pulumi stack.

    Args:
        project: ``<domain>.<product>``.
        name: Name of the environment.
        backend: Where state is kept: ``file://…``, ``s3://…``, ``gs://…``, ``https://…``.
        home: The environment's folder on this machine; holds the key, the locks and what the engine works with.
        secrets_provider: The encryption of secrets in the state: ``passphrase``, or the address of a key of a cloud.
    """

    project: str
    name: str
    backend: str
    home: Path
    secrets_provider: str = PASSPHRASE_PROVIDER

    def __str__(self) -> str:
        return f"{self.project} {self.name}"

    @property
    def work_folder(self) -> Path:
        """The engine's current folder: generated, and can be thrown away between runs."""
        return self.home / "engine" / "work" / self.project / self.name

    @property
    def pulumi_home(self) -> Path:
        """The engine's own folder, apart from the one that a person's Pulumi uses."""
        return self.home / "engine" / "pulumi"

    @property
    def key_file(self) -> Path:
        """The passphrase, for all stacks of the environment."""
        return self.home / "state.key"

    @property
    def lock_file(self) -> Path:
        """The lock file of the stack."""
        return self.home / "locks" / f"{self.project}.{self.name}.lock"

    @property
    def state_folder(self) -> StateFolder | None:
        """Files of the state; None where it is kept elsewhere than in a folder."""
        root = folder_of(self.backend)
        return StateFolder(root, self.project, self.name) if root else None

    def prepare(self, engine: Engine, environ: Mapping[str, str] = os.environ) -> None:
        """Make what a run needs: folders, project file, key, and the stack where it does not exist yet.

        Raises:
            KeyLost: when the key is gone that encrypts what is in the state.
            StackFailed: when the engine cannot make the stack.
        """
        self.work_folder.mkdir(parents=True, exist_ok=True)
        for left in self.work_folder.glob(f"{EXPORT_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)  # of a process that was killed
        _write_once(self.work_folder / "Pulumi.yaml", f"name: {self.project}\nruntime: python\n")
        # The engine would log everything down to single properties, at a quarter of its time in a preview, for nobody.
        _write_once(self.pulumi_home / "logs", NO_LOGS)
        if self.state_folder is not None:
            self.state_folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        exists = self._exists()
        if self.secrets_provider == PASSPHRASE_PROVIDER and not has_own_passphrase(environ):
            ensure_key(self.key_file, in_use=exists or any((self.home / "engine" / "work").glob("*/*/Pulumi.*.yaml")))
        if not exists:
            self._create(engine, environ)

    def environ(self, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Environment of the engine: quiet, in its own folder, asking nothing of the network that a run does not need.

        The user's settings for plugins, clouds and proxies are passed on.
        """
        passed = {
            name: value
            for name, value in environ.items()
            if name not in _NOT_PASSED and not name.startswith(_NOT_PASSED_PREFIX)
        }
        defaults = {
            # Otherwise the engine asks GitHub for every provider in the state, also for one that is attached.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        }
        if self.is_service:  # a user who is logged in to Pulumi Cloud stays so
            defaults["PULUMI_CREDENTIALS_PATH"] = environ.get("PULUMI_HOME") or str(Path("~/.pulumi").expanduser())
        ours = {
            "PULUMI_BACKEND_URL": address_of(self.backend),
            "PULUMI_HOME": str(self.pulumi_home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DEBUG_COMMANDS": "true",  # without it there is no --event-log
            # A deleted work folder is created again: the state itself knows its encryption.
            "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
            "PULUMI_NEO": "false",
            "PULUMI_SUPPRESS_NEO_LINK": "true",
            "NO_COLOR": "1",
        }
        if self.secrets_provider == PASSPHRASE_PROVIDER and not has_own_passphrase(environ):
            ours[PASSPHRASE_FILE_VARIABLE] = str(self.key_file)
        return {**defaults, **passed, **ours}

    @property
    def is_service(self) -> bool:
        """Whether the state is in Pulumi Cloud, or in an installation of it."""
        return self.backend.startswith(("https://", "http://"))

    @property
    def _made_marker(self) -> Path:
        return self.work_folder / "made"

    def _exists(self) -> bool:
        """Whether the stack exists, as far as it is known without starting the engine."""
        if self.state_folder is not None:
            return self.state_folder.file.exists()
        return self._made_marker.exists() and self._made_marker.read_text("utf-8") == self.backend

    def _create(self, engine: Engine, environ: Mapping[str, str]) -> None:
        command = ["stack", "init", self.name, "--non-interactive", "--no-select"]
        made = run_engine(engine, self, [*command, f"--secrets-provider={self.secrets_provider}"], environ)
        if made.returncode != 0 and "already exists" not in made.stderr:
            why = f"the engine cannot make the stack {self} in {self.backend}: {why_failed(made)}"
            unknown = "default credentials" in why  # in the words of Google's library, for a key of gcpkms://
            raise StackFailed(why, hint=SIGN_IN if self.is_service else GOOGLE_SIGN_IN if unknown else None)
        if self.state_folder is None:
            write_private(self._made_marker, self.backend)


def run_engine(
    engine: Engine, stack: Stack, arguments: list[str], environ: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[str]:
    """Run the engine for something short, which is not an operation, and wait for it; Ctrl-C does not reach it."""
    return subprocess.run(
        [engine.path, *arguments],
        cwd=stack.work_folder,
        env=stack.environ(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        process_group=0,
    )


def why_failed(done: subprocess.CompletedProcess[str]) -> str:
    """Why a short run of the engine failed."""
    return f"it was ended by signal {-done.returncode}" if done.returncode < 0 else engine_error(done.stderr)


def engine_error(stderr: str) -> str:
    """The engine's error without its prefix; the last line if it has no usual prefix."""
    lines = stderr.strip().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("error: "):
            return "\n".join([line.removeprefix("error: "), *lines[number + 1 :]]).strip()
    return lines[-1] if lines else "it said nothing"


def _write_once(path: Path, text: str) -> None:
    if not (path.is_file() and path.read_text("utf-8") == text) and not path.is_dir():
        write_private(path, text)
