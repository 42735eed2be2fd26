"""`alchemesh` with a provider that stops while it creates or updates a resource, until the test lets it continue.

A test kills, interrupts or overtakes a run at a moment that it has observed, and not after some time.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psutil

from tests.commands import LONGEST
from tests.waiting import until

from .harness import Shop, engines_below

if TYPE_CHECKING:
    from alchemesh_platform.provider.handler import Context
    from alchemesh_platform.provider.kind import ResourceKind
    from alchemesh_platform.provider.operations import Tree

PLAN_VARIABLE = "ALCHEMESH_TEST_HOLD"
ROOT = Path(__file__).parents[2]
REACHED, RELEASED = "reached", "released"

Moment = Literal["before", "after"]  # of the change itself; the engine has not heard of its end in either


@dataclass(frozen=True)
class Hold:
    """A change to stop in.

    Args:
        moment: Whether the provider stops before it creates or updates the resource, or after.
        prefix: How the resource's Pulumi type begins.
        number: Which change of such a resource it is, counted from one.
    """

    moment: Moment
    prefix: str
    number: int = 1


@dataclass
class HeldRun:
    """A run whose provider has stopped in a change.

    Args:
        process: The command.
        folder: Where command and test report their progress to each other.
    """

    process: subprocess.Popen[str]
    folder: Path
    held: str = field(init=False)

    def __post_init__(self) -> None:
        """Wait until the change is reached."""
        until(lambda: self.process.poll() is not None or (self.folder / REACHED).exists(), what="the change begins")
        if self.process.poll() is not None:
            raise AssertionError(f"the command ended before it changed the resource: {self.process.communicate()}")
        self.held = (self.folder / REACHED).read_text("utf-8")

    def release(self) -> None:
        """Let the provider continue."""
        (self.folder / RELEASED).touch()

    def end(self) -> tuple[int, str]:
        """Let the provider continue, and wait for the command's end; returns its exit status and stderr."""
        self.release()
        _out, err = self.process.communicate(timeout=LONGEST)
        return self.process.returncode, err

    def interrupt(self) -> tuple[int, str]:
        """Send Ctrl-C, and see the command to its end."""
        self.process.send_signal(signal.SIGINT)
        _out, err = self.process.communicate(timeout=LONGEST)
        return self.process.returncode, err

    def kill(self, victim: str) -> None:
        """Kill the command or its engine in the middle of the run, and check that this ended the run."""
        [engine] = engines_below(self.process.pid)
        if victim == "command":
            self.process.kill()
            self.process.communicate(timeout=LONGEST)
            assert self.process.returncode == -signal.SIGKILL
        else:
            engine.kill()
            code, err = self.end()
            assert code == 1, err
            assert "the engine was ended by signal 9" in err
            assert "Traceback" not in err
        psutil.wait_procs([engine], timeout=LONGEST)
        assert not engine.is_running()


def start_held(shop: Shop, hold: Hold, folder: Path, *arguments: str) -> HeldRun:
    """Start a command, and return once its provider has stopped in a change.

    Args:
        folder: An empty folder of this run.
    """
    folder.mkdir(parents=True)
    search = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH")) if part)
    more = {PLAN_VARIABLE: json.dumps({**asdict(hold), "folder": str(folder)}), "PYTHONPATH": search}
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, *arguments],
        cwd=shop.folder,
        env=shop.environment(more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return HeldRun(process, folder)


class HeldKind:
    """A kind of resource that stops in one change."""

    def __init__(self, kind: ResourceKind, stop: Callable[[Moment, Context], None]) -> None:
        self.kind = kind
        self.stop = stop

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kind, name)

    def create(self, inputs: Tree, context: Context) -> tuple[str, Tree]:
        if context.preview:
            return self.kind.create(inputs, context)
        self.stop("before", context)
        created = self.kind.create(inputs, context)
        self.stop("after", context)
        return created

    def update(self, identity: str, old_inputs: Tree, old_state: Tree, inputs: Tree, context: Context) -> Tree:
        if context.preview:
            return self.kind.update(identity, old_inputs, old_state, inputs, context)
        self.stop("before", context)
        updated = self.kind.update(identity, old_inputs, old_state, inputs, context)
        self.stop("after", context)
        return updated


class Holding:
    """Counts changes, and stops in the requested one.

    Args:
        plan: The hold, with the folder of the run.
    """

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self.hold = Hold(plan["moment"], plan["prefix"], plan["number"])
        self.folder = Path(plan["folder"])
        self.seen = {"before": 0, "after": 0}
        self.lock = threading.Lock()

    def of(self, kind: ResourceKind, type_: str) -> ResourceKind:
        """The kind, held where its type is the requested one."""
        if not type_.startswith(self.hold.prefix):
            return kind
        return HeldKind(kind, lambda moment, context: self.stop(moment, type_, context))

    def stop(self, moment: Moment, type_: str, context: Context) -> None:
        """Wait for the test, or for the engine to cancel the run."""
        with self.lock:
            self.seen[moment] += 1
            if (moment, self.seen[moment]) != (self.hold.moment, self.hold.number):
                return
        whole = self.folder / "writing"
        whole.write_text(type_, "utf-8")
        whole.rename(self.folder / REACHED)
        while not (context.stop.is_set() or (self.folder / RELEASED).exists()):
            time.sleep(0.01)


def providers() -> tuple[type[Any], ...]:
    """The providers that this process serves."""
    from alchemesh_platform.clouds.gcp.emulation.provider import EmulatedGcp
    from alchemesh_platform.provider.serve.provider import AlchemeshProvider

    return AlchemeshProvider, EmulatedGcp


def main() -> None:
    """Run `alchemesh` with the hold of the environment."""
    from alchemesh_cli.main import main as run

    holding = Holding(json.loads(os.environ[PLAN_VARIABLE]))
    for provider in providers():
        given: Callable[[Any, str], ResourceKind] = provider.kind_of
        provider.kind_of = lambda self, type_, given=given: holding.of(given(self, type_), type_)
    run()


if __name__ == "__main__":
    main()
