"""Java and Maven: what the servers of this package run on, and how their jars are got."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

JAVA_LEAST = 17  # https://kafka.apache.org/documentation/#java
_SAID = 2000  # characters of what a failed program said


class PartFailed(Exception):
    """Raised when a part cannot be prepared or does not start; carries what it said."""


@cache
def missing() -> str | None:
    """What of Java and Maven is missing on this machine, in a sentence; None when both are there."""
    absent = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if absent:
        return f"there is no {' and no '.join(absent)} on PATH; Java {JAVA_LEAST} and Maven are needed"
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < JAVA_LEAST:
        found = version[1] if version else said.strip()[:100]
        return f"`java` is {found}; Java {JAVA_LEAST} or newer is needed"
    return None


def maven(goal: str, *options: str, folder: Path) -> None:
    """Run one goal of Maven in a folder.

    Raises:
        PartFailed: when it fails, with the end of what Maven said.
    """
    command = ["mvn", "--batch-mode", "--quiet", goal, *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PartFailed(f"`{' '.join(command)}` left with {done.returncode}\n{(done.stdout + done.stderr)[-_SAID:]}")
