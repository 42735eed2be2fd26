"""Finds Java and Maven, which run the servers of this package and download their jars."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

JAVA_LEAST = 17  # https://kafka.apache.org/documentation/#java
# Where Linux distributions and macOS keep several Javas beside each other.
_JAVAS = ("/usr/lib/jvm", "/Library/Java/JavaVirtualMachines")
_SAID = 2000  # characters of a failed program's output


class PartFailed(Exception):
    """Raised when a part cannot be prepared or does not start; carries its output."""


@cache
def missing() -> str | None:
    """A sentence that names the missing one of Java and Maven on this machine; None if both are installed."""
    absent = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if absent:
        return f"there is no {' and no '.join(absent)} on PATH; Java {JAVA_LEAST} and Maven are needed"
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < JAVA_LEAST:
        found = version[1] if version else said.strip()[:100]
        return f"`java` is {found}; Java {JAVA_LEAST} or newer is needed"
    return None


@cache
def java_home(least: int) -> Path | None:
    """The folder of a Java development kit of at least a version; None if there is none.

    It may be in ``JAVA_HOME``, on PATH, or beside the other Javas of this machine.
    """
    named = [Path(found) for name, found in sorted(os.environ.items()) if name.startswith("JAVA_HOME")]
    on_path = shutil.which("javac")
    beside = sorted(path for folder in _JAVAS for path in Path(folder).glob("*"))
    candidates = [*named, *([Path(on_path).resolve().parents[1]] if on_path else []), *beside]
    return next((home for home in candidates if _version(home) >= least and (home / "bin" / "javac").is_file()), None)


def _version(home: Path) -> int:
    """The version of a Java, by the file that each one has; 0 if the folder has none."""
    try:
        found = re.search(r'^JAVA_VERSION="(\d+)', (home / "release").read_text("utf-8", "replace"), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def maven(goal: str, *options: str, folder: Path) -> None:
    """Run one goal of Maven in a folder.

    Raises:
        PartFailed: when it fails, with the end of Maven's output.
    """
    command = ["mvn", "--batch-mode", "--quiet", goal, *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PartFailed(f"`{' '.join(command)}` exited with {done.returncode}\n{(done.stdout + done.stderr)[-_SAID:]}")
