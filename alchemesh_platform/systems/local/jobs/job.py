"""A plain Python job: its description, which holds no secret, and a run of it with the product's connections."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from alchemesh_platform.base.files.writing import write_private
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.base.secrets import Masker, SecretRef, references_in, resolve
from alchemesh_platform.machine.files import storage_errors, write_if_changed
from alchemesh_platform.sdk.code.description import JobDescription, JobFailed
from alchemesh_platform.sdk.code.description import read_job as read_job  # noqa: PLC0414 - packages of earlier versions import it here
from alchemesh_platform.sdk.code.run import CodeRun
from alchemesh_platform.sdk.connections.base import WrongConnection
from alchemesh_platform.sdk.connections.ports import CONNECTIONS_VARIABLE, Connections
from alchemesh_platform.systems.local.jobs.entrypoint import entrypoint_problem, interpreter_arguments

KEPT_CHARACTERS = 64 * 1024
GRACE_SECONDS = 10.0
# Variables that a program needs on any machine. The product names the others.
PASSED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"),
    *("LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
PASSED_PREFIX = "LC_"
# Variables of the platform and its clouds that are not passed. Their values are masked if the code prints them anyway.
_SECRET_NAME = re.compile(r"PASSWORD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY", re.IGNORECASE)
_SHORTEST_OTHER_SECRET = 8
LEFT_OVER_SECONDS = 2.0  # how long to keep reading after the job ended, while a process that it started still prints


def job_file(directory: Path) -> Path:
    """The file of a job's description."""
    return directory.absolute() / "job.json"


def write_job(directory: Path, job: JobDescription) -> Path:
    """Write a job's description.

    Raises:
        StorageFailed: when it cannot be written.
    """
    path = job_file(directory)
    write_if_changed(path, json.dumps(job.model_dump(mode="json"), indent=1) + "\n")
    return path


def looks_elsewhere(python: str, env: Mapping[str, object]) -> bool:
    """Whether a job's modules may come from a place that this Python does not search."""
    return python != sys.executable or "PYTHONPATH" in env


def run_job(
    job: JobDescription,
    connections: Connections,
    arguments: Sequence[str] = (),
    on_output: Callable[[str], None] = lambda line: None,
    *,
    environ: Mapping[str, str] = os.environ,
    variables: Mapping[str, str] | None = None,
    cancelled: threading.Event | None = None,
    program: Sequence[str] | None = None,
) -> CodeRun:
    """Run a job with its connections, and wait for its end.

    The job gets a minimal environment (:data:`PASSED`), the job's variables with their secrets, the connections as
    variables with the secrets that they name, and ``ALCHEMESH_CONNECTIONS``, the path of a JSON file with all of them.
    It gets no other variable of this process. An interrupt
    (Ctrl-C) is forwarded to the job. If the job does not end after it, or within its time limit, it is killed with all
    processes that it started.

    Args:
        arguments: Arguments of the job.
        on_output: Called with each line that the job prints, with secrets masked.
        environ: Environment variables that hold the secrets.
        variables: Additional variables of the job, such as addresses of emulators.
        cancelled: Set it to interrupt the job.
        program: Program that gets the entrypoint as its argument; by default the job's Python.

    Raises:
        JobFailed: when the job cannot start.
        SecretMissing: when a secret has no value in ``environ``.
    """
    elsewhere = looks_elsewhere(job.python, job.env)
    problem = entrypoint_problem(job.entrypoint, Path(job.working_directory), elsewhere=elsewhere)
    if problem is not None:
        raise JobFailed(
            f"cannot run {job.entrypoint}: {problem}", hint=remedy("fix `entrypoint`, then {}", command("up"))
        )
    secrets = {name: resolve(value, environ) for name, value in job.env.items() if isinstance(value, SecretRef)}
    named = {name: environ[name] for name in references_in(connections.model_dump(mode="json")) if environ.get(name)}
    plain = {name: value for name, value in job.env.items() if isinstance(value, str)}
    with tempfile.TemporaryDirectory(prefix="alchemesh-job-") as folder:
        file = Path(folder, "connections.json")
        with storage_errors(f"write {file}"):
            write_private(file, connections.model_dump_json())
        passed = {
            **{name: value for name, value in environ.items() if name in PASSED or name.startswith(PASSED_PREFIX)},
            **(variables or {}),
            **named,
            "PYTHONUNBUFFERED": "1",
            **plain,
            **secrets,
            **connections.environ(),
            CONNECTIONS_VARIABLE: str(file),
        }
        masker = Masker({*secrets.values(), *named.values(), *_credentials(connections), *_others(environ, passed)})
        words = [job.python, *interpreter_arguments(job.entrypoint)] if program is None else [*program, job.entrypoint]
        process = _start([*words, *arguments], job, passed)
        return _follow(process, job, _Output(on_output, masker), cancelled or threading.Event())


def _credentials(connections: Connections) -> Iterator[str]:
    """The passwords that the connections' credential files hold, which the code can read."""
    for ports in (connections.inputs, connections.outputs, connections.infrastructure):
        for port in ports.values():
            for part in (port.storage, port.proxy):
                if part is not None:
                    with suppress(WrongConnection):
                        yield from (value for name, value in part.credential_variables().items() if name != "USER")


def _others(environ: Mapping[str, str], passed: Mapping[str, str]) -> Iterator[str]:
    """The values of variables that the job does not get, whose names say that they are secrets."""
    for name, value in environ.items():
        if name not in passed and len(value) >= _SHORTEST_OTHER_SECRET and _SECRET_NAME.search(name):
            yield value


def _start(words: Sequence[str], job: JobDescription, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(words),
            cwd=job.working_directory,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a process group of its own, so that all its processes can be ended
        )
    except OSError as error:
        raise JobFailed(
            f"cannot start {words[0]}: {error.strerror}", hint="set `python` in the platform file's local settings"
        ) from error


def _follow(
    process: subprocess.Popen[bytes], job: JobDescription, output: _Output, cancelled: threading.Event
) -> CodeRun:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    started = time.monotonic()
    reader = threading.Thread(target=output.read, args=(process.stdout,), name="job-output", daemon=True)
    reader.start()
    timed_out = interrupted = False
    deadline = None if job.timeout_seconds is None else started + job.timeout_seconds
    try:
        while process.poll() is None:
            if deadline is not None and time.monotonic() > deadline:
                timed_out = True
                _end_group(process, signal.SIGTERM)
            elif cancelled.is_set():
                interrupted = True
                _end_group(process, signal.SIGINT)
            else:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.05)
    except KeyboardInterrupt:
        interrupted = True
        _end_group(process, signal.SIGINT)
    except BaseException:
        _end_group(process, signal.SIGKILL)
        raise
    reader.join(LEFT_OVER_SECONDS)
    _signal_group(process, signal.SIGKILL)  # processes that the job left running
    reader.join(LEFT_OVER_SECONDS)
    if output.error is not None:
        raise output.error
    return CodeRun(process.returncode, output.kept(), time.monotonic() - started, timed_out, interrupted)


def _end_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Ask the job to end, and kill it after the grace period or a second interrupt."""
    _signal_group(process, number)
    try:
        process.wait(GRACE_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # Both errors mean that the group has ended. macOS raises the latter for a group of zombies.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


class _Output:
    """The output of a job. It forwards each line, and stores the last ones."""

    def __init__(self, on_output: Callable[[str], None], masker: Masker) -> None:
        self._on_output = on_output
        self._masker = masker
        self._lines: deque[str] = deque()
        self._size = 0
        self._cut = False
        self.error: Exception | None = None

    def read(self, pipe: IO[bytes]) -> None:
        decoder = getincrementaldecoder("utf-8")(errors="replace")
        rest = ""  # the end of a long line, in which a secret may have begun
        while piece := pipe.readline(KEPT_CHARACTERS):
            text = rest + decoder.decode(piece)
            if text.endswith("\n"):
                text, rest = self._masker.mask(text), ""
            else:
                text, rest = self._masker.split(text)
            self._report(text)
        self._report(self._masker.mask(rest + decoder.decode(b"", final=True)))

    def _report(self, text: str) -> None:
        if not text:
            return
        self._keep(text)
        try:
            self._on_output(text.rstrip("\r\n"))
        except OSError:
            self._on_output = lambda line: None  # the reader has closed; the job continues
        except Exception as error:  # noqa: BLE001 - raised where the job is waited for; what it prints has to be read
            self._on_output = lambda line: None
            self.error = error

    def _keep(self, text: str) -> None:
        self._lines.append(text)
        self._size += len(text)
        while self._size > KEPT_CHARACTERS and len(self._lines) > 1:
            self._size -= len(self._lines.popleft())
            self._cut = True

    def kept(self) -> str:
        return ("[…]\n" if self._cut else "") + "".join(self._lines)
