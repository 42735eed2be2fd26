"""The watch as a supervised process of this machine, where the platform file says so.

`up` starts it and `destroy` of the last product ends it. The supervisor runs
``python -m alchemesh_platform.app.probing.supervised HOME ENVIRONMENT [FILE] [--emulate] [--once]``. With ``--once``, a
job of a scheduler observes all products once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.app.probing.recording import folder_of
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.platform_file.load import load_platform

if TYPE_CHECKING:
    from types import FrameType

    from alchemesh_platform.machine.servers.processes import Program
    from alchemesh_platform.platform_file.models import Platform

NAME = "observe"
EMULATE, ONCE = "--emulate", "--once"


def keep_watch(platform: Platform, *, deployed: bool) -> Literal["started", "ended"] | None:
    """Start the watch, if the platform file asks for it and something is deployed; otherwise end it.

    A watch that runs with the same settings continues.

    Args:
        platform: The environment.
        deployed: Whether a product is deployed in it.

    Returns:
        The change; None without one.

    Raises:
        SupervisorFailed, StorageFailed: when the process cannot be started or ended.
    """
    from alchemesh_platform.machine.servers import processes
    from alchemesh_platform.machine.servers.supervisor import config_folder

    folder = folder_of(platform)
    if not (platform.observations.watch and deployed):
        if not config_folder(folder).is_dir():
            return None
        processes.stop(folder, NAME)
        return "ended"
    program = program_of(platform)
    runs = processes.status(folder, NAME).alive and processes.is_current(folder, program)
    processes.ensure_running(folder, program, secrets_of(platform, os.environ) or None)
    return None if runs else "started"


def program_of(platform: Platform) -> Program:
    """The process. A change of its settings restarts it."""
    from alchemesh_platform.machine.servers.processes import Program

    home = Path(platform.home).parent if platform.emulated else Path(platform.home)
    file = Path(platform.tree.file)
    arguments = [str(home), platform.environment, *([str(file.absolute())] if file.is_file() else [])]
    command = (sys.executable, "-m", __spec__.name, *arguments, *([EMULATE] if platform.emulated else []))
    settings = platform.observations.model_dump_json()
    return Program(NAME, command, {"ALCHEMESH_OBSERVATIONS": settings.replace('"', "'")})


def secrets_of(platform: Platform, environ: Mapping[str, str]) -> dict[str, str]:
    """The secrets that the platform file names, as far as this process has them."""
    return {name: environ[name] for name in _named(platform.model_dump(mode="json")) if environ.get(name)}


def _named(tree: Any) -> Iterator[str]:
    if isinstance(tree, Mapping):
        if tree.keys() == {"secret"} and isinstance(tree["secret"], str):
            yield tree["secret"]
        else:
            for each in tree.values():
                yield from _named(each)
    elif isinstance(tree, list):
        for each in tree:
            yield from _named(each)


def main() -> int:
    """Watch until SIGTERM or SIGINT. A line on stdout for each change; the supervisor keeps them in a log."""
    from alchemesh_platform.app.probing.changes import Changes
    from alchemesh_platform.app.probing.watch import Watch, watch
    from alchemesh_platform.deployment.emulation import emulate
    from alchemesh_platform.observed.probing import Prober

    home, environment, *rest = [each for each in sys.argv[1:] if each not in (EMULATE, ONCE)]
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    try:
        platform = load_platform(Path(rest[0]) if rest else None, environment, Path(home))
        if EMULATE in sys.argv:
            platform = emulate(platform)
        if ONCE in sys.argv:
            return observe_all_once(platform)
        found = platform.observations
        changes = Changes(_say)
        wanted = Watch(
            platform=platform,
            every=found.every,
            measure_every=found.measure_every,
            prober=Prober(found.deadline),
            listen=changes.slice,
            note=_say,
        )
        watch(wanted, stop)
        leave()
    except Failure as failure:
        _say(f"{failure.message}")
        return int(failure.exit_code)
    return 0


def leave() -> None:
    """End the process now if a scan still runs: a thread in a database can abort an interpreter that ends.

    Nothing is lost: a measurement is recorded as a whole, or not at all.
    """
    if threading.active_count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def observe_all_once(platform: Platform) -> int:
    """Observe all deployed products once, as the platform. Each result is a line.

    Returns:
        The exit code: 1 if a product could not be observed or an asset could not be measured.
    """
    from alchemesh_platform.app.probing.once import observe
    from alchemesh_platform.app.product.measure import check_measured
    from alchemesh_platform.app.product.several import deployed_products, on_each

    found = on_each(deployed_products(platform), lambda product: observe(platform, product, None, note=_say))
    for done in found.done:
        for each in done.probing.results if done.probing is not None else ():
            _say(f"{each.port}  {each.protocol} {each.outcome}{f': {each.reason}' if each.reason else ''}")
    found.check()
    check_measured(found.done)
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
