"""Calls functions of a component in a process of their own, and reports what they did besides answering.

``python -m alchemesh_platform.testing.run.probe`` reads jobs from standard input, one JSON document a line, and prints
one answer a line. Each job runs in a forked process: the probe stops it when it hangs, and nothing of it reaches the
next one.

This module imports nothing but the standard library until a job needs more: the jobs of the kind ``spec`` report what
the import of a spec loads.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

CHANGES = frozenset(
    {
        *(
            "os.mkdir",
            "os.remove",
            "os.rename",
            "os.rmdir",
            "os.truncate",
            "os.chmod",
            "os.chown",
            "os.link",
            "os.symlink",
        ),
        *("os.putenv", "os.unsetenv", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.kill", "os.utime"),
        *(
            "subprocess.Popen",
            "shutil.rmtree",
            "shutil.move",
            "shutil.copyfile",
            "tempfile.mkstemp",
            "tempfile.mkdtemp",
        ),
        *(
            "socket.connect",
            "socket.getaddrinfo",
            "socket.bind",
            "socket.sendto",
            "sqlite3.connect",
            "signal.pthread_kill",
        ),
    }
)
READS = frozenset({"os.listdir", "os.scandir", "os.walk", "glob.glob"})
MODULES = (".py", ".pyc", ".so", ".pyd", ".dll", ".dylib", ".pyi", ".zip")
LOOPBACK = ("('127.", "('::1'", "('localhost'", "/")  # beginnings of addresses of this machine; "/" of Unix sockets
NOWHERE = "192.0.2.1"  # https://www.rfc-editor.org/rfc/rfc5737: an address for documentation, which no machine has


def main() -> None:
    """Answer jobs until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a component prints is no answer
    if "--load" in sys.argv[1:]:
        load()
    for line in sys.stdin:
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        answers.flush()


def load() -> None:
    """Import what all jobs but those of the kind ``spec`` need, once for all of them."""
    from alchemesh_platform.testing.cases import Case

    Case.model_rebuild()


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """The answer to a job: what it found, ``{"hung": True}``, or ``{"error": …}``."""
    if not hasattr(os, "fork"):
        return run(job)
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.setsid()
        os.close(reading)
        try:
            text = json.dumps(run(job))
        except BaseException as error:  # noqa: BLE001 the code of another author; the parent reports it
            text = json.dumps({"error": f"{type(error).__name__}: {error}"})
        with os.fdopen(writing, "w", encoding="utf-8") as stream:
            stream.write(text)
        os._exit(0)
    os.close(writing)
    return _awaited(process, reading, float(job.get("seconds", 10.0)))


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Run a job in this process."""
    return JOBS[job["kind"]](job)


def loads_of_spec(job: dict[str, Any]) -> dict[str, Any]:
    """The packages of others that the import of a spec loads."""
    import importlib

    module = job["module"]
    before = set(sys.modules)
    importlib.import_module(module)
    own = {module.partition(".")[0], *sys.stdlib_module_names}
    loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
    return {"loaded": sorted(name for name in loaded - own if not name.startswith(("alchemesh_", "_", "__")))}


def pure(job: dict[str, Any]) -> dict[str, Any]:
    """Call ``check`` or ``holds`` three times, at last without environment variables; its answers, and its effects.

    A call that fails without the variables answers differently: it needs one of them.
    """
    function, args, settings, wiring = _given(job)
    before = _dumped(args, settings)
    variables = dict(os.environ)
    events: list[str] = []

    def answers() -> list[Any]:
        with _Heard(events):
            return [_document(each) for each in function(args, settings, wiring) or ()]

    first, second = answers(), answers()
    if dict(os.environ) != variables:
        events.append("os.environ")
    if _dumped(args, settings) != before:
        events.append("its own arguments")
    if first == second:
        os.environ.clear()
        try:
            bare = answers()
        except (Exception, SystemExit) as error:  # noqa: BLE001 the code of another author
            bare = [f"{type(error).__name__}: {error}"]
        if bare != first:
            events.append("environment variables")
    return {"answers": first, "same": first == second, "events": list(dict.fromkeys(events))}


def called(job: dict[str, Any]) -> dict[str, Any]:
    """Call ``look`` or ``infer`` in the folder of the case."""
    from alchemesh_platform.base.failure import Failure

    function, args, settings, wiring = _given(job)
    try:
        return {"answers": [_document(each) for each in function(args, settings, wiring) or ()]}
    except Failure as failure:
        return {"failed": failure.message}


def observed(job: dict[str, Any]) -> dict[str, Any]:
    """Call ``observe`` while no server answers: once each refuses the connection, once each is silent."""
    import inspect

    from alchemesh_platform.base.packages.reference import load_reference
    from alchemesh_platform.sdk.connections.kinds import connection_of

    os.environ.update(job["environ"])
    function: Any = load_reference(job["reference"])
    connection = connection_of(job["connection"])
    parameters = inspect.signature(function).parameters
    known = {"environ": dict(os.environ), "consumer": None}
    options = {name: value for name, value in known.items() if name in parameters}
    found: list[dict[str, Any]] = []
    for silent in (False, True):
        if found and not found[0]["asked"]:
            break  # it asked no other machine: a silent one is the same
        network = Network(silent=silent)
        begun = time.monotonic()
        with network:
            try:
                observation = function(connection, **options)
            except (Exception, SystemExit) as error:  # noqa: BLE001 reported as a finding
                found.append({"raised": f"{type(error).__name__}: {error}", **network.report()})
                continue
        found.append({**_observation(observation), **network.report(), "seconds": time.monotonic() - begun})
    return {"observations": found}


class Network:
    """Stands in for the network of this process: no connection comes about.

    Args:
        silent: Whether servers are silent: a connection without a time limit would wait forever. Otherwise they refuse.
    """

    def __init__(self, *, silent: bool) -> None:
        self.silent = silent
        self.asked: list[str] = []
        self.endless: list[str] = []

    def report(self) -> dict[str, Any]:
        """The other machines that were asked, and the addresses without a time limit.

        A refusal by this machine is an answer: no server listens.
        """
        remote = [address for address in dict.fromkeys(self.asked) if not address.startswith(LOOPBACK)]
        return {"asked": remote, "endless": list(dict.fromkeys(self.endless))}

    def __enter__(self) -> None:
        import socket

        self._before = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo
        network = self

        def connect(this: Any, address: Any) -> None:
            network.asked.append(str(address))
            if network.silent and this.gettimeout() is None:
                network.endless.append(str(address))
            raise TimeoutError("timed out") if network.silent else ConnectionRefusedError(111, "Connection refused")

        def connect_ex(this: Any, address: Any) -> int:
            network.asked.append(str(address))
            return 111

        def resolve(host: Any, port: Any, *_args: Any, **_options: Any) -> list[Any]:
            number = int(port) if str(port or 0).isdigit() else 0
            address = "127.0.0.1" if host in ("localhost", "127.0.0.1", "::1") else NOWHERE
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, number))]

        socket.socket.connect = connect  # type: ignore[method-assign]
        socket.socket.connect_ex = connect_ex  # type: ignore[method-assign]
        socket.getaddrinfo = resolve

    def __exit__(self, *_: object) -> None:
        import socket

        socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo = self._before  # type: ignore[method-assign]


JOBS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "spec": loads_of_spec,
    "pure": pure,
    "called": called,
    "observe": observed,
}


def _awaited(process: int, reading: int, seconds: float) -> dict[str, Any]:
    """The answer of a forked process; it is killed with all its children after its time."""
    deadline = time.monotonic() + seconds
    parts: list[bytes] = []
    hung = False
    while True:
        ready, _, _ = select.select([reading], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            hung = True
            break
        part = os.read(reading, 65536)
        if not part:
            break
        parts.append(part)
    os.close(reading)
    for end in (os.killpg, os.kill):
        try:
            end(process, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    _, status = os.waitpid(process, 0)
    if hung:
        return {"hung": True}
    if not parts:
        return {"error": f"the process ended with status {os.waitstatus_to_exitcode(status)}"}
    found: dict[str, Any] = json.loads(b"".join(parts))
    return found


def _given(job: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
    from alchemesh_platform.base.packages.reference import load_reference
    from alchemesh_platform.testing.cases import CaseWiring
    from alchemesh_platform.testing.run.wiring import wiring_of

    args: Any = load_reference(job["args_model"])
    settings: Any = load_reference(job["settings_model"])
    wiring = wiring_of(CaseWiring.model_validate(job["wiring"]), job["folder"])
    function = load_reference(job["reference"])
    return function, args.model_validate(job["args"]), settings.model_validate(job["settings"]), wiring


class _Heard:
    """Collects what Python reports of this process while the block runs: files, processes, connections.

    Python itself keeps the bytecode of a module that the block imports first: not during the block.
    """

    def __init__(self, events: list[str]) -> None:
        self.events = events
        self.is_on = False
        self.former = sys.dont_write_bytecode
        sys.addaudithook(self._hear)

    def __enter__(self) -> None:
        self.former, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        self.is_on = True

    def __exit__(self, *_: object) -> None:
        self.is_on = False
        sys.dont_write_bytecode = self.former

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        if event == "open":
            path, flags = args[0], args[2]
            if isinstance(path, str | bytes) and not _of_python(os.fsdecode(path)):
                writes = bool((flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
                self.events.append(f"{'writes' if writes else 'reads'} {os.fsdecode(path)}")
        elif event in READS:
            path = os.fsdecode(args[0]) if args and isinstance(args[0], str | bytes) else "."
            if not _of_python(path):
                self.events.append(f"lists {path}")
        elif event in CHANGES:
            self.events.append(f"{event} {args[0] if args else ''}".strip())


def _of_python(path: str) -> bool:
    """Whether a file belongs to Python or to an installed package: imports read such files."""
    if path.endswith(MODULES) or path in (os.devnull, "/dev/urandom"):
        return True
    real = os.path.realpath(path)
    return any(real == place or real.startswith(place + os.sep) for place in _places())


def _places() -> Iterator[str]:
    for place in (sys.prefix, sys.base_prefix, *sys.path):
        if place:
            yield os.path.realpath(place)


def _document(value: Any) -> Any:
    """A value of the SDK as JSON."""
    import dataclasses

    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _document(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _document(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_document(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


def _dumped(*models: Any) -> list[str]:
    return [model.model_dump_json() for model in models]


def _observation(value: Any) -> dict[str, Any]:
    from alchemesh_platform.sdk.observation import Observation

    if value is None:
        return {"health": None, "reason": ""}
    if not isinstance(value, Observation):
        return {"raised": f"returned a {type(value).__name__}, expected an Observation"}
    return {"health": value.health, "reason": value.reason}


if __name__ == "__main__":
    main()
