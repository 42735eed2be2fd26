"""Build a program with the machine's Go: the fallback for machines that can download only Go modules."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

REPORT_EVERY_SECONDS = 10.0
STOP_SECONDS = 5.0
KEPT_LINES = 5


class NotBuilt(Exception):
    """Raised when a program cannot be built; gives the reason."""


def run_go(
    steps: Mapping[str, Sequence[str]], module: Path, environ: Mapping[str, str], report: Callable[[str], None]
) -> None:
    """Run Go commands in a module's folder.

    Args:
        steps: Arguments of ``go`` by the description of the step (``compiled``).
        module: Folder of the module.
        environ: Environment to look `go` up in and to run it with.
        report: Receives progress lines: a build takes minutes.

    Raises:
        NotBuilt: when Go is missing or a step fails, with the end of Go's output.
    """
    go = shutil.which("go", path=environ.get("PATH"))
    if go is None:
        raise NotBuilt("there is no `go` on PATH")
    for done, arguments in steps.items():
        _run([go, *arguments], module, {**environ, "GOWORK": "off", "CGO_ENABLED": "0"}, done, report)


def _run(
    command: Sequence[str], folder: Path, environ: Mapping[str, str], done: str, report: Callable[[str], None]
) -> None:
    """Run one Go command and count its output lines: Go prints one for each package."""
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise NotBuilt(f"{command[0]} does not start: {error.strerror}") from error
    last: deque[str] = deque(maxlen=KEPT_LINES)
    packages, last_report = 0, time.monotonic()
    try:
        assert process.stderr is not None  # noqa: S101 it was asked for above
        for line in process.stderr:
            last.append(line.strip())
            packages += 1
            if time.monotonic() - last_report >= REPORT_EVERY_SECONDS:
                last_report = time.monotonic()
                report(f"{packages} packages {done}")
        status = process.wait()
    except BaseException:
        _stop(process)
        raise
    if status != 0:
        raise NotBuilt(f"`go {command[1]}` ended with {status}: {' / '.join(last) or 'it printed nothing'}")


def _stop(process: subprocess.Popen[str]) -> None:
    """Stop Go. Its compilers end by themselves after their current package."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
