"""Python environments for programs that need other versions of libraries than the platform and a product's code.

Each has a lock file, and its folder in the user's cache has the hash of that file in its name: another lock file has
another environment, and environments of other releases keep working.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from alchemesh_platform.base.failure import Failure

FOLDER = "environments"
LOCK = "requirements.txt"
MARK = "ready"  # written last: a folder without it belongs to an installation that was killed
Report = Callable[[str], None]


class EnvironmentFailed(Failure):
    """Raised when a Python environment cannot be installed. The message has the reason of Python or pip."""


def ensure_environment(
    name: str,
    requirements: Path,
    report: Report = lambda _line: None,
    *,
    title: str | None = None,
    python: Callable[[], str] = lambda: sys.executable,
    finish: Callable[[Path], None] | None = None,
) -> Path:
    """The folder of an environment: ``bin/python`` is its Python. It is installed once, by one process at a time.

    pip installs exactly the packages of the lock file, with its hashes, from the index that the user configured.

    Args:
        name: ``dagster``; the first part of the folder's name.
        requirements: The lock file: every package with its version and hashes.
        report: Called with a line of progress before the installation.
        title: The program in messages: ``BigQuery's emulator``. By default the name.
        python: Returns the Python that makes the environment. Called only before an installation.
        finish: Called with the folder after pip, for what pip does not install.

    Raises:
        EnvironmentFailed: when Python or pip fails.
    """
    from filelock import FileLock

    lock, called = requirements.read_bytes(), title or name
    folder = environment_folder(name, lock)
    if _is_ready(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not _is_ready(folder):
            report(f"installing {called}; this takes a minute, once")
            shutil.rmtree(folder, ignore_errors=True)
            _install(called, python(), folder, lock)
            if finish is not None:
                finish(folder)
            (folder / MARK).touch()
    return folder


def environment_folder(name: str, lock: bytes) -> Path:
    """The folder of an environment. It need not exist yet.

    Args:
        name: The environment's name.
        lock: The content of its lock file.
    """
    from platformdirs import user_cache_path

    digest = hashlib.sha256(lock).hexdigest()[:16]
    return user_cache_path("alchemesh", appauthor=False) / FOLDER / f"{name}-{digest}"


def python_of(folder: Path) -> Path:
    """The Python of an environment."""
    return folder / "bin" / "python"


def run_in(title: str, *command: str, variables: Mapping[str, str] | None = None) -> None:
    """Run a step of an installation, without variables that lead a Python to the packages of another.

    Args:
        title: The program that is installed, in the message of a failure.
        command: The program and its arguments.
        variables: Variables of the step beside those of this process.

    Raises:
        EnvironmentFailed: when it fails, with the last line that it printed.
    """
    environment = {**os.environ, **(variables or {})}
    for variable in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
        environment.pop(variable, None)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        printed = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise EnvironmentFailed(
            f"{title} cannot be installed: {printed[-1] if printed else 'no reason given'}",
            hint=f"run it by hand to see all: {' '.join(command[:6])} …",
        )


def _is_ready(folder: Path) -> bool:
    """Whether an installation is complete, and the Python that it was made with still exists."""
    return (folder / MARK).exists() and python_of(folder).exists()


def _install(title: str, python: str, folder: Path, lock: bytes) -> None:
    own = str(python_of(folder))
    lent = _has_pip(python)  # an environment without a pip of its own is made ten times as fast
    run_in(title, python, "-m", "venv", *(["--without-pip"] if lent else []), str(folder))
    requirements = folder / LOCK
    requirements.write_bytes(lock)
    pip = (python, "-m", "pip", "--python", own) if lent else (own, "-m", "pip")
    # Without dependencies: the lock file lists all of them, some in another version than a package requires. Without
    # compilation: Python compiles what it imports, and never imports most of it.
    packages = ("install", "--no-deps", "--no-compile", "--require-hashes", "--requirement", str(requirements))
    run_in(title, *pip, "--quiet", "--disable-pip-version-check", *packages)


def _has_pip(python: str) -> bool:
    return subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
