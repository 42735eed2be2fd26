"""Finds the Java that runs Spark."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from alchemesh_platform.base.failure import Failure

LEAST = 17  # https://spark.apache.org/docs/latest/#downloading
_BESIDE = ("/usr/lib/jvm", "/Library/Java/JavaVirtualMachines")  # where systems keep several Javas
_FIX = "install Java 17 or newer, or name its folder as `java_home` in the platform file's settings of spark"


class NoJava(Failure):
    """Raised when this machine has no Java that runs Spark."""


def find_java(named: str | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of a Java that runs Spark.

    Args:
        named: The folder that the platform file names. By default: ``JAVA_HOME``, then the ``java`` on PATH, then the
            other Javas of this machine.
        environ: The environment variables.

    Raises:
        NoJava: when there is none, or the named one is none or too old.
    """
    if named is not None:
        found = _version(Path(named))
        if found < LEAST:
            what = f"Java {found}" if found else "no Java"
            raise NoJava(f"{named} is {what}, expected Java {LEAST} or newer", hint=_FIX)
        return Path(named)
    for home in _candidates(environ):
        if _version(home) >= LEAST:
            return home
    raise NoJava(f"there is no Java {LEAST} or newer, which Spark needs", hint=_FIX)


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if home := environ.get("JAVA_HOME"):
        yield Path(home)
    if (program := shutil.which("java", path=environ.get("PATH", ""))) is not None:
        yield Path(program).resolve().parents[1]
    for folder in _BESIDE:
        for beside in sorted(Path(folder).glob("*")):
            yield from (beside, beside / "Contents" / "Home")


def _version(home: Path) -> int:
    """The version of a Java, by the file that each one has; 0 if the folder has none."""
    if not (home / "bin" / "java").is_file():
        return 0
    try:
        text = (home / "release").read_text("utf-8", "replace")
    except OSError:
        return 0
    found = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', text, re.MULTILINE)
    return int(found[1]) if found else 0
