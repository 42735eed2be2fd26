"""The engine, built from its Go module: the way that needs no more than a Go module proxy.

``go install …@version`` refuses the module, for it has ``replace`` directives; a module of our own that requires it is
not refused.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

MODULE = "github.com/pulumi/pulumi/pkg/v3"
COMMAND = f"{MODULE}/cmd/pulumi"
SDK = "github.com/pulumi/pulumi/sdk/v3"
VERSION_VARIABLE = f"{SDK}/go/common/version.Version"
GO_DIRECTIVE = "1.25"  # what the engine's own go.mod asks for

TOLD_EVERY_SECONDS = 10.0
STOP_SECONDS = 5.0
KEPT_LINES = 5


class NotBuilt(Exception):
    """Raised when the engine cannot be built; says why."""


def build_engine(version: str, target: Path, tell: Callable[[str], None], environ: Mapping[str, str]) -> None:
    """Build the engine with the machine's Go.

    Args:
        version: ``3.259.0``.
        target: File to write the engine to; its folder exists, and the build's module is kept in it for the while.
        tell: Gets a line now and then: it takes minutes.
        environ: Environment to look `go` up in and to run it with.

    Raises:
        NotBuilt: when there is no Go or the build fails, with the end of what Go said.
    """
    go = shutil.which("go", path=environ.get("PATH"))
    if go is None:
        raise NotBuilt("there is no `go` on PATH")
    module = target.with_name("module")
    module.mkdir()
    (module / "go.mod").write_text(f"module alchemesh.engine\n\ngo {GO_DIRECTIVE}\n", "utf-8")
    tell(f"building Pulumi {version} from its Go module; this takes some minutes, once")
    environment = {**environ, "GOFLAGS": "-mod=mod", "GOWORK": "off", "CGO_ENABLED": "0"}
    steps = {
        "fetched": [go, "get", f"{COMMAND}@v{version}", f"{SDK}@v{version}"],
        "compiled": [
            *(go, "build", "-v", "-trimpath", "-o", str(target)),
            *("-ldflags", f"-s -w -X {VERSION_VARIABLE}=v{version}", COMMAND),
        ],
    }
    for done, command in steps.items():
        _run(command, module, environment, done, tell)


def _run(
    command: Sequence[str], folder: Path, environ: Mapping[str, str], done: str, tell: Callable[[str], None]
) -> None:
    """Run one step of Go, counting the lines that it tells: one for each package."""
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
    packages, told = 0, time.monotonic()
    try:
        assert process.stderr is not None  # noqa: S101 it was asked for above
        for line in process.stderr:
            last.append(line.strip())
            packages += 1
            if time.monotonic() - told >= TOLD_EVERY_SECONDS:
                told = time.monotonic()
                tell(f"{packages} packages {done}")
        status = process.wait()
    except BaseException:
        _stop(process)
        raise
    if status != 0:
        raise NotBuilt(f"`go {command[1]}` ended with {status}: {' / '.join(last) or 'nothing was said'}")


def _stop(process: subprocess.Popen[str]) -> None:
    """End Go; its compilers end by themselves, with the package that they are at."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
