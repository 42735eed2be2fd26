"""A Pulumi stack: one product in one environment, with the engine's working folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.files.writing import write_private
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.state.folder import StateFolder, address_of, folder_of
from alchemesh_platform.engine.state.key import (
    PASSPHRASE_FILE_VARIABLE,
    PASSPHRASE_PROVIDER,
    ensure_key,
    has_own_passphrase,
)
from alchemesh_platform.engine.state.object_store import GOOGLE_SIGN_IN

RUN_PREFIX = "run-"  # folder of one run; if its caller is killed, the folder remains and the next run reads it
EXPORT_PREFIX = "export-"
SIGN_IN = "sign in with `pulumi login`, or set PULUMI_ACCESS_TOKEN to a token that the service has given you"
NO_LOGS = "The engine finds a file here where it would make a folder, and therefore keeps no debug logs.\n"

# Variables of a user's shell that would change a run silently. They set flags, select another stack, run a program
# where none may run, or skip checkpoints, which loses created resources when a run is killed.
_NOT_PASSED = (
    *("PULUMI_STACK", "PULUMI_RUN_PROGRAM", "PULUMI_SKIP_CHECKPOINTS"),
    *("PULUMI_DEBUG_PROVIDERS", "PULUMI_DEBUG_LANGUAGES"),
)
_NOT_PASSED_PREFIX = "PULUMI_OPTION_"


class StackFailed(Failure):
    """Raised when the engine cannot create or read a stack; contains the engine's error."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A Pulumi stack.

    Args:
        project: ``<domain>.<product>``.
        name: Name of the environment.
        backend: Address of the state backend: ``file://…``, ``s3://…``, ``gs://…``, ``https://…``.
        home: The environment's folder on this machine; holds the key, the locks and the engine's working files.
        secrets_provider: The encryption of secrets in the state: ``passphrase``, or the address of a cloud key.
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
        """The engine's working folder. It is generated, and can be deleted between runs."""
        return self.home / "engine" / "work" / self.project / self.name

    @property
    def pulumi_home(self) -> Path:
        """The engine's own Pulumi home, separate from the user's."""
        return self.home / "engine" / "pulumi"

    @property
    def key_file(self) -> Path:
        """The file of the passphrase, shared by all stacks of the environment."""
        return self.home / "state.key"

    @property
    def lock_file(self) -> Path:
        """The lock file of the stack."""
        return self.home / "locks" / f"{self.project}.{self.name}.lock"

    @property
    def state_folder(self) -> StateFolder | None:
        """Files of the state; None if the backend is not a folder."""
        root = folder_of(self.backend)
        return StateFolder(root, self.project, self.name) if root else None

    def prepare(self, engine: Engine, environ: Mapping[str, str] = os.environ) -> None:
        """Create everything that a run needs: folders, project file, key, and the stack if it does not exist yet.

        Raises:
            KeyLost: when the state is encrypted and its key is missing.
            StackFailed: when the engine cannot create the stack.
        """
        self.work_folder.mkdir(parents=True, exist_ok=True)
        for left in self.work_folder.glob(f"{EXPORT_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)  # left by a killed process
        _write_once(self.work_folder / "Pulumi.yaml", f"name: {self.project}\nruntime: python\n")
        # Otherwise the engine logs single properties, which takes a quarter of a preview's time. Nothing reads that
        # log.
        _write_once(self.pulumi_home / "logs", NO_LOGS)
        if self.state_folder is not None:
            self.state_folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        exists = self._exists()
        if self.secrets_provider == PASSPHRASE_PROVIDER and not has_own_passphrase(environ):
            ensure_key(self.key_file, in_use=exists or any((self.home / "engine" / "work").glob("*/*/Pulumi.*.yaml")))
        if not exists:
            self._create(engine, environ)

    def environ(self, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Environment of the engine: quiet, in its own folder, without needless network requests.

        The engine receives the user's settings for plugins, clouds and proxies.
        """
        passed = {
            name: value
            for name, value in environ.items()
            if name not in _NOT_PASSED and not name.startswith(_NOT_PASSED_PREFIX)
        }
        defaults = {
            # Otherwise the engine asks GitHub about every provider in the state, even an attached one.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        }
        if self.is_service:  # keeps the user's login to Pulumi Cloud
            defaults["PULUMI_CREDENTIALS_PATH"] = environ.get("PULUMI_HOME") or str(Path("~/.pulumi").expanduser())
        ours = {
            "PULUMI_BACKEND_URL": address_of(self.backend),
            "PULUMI_HOME": str(self.pulumi_home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DEBUG_COMMANDS": "true",  # enables --event-log
            # Creates a deleted work folder again: the state itself names its encryption.
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
        """Whether Pulumi Cloud, or a self-hosted installation of it, keeps the state."""
        return self.backend.startswith(("https://", "http://"))

    @property
    def _made_marker(self) -> Path:
        return self.work_folder / "made"

    def _exists(self) -> bool:
        """Whether the stack exists, as far as this can be checked without the engine."""
        if self.state_folder is not None:
            return self.state_folder.file.exists()
        return self._made_marker.exists() and self._made_marker.read_text("utf-8") == self.backend

    def _create(self, engine: Engine, environ: Mapping[str, str]) -> None:
        command = ["stack", "init", self.name, "--non-interactive", "--no-select"]
        created = run_engine(engine, self, [*command, f"--secrets-provider={self.secrets_provider}"], environ)
        if created.returncode != 0 and "already exists" not in created.stderr:
            why = f"the engine cannot create the stack {self} in {self.backend}: {why_failed(created)}"
            unknown = "default credentials" in why  # the words of Google's library, for a gcpkms:// key
            raise StackFailed(why, hint=SIGN_IN if self.is_service else GOOGLE_SIGN_IN if unknown else None)
        if self.state_folder is None:
            write_private(self._made_marker, self.backend)


def run_engine(
    engine: Engine, stack: Stack, arguments: list[str], environ: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[str]:
    """Run a short engine command that is not an operation, and wait for it. Ctrl-C does not reach the engine."""
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
    """The reason why a short engine command failed."""
    return f"it was ended by signal {-done.returncode}" if done.returncode < 0 else engine_error(done.stderr)


def engine_error(stderr: str) -> str:
    """The engine's error without its prefix; the last line if the error has no usual prefix."""
    lines = stderr.strip().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("error: "):
            return "\n".join([line.removeprefix("error: "), *lines[number + 1 :]]).strip()
    return lines[-1] if lines else "it printed nothing"


def _write_once(path: Path, text: str) -> None:
    if not (path.is_file() and path.read_text("utf-8") == text) and not path.is_dir():
        write_private(path, text)
