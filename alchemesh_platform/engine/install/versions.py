"""The version of an engine. Each program is asked once, and the answer is stored next to the cached engines."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from alchemesh_platform.base.files.writing import write_private

MINIMUM_VERSION = "3.256.0"  # the oldest supported version: the first with `destroy --ignore-protect`
PINNED_VERSION = "3.259.0"  # downloaded or built, and used by the tests; the Python SDK is locked to the same version

ANSWER_SECONDS = 60.0  # allows for the first start of a 115 MB program from a slow disk
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


class NoEngine(Exception):
    """Raised when a program does not respond as Pulumi's engine does; describes its response."""


def version_key(version: str) -> tuple[int, int, int]:
    """The version as numbers that can be compared; zeros for text that is no version."""
    match = _VERSION.match(version)
    return (int(match[1]), int(match[2]), int(match[3])) if match else (0, 0, 0)


def new_enough(version: str) -> bool:
    """Whether this version of the engine is supported."""
    return version_key(version) >= version_key(MINIMUM_VERSION)


def version_of(program: Path, memory: Path, environ: Mapping[str, str]) -> str:
    """The version of an engine: the stored one if the program has not changed since, or else the engine's own answer.

    Args:
        program: The engine.
        memory: JSON file of the stored versions. It need not exist; a file that cannot be written is no error.
        environ: Environment to start it in.

    Raises:
        NoEngine: when the program does not print a version.
    """
    resolved = program.resolve()
    try:
        stat = resolved.stat()
    except OSError as error:
        raise NoEngine(f"{program} cannot be read: {error.strerror}") from error
    seen = {"mtime_ns": stat.st_mtime_ns, "size": stat.st_size}
    known = _remembered(memory)
    entry = known.get(str(resolved))
    if isinstance(entry, dict) and entry == {**seen, "version": entry.get("version")}:
        return str(entry["version"])
    version = ask_version(resolved, environ)
    with suppress(OSError):  # a cache that cannot be written only costs one more start of the engine
        write_private(memory, json.dumps({**known, str(resolved): {**seen, "version": version}}, indent=2))
    return version


def ask_version(program: Path, environ: Mapping[str, str]) -> str:
    """Start the engine and read its version.

    Raises:
        NoEngine: when it does not start, or prints something else.
    """
    with tempfile.TemporaryDirectory(prefix="alchemesh-") as folder:
        try:
            answer = subprocess.run(
                [program, "version"],
                env={**environ, "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_HOME": folder},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=ANSWER_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise NoEngine(f"{program} version gave no answer in {ANSWER_SECONDS:.0f} s") from error
        except OSError as error:
            raise NoEngine(f"{program} does not start: {error.strerror}") from error
    match = _VERSION.match(answer.stdout.strip())
    if answer.returncode != 0 or match is None:
        printed = (answer.stderr or answer.stdout).strip().splitlines()
        raise NoEngine(
            f"{program} version ended with {answer.returncode}: {printed[-1] if printed else 'it printed nothing'}"
        )
    return ".".join(match.groups())


def _remembered(memory: Path) -> dict[str, object]:
    try:
        known = json.loads(memory.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
