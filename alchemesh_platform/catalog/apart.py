"""Calls a function with code of other packages in a process of its own. There it can fail, print, end or hang alone.

The parent writes the function, its arguments and a new word to the child's stdin, and reads a line with the word and
JSON for each argument from its stdout. The child gives the called code another stdout and stderr, and keeps the output.
A line without the word is of the called code, which wrote to every file that it found open.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

CALL_SECONDS = 5.0  # that one call may take
START_SECONDS = 60.0  # that Python itself may take to start, on a busy machine
END_SECONDS = 5.0  # that a process may take to end after its last answer
SHOWN_MAX = 80  # characters of a printed line in a message
LINE_MAX = 16 * 1024 * 1024  # bytes of one answer

_PROGRAM = "from alchemesh_platform.catalog.apart import main; main()"


class Answer(NamedTuple):
    """The result of a call.

    Args:
        value: The returned value, as JSON; None if the call failed.
        failure: The failure, as the end of a sentence: ``fails: ImportError: …``; empty if it succeeded.
        printed: The first line that the call printed; empty if it printed nothing.
    """

    value: Any
    failure: str = ""
    printed: str = ""


def call_apart(function: str, arguments: Sequence[Any], seconds: float | None = None) -> list[Answer]:
    """Call a function for each of several arguments, one after the other.

    If a call ends or blocks the process, the next calls run in a new one.

    Args:
        function: ``"module:name"`` of the function.
        arguments: Its arguments, as JSON.
        seconds: Time that one call may take; :data:`CALL_SECONDS` by default.
    """
    limit = CALL_SECONDS if seconds is None else seconds
    done: list[Answer] = []
    while len(done) < len(arguments):
        try:
            done += _until_stopped(function, arguments[len(done) :], limit)
        except OSError as error:  # no process can be started here
            done.append(Answer(None, f"needs a process of its own, which does not start: {error.strerror}"))
    return done


def _until_stopped(function: str, arguments: Sequence[Any], seconds: float) -> list[Answer]:
    """The answers of one process, until all are there, or one call has ended or blocked the process."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
    environment.pop("PYDANTIC_DISABLE_PLUGINS", None)
    child = subprocess.Popen(
        [sys.executable, "-P", "-c", _PROGRAM],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C at the terminal stops the command, which ends the child
    )
    assert child.stdin is not None and child.stdout is not None  # noqa: S101 - both are pipes
    word = os.urandom(16).hex()
    done: list[Answer] = []
    try:
        with suppress(BrokenPipeError), child.stdin as stdin:  # a child that has ended has no answers
            stdin.write(json.dumps([function, list(arguments), word]).encode())
        for found in _answers(child.stdout, word, seconds):
            if found is None:
                return [*done, Answer(None, f"does not end within {seconds:g} s")]
            if found is _FOREIGN:  # of this call, or left by an earlier one: the next process tells
                return done or [Answer(None, "writes to the pipe of its answers")]
            done.append(found)
            if len(done) == len(arguments):
                return done
        with suppress(subprocess.TimeoutExpired):  # it has closed its stdout, and is about to end
            child.wait(END_SECONDS)
    finally:
        child.kill()
        code = child.wait()
    return [*done, Answer(None, f"ends the process, with exit code {code}")]


_FOREIGN = Answer(None)  # a line that is no answer


def _answers(stream: IO[bytes], word: str, seconds: float) -> Iterator[Answer | None]:
    """The answers that a child writes, one a line; None when the next one takes too long.

    The first line has the word alone: the child has started. Lines before it are of Python's own start.
    """
    has_started = False
    for line in _lines(stream, seconds, word):
        if line is None:
            yield None
        elif line.startswith(word.encode()):
            if has_started:
                yield Answer(*json.loads(line.removeprefix(word.encode())))
            has_started = True
        elif has_started:
            yield _FOREIGN


def _lines(stream: IO[bytes], seconds: float, word: str) -> Iterator[bytes | None]:
    """The lines that a child writes; None when the next one takes too long."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:  # a pipe has no time limit of its own on every system
        with stream:
            for line in iter(partial(stream.readline, LINE_MAX), b""):
                lines.put(line)
        lines.put(b"")

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    limit = START_SECONDS
    try:
        while line := lines.get(timeout=limit):
            yield line
            if line.startswith(word.encode()):
                limit = seconds
    except queue.Empty:
        yield None


def main() -> None:
    """The child: call the function for each argument of stdin, and write each answer to the original stdout."""
    import tempfile

    from alchemesh_platform.base.packages.conduct import allow_exit, described
    from alchemesh_platform.base.packages.reference import load_reference

    allow_exit()
    name, arguments, word = json.load(sys.stdin)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers, tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 1)
        os.dup2(printed.fileno(), 2)
        function: Any = load_reference(name)
        answers.write(f"{word}\n")
        answers.flush()
        for argument in arguments:
            value, failure = None, ""
            try:
                value = json.dumps(function(argument))
            except BaseException as error:  # noqa: BLE001 - it may fail in any way, and all other packages must work
                failure = f"fails: {described(error)}"
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            answer = [None if value is None else json.loads(value), failure, _first_line(printed)]
            answers.write(f"{word}{json.dumps(answer)}\n")
            answers.flush()
        os._exit(0)  # threads of an imported module do not keep the process alive


def _first_line(printed: IO[bytes]) -> str:
    """The first line of the output since the last call."""
    printed.seek(0)
    text = printed.read().decode("utf-8", "replace").strip()
    printed.seek(0)
    printed.truncate()
    return text.splitlines()[0][:SHOWN_MAX] if text else ""
