"""The command line, each command in a separate process.

Most of the time of a command is the import of the platform. Commands that run to their end are forked from a process
that has imported it; commands that a test interrupts or kills start from nothing, as a user's do.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import chdir
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path

COMMAND = [sys.executable, "-m", "alchemesh_cli"]
LONGEST = 300.0  # seconds
ROOT = Path(__file__).parents[1]
PRELOADED = "tests.imported"


def run_command(arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever its exit code.

    Args:
        folder: The working directory.
        environ: All of its environment variables.

    Raises:
        subprocess.TimeoutExpired: when the command takes longer than ``LONGEST``.
    """
    with tempfile.TemporaryDirectory(prefix="alchemesh-command-") as scratch:
        out, err = Path(scratch, "out"), Path(scratch, "err")
        process = _context().Process(target=_run, args=(list(arguments), str(folder), dict(environ), out, err))
        process.start()
        try:
            process.join(LONGEST)
            if process.exitcode is None:
                raise subprocess.TimeoutExpired(
                    list(arguments), LONGEST, out.read_text("utf-8"), err.read_text("utf-8")
                )
        finally:
            if process.exitcode is None:
                process.kill()
                process.join()
        code = process.exitcode
        process.close()
        return subprocess.CompletedProcess(list(arguments), code, out.read_text("utf-8"), err.read_text("utf-8"))


def start_command(arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start a command from nothing, for a test that does something to it while it runs."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])
    with chdir(ROOT):  # the folder with the modules of the tests
        forkserver.ensure_running()
    return context


def _run(arguments: list[str], folder: str, environ: dict[str, str], out: Path, err: Path) -> None:
    """In the forked process: become the command."""
    assert PRELOADED in sys.modules, "the process that is forked has imported the platform"
    from tests.imported import PATH

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    tempfile.tempdir = None  # TMPDIR may be another
    more = [part for part in environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    sys.path[:] = [folder, *more, *PATH[1:]]  # as `python -m` has it
    sys.argv = [COMMAND[-1], *arguments]
    for number, file in enumerate((Path(os.devnull), out, err)):
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(handle, number)
        os.close(handle)

    from alchemesh_cli.__main__ import main
    from tests.strict import check_documents

    check_documents()
    try:
        main()
    finally:
        atexit._run_exitfuncs()
