"""The clock as a supervised process of this machine, for an environment with jobs that have a schedule or a trigger.

`up` starts it, and `destroy` of the last such product ends it. The supervisor runs
``python -m alchemesh_platform.app.clock.supervised HOME ENVIRONMENT [FILE] [--emulate]``.
"""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from alchemesh_platform.app.clock.jobs import ClockJob, jobs_of, secrets_of
from alchemesh_platform.app.probing import supervised as watching
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.platform_file.load import load_platform

if TYPE_CHECKING:
    from types import FrameType

    from alchemesh_platform.machine.servers.processes import Program
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry

NAME = "clock"
EMULATE = "--emulate"
# Set it to `off` where commands must not leave a process behind, as on a runner of a pipeline.
SWITCH = "ALCHEMESH_CLOCK"


@dataclass(frozen=True, slots=True)
class Kept:
    """The clock after a command.

    Args:
        needed: Whether a job of this machine needs the clock, and its processes may stay after a command.
        change: The change; None without one.
        missing: Names of secrets without a value in the clock's memory, by product.
    """

    needed: bool = False
    change: Literal["started", "ended"] | None = None
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def folder_of(platform: Platform) -> Path:
    """The folder of an environment's clock."""
    return Path(platform.home, platform.environment, NAME)


def keep_clock(platform: Platform, registry: Registry, environ: Mapping[str, str] | None = None) -> Kept:
    """Start the clock of an environment if a job of this machine needs it; otherwise end it.

    A clock that runs with the same settings and secrets continues. Runs that have begun continue in any case.

    Args:
        environ: Variables with the values of secrets; by default those of this process. A secret without a value here
            keeps the value that the running clock has. Values are kept in memory only.

    Raises:
        SupervisorFailed, StorageFailed: when the process cannot be started or ended.
        RegistryUnavailable: when the registry cannot be read.
    """
    from alchemesh_platform.machine.servers import processes
    from alchemesh_platform.machine.servers.supervisor import config_folder, holds, variables_of

    given = os.environ if environ is None else environ
    folder = folder_of(platform)
    jobs = jobs_of(registry, platform.environment)
    if not jobs:
        if not config_folder(folder).is_dir():
            return Kept()
        processes.halt(folder, NAME)
        processes.stop(folder, NAME)
        return Kept(change="ended")
    if given.get(SWITCH) == "off":
        return Kept()
    needed = {job.product: _needed(registry, platform.environment, job) for job in jobs}
    names = {name for each in needed.values() for name in each}
    kept = variables_of(folder)
    secrets = {
        **{name: kept[name] for name in names if kept.get(name)},
        **watching.secrets_of(platform, kept),
        **watching.secrets_of(platform, given),
        **{name: given[name] for name in names if given.get(name)},
    }
    program = program_of(platform)
    runs = processes.status(folder, NAME).alive and processes.is_current(folder, program)
    if kept and not holds(folder, secrets):
        processes.halt(folder, NAME)  # alone: the supervisor would end the runs that have begun, too
    processes.ensure_running(folder, program, secrets or None)
    return Kept(needed=True, change=None if runs else "started", missing=_missing(needed, secrets))


def missing_secrets(platform: Platform, registry: Registry) -> dict[str, tuple[str, ...]]:
    """Names of secrets without a value in the memory of the running clock, by product.

    Raises:
        RegistryUnavailable: when the registry cannot be read.
    """
    from alchemesh_platform.machine.servers.supervisor import variables_of

    jobs = jobs_of(registry, platform.environment)
    needed = {job.product: _needed(registry, platform.environment, job) for job in jobs}
    return _missing(needed, variables_of(folder_of(platform)))


def program_of(platform: Platform) -> Program:
    """The process. A change of the platform file, or another version of the platform, restarts it."""
    from alchemesh_platform.machine.servers.processes import Program

    home = Path(platform.home).parent if platform.emulated else Path(platform.home)
    file = Path(platform.tree.file)
    arguments = [str(home), platform.environment, *([str(file.absolute())] if file.is_file() else [])]
    command = (sys.executable, "-m", __spec__.name, *arguments, *([EMULATE] if platform.emulated else []))
    text = f"{version('alchemesh-platform')} {platform.model_dump_json()}"
    return Program(NAME, command, {"ALCHEMESH_CONFIGURATION": hashlib.sha256(text.encode()).hexdigest()[:16]})


def _needed(registry: Registry, environment: str, job: ClockJob) -> frozenset[str]:
    """The secrets of a job; those of its variables alone if its connections cannot be read."""
    try:
        return secrets_of(registry, environment, job)
    except Failure:
        return job.secrets


def _missing(needed: Mapping[str, Iterable[str]], secrets: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    lacking = {product: tuple(sorted(set(names) - secrets.keys())) for product, names in needed.items()}
    return {product: names for product, names in lacking.items() if names}


def main() -> int:
    """Start due runs until SIGTERM or SIGINT. A line on stdout for each; the supervisor keeps them in a log."""
    from alchemesh_platform.app.clock.clock import Clock, only_clock
    from alchemesh_platform.deployment.emulation import emulate

    home, environment, *rest = [each for each in sys.argv[1:] if each != EMULATE]
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    try:
        platform = load_platform(Path(rest[0]) if rest else None, environment, Path(home))
        if EMULATE in sys.argv:
            platform = emulate(platform)
        with only_clock(folder_of(platform)):
            Clock(platform, say=_say).run(stop)
    except Failure as failure:
        _say(failure.message)
        return int(failure.exit_code)
    sys.stdout.flush()
    os._exit(0)  # a thread may wait for a run, which outlives the clock


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
