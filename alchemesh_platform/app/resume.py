"""Start the servers, the watch and the clock of an environment again, after a reboot of this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, hint_as_json, remedy
from alchemesh_platform.base.secrets import SecretMissing

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform

State = Literal["started", "running", "failed"]
SETTLING_SECONDS = 10.0
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Resumed:
    """The processes of one run folder.

    Args:
        name: The run folder, below the folder of the environment; ``clock``, ``watch`` or ``emulators``.
        state: Whether they were started, ran already, or do not run.
        processes: Names of the processes.
        problem: The reason of a failure.
        hint: The fix of a failure.
    """

    name: str
    state: State
    processes: tuple[str, ...] = ()
    problem: str | None = None
    hint: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The processes as one JSON object."""
        found = {"name": self.name, "state": self.state, "processes": list(self.processes), "problem": self.problem}
        return {**found, **hint_as_json(self.hint)}


def resume(
    platform: Platform,
    environ: Mapping[str, str] | None = None,
    *,
    report: Callable[[Resumed], None] = lambda _resumed: None,
) -> tuple[Resumed, ...]:
    """Start again what `up` left running on this machine: data APIs, consumers, emulators, the watch and the clock.

    A process that runs is not changed. A failure of one leaves the others running.

    Args:
        platform: The environment.
        environ: Variables with the values of secrets; by default those of this process. No file has them.
        report: Receives the processes of each run folder.

    Returns:
        The processes of all run folders.
    """
    given = os.environ if environ is None else environ
    found = []
    for name, step in _steps(platform, given):
        try:
            resumed = step()
        except SecretMissing as missing:
            hint = remedy(f"set the environment variable {missing.name}, then {{}}", command("resume"))
            resumed = Resumed(name, "failed", problem=missing.message, hint=hint)
        except Failure as failure:
            resumed = Resumed(name, "failed", problem=failure.message, hint=failure.hint)
        if resumed is not None:
            found.append(resumed)
            report(resumed)
    return tuple(found)


def _steps(platform: Platform, environ: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], Resumed | None]]]:
    """A step for each run folder: the servers first, then the watch and the clock, which ask them."""
    from alchemesh_platform.app.clock.supervised import folder_of as clock_folder
    from alchemesh_platform.app.probing.recording import folder_of as watch_folder
    from alchemesh_platform.machine.servers import processes

    if platform.emulated:
        yield "emulators", partial(_emulators, platform)
    here = Path(platform.home, platform.environment)
    settings = [group for group in platform.settings.values() if isinstance(group, Mapping)]
    data = [Path(group["root"]) for group in settings if isinstance(group.get("root"), str)]
    others = [Path(group["run"]) for group in settings if isinstance(group.get("run"), str)]
    without = [*data, here / "state", clock_folder(platform), watch_folder(platform)]
    roots = [here, *(folder for folder in others if not folder.absolute().is_relative_to(here.absolute()))]
    for folder in (each for root in roots for each in processes.run_folders(root, without=without)):
        name = os.path.relpath(folder, next(root for root in roots if folder.is_relative_to(root.absolute())))
        yield name, partial(_folder, name, folder, environ)
    yield "watch", partial(_watch, platform)
    yield "clock", partial(_clock, platform, environ)


def _emulators(platform: Platform) -> Resumed | None:
    from alchemesh_platform.deployment.emulation import resume as resume_emulators

    resume_emulators(platform)
    return None  # their run folder is one of those that follow


def _folder(name: str, folder: Path, environ: Mapping[str, str]) -> Resumed:
    from alchemesh_platform.machine.servers import processes

    started = processes.resume(folder, environ)
    names = processes.programs_of(folder)
    failed = _settled(folder, names)
    if failed is not None:
        said = processes.log_tail(folder, failed, lines=3).replace("\n", "; ")
        return Resumed(
            name,
            "failed",
            names,
            f"{failed} does not run{f': {said}' if said else ''}",
            remedy(f"see {processes.log_file(folder, failed)}; {{}} in the product's folder starts it", command("up")),
        )
    return Resumed(name, "started" if started else "running", names)


def _settled(folder: Path, names: tuple[str, ...]) -> str | None:
    """Wait until each process runs or has failed. Returns one that has failed."""
    from alchemesh_platform.machine.servers import processes

    deadline = time.monotonic() + SETTLING_SECONDS
    while True:
        found = processes.statuses(folder, names)
        waiting = [each for each in found.values() if each.state in ("STARTING", "BACKOFF")]
        if not waiting or time.monotonic() > deadline:
            return next((each for each in names if found[each].state in ("FATAL", "BACKOFF", "UNSUPERVISED")), None)
        time.sleep(_LOOK_SECONDS)


def _watch(platform: Platform) -> Resumed | None:
    from alchemesh_platform.app.observe import reading
    from alchemesh_platform.app.probing.supervised import NAME, keep_watch
    from alchemesh_platform.registry.records import ProductRecord

    if not platform.observations.watch:
        return None
    with reading(platform) as registry:
        deployed = registry is not None and bool(registry.all(ProductRecord, platform.environment, limit=1))
    changed = keep_watch(platform, deployed=deployed)
    return Resumed("watch", "started" if changed == "started" else "running", (NAME,)) if deployed else None


def _clock(platform: Platform, environ: Mapping[str, str]) -> Resumed | None:
    from alchemesh_platform.app.clock.supervised import NAME, keep_clock
    from alchemesh_platform.app.observe import reading

    with reading(platform) as registry:
        kept = keep_clock(platform, registry, environ) if registry is not None else None
    if kept is None or not kept.needed:
        return None
    missing = sorted({name for names in kept.missing.values() for name in names})
    resumed = Resumed("clock", "started" if kept.change == "started" else "running", (NAME,))
    if not missing:
        return resumed
    hint = remedy(f"set {', '.join(missing)}, then {{}}", command("resume"))
    products = ", ".join(sorted(kept.missing))
    return replace(resumed, problem=f"runs of {products} will fail: the clock has no {', '.join(missing)}", hint=hint)
