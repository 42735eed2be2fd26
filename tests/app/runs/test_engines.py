"""`alchemesh run` of code that an engine runs."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alchemesh_platform.app.product.run import Requested, run
from alchemesh_platform.app.runs.engines import NotByEngine, engine_of
from alchemesh_platform.app.runs.live import LiveOutput
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.deployment.code.output import kept_output, output_file
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.registry.records import Deployment, RunDetails
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.sdk.code.engine import EngineRun, RunRequest
from alchemesh_platform.sdk.code.launch import launch_command
from alchemesh_platform.sdk.connections.job import JobConnection
from tests.app.runs.deployed import ADA, PRODUCT, deploy_code

ACTOR = Identity(ADA, "local")
AT = datetime(2026, 11, 30, 6, tzinfo=UTC)


@dataclass
class Scripted:
    """An engine that starts the launcher, or reports runs of its own."""

    launches: bool
    states: list[EngineRun] = field(default_factory=list)
    started: list[RunRequest] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    own: list[EngineRun] = field(default_factory=list)
    down: bool = False
    name: str = "scripted"

    def start(self, job: JobConnection, request: RunRequest, *, environ: Mapping[str, str]) -> EngineRun:
        self.started.append(request)
        if self.launches:
            line = launch_command(
                job.descriptor or "",
                engine=self.name,
                engine_run="e-1",
                trigger=request.trigger,
                request=request.id,
                interval=request.interval,
                arguments=request.arguments,
            )
            status = subprocess.run(line, stdout=subprocess.DEVNULL, check=False).returncode
            self.states.append(EngineRun("e-1", "failed" if status else "succeeded"))
        return EngineRun("e-1", "queued")

    def look(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> EngineRun:
        found = self.states.pop(0)
        if found.state == "running" and found.problem == "interrupt":
            raise KeyboardInterrupt
        return found

    def cancel(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> None:
        self.cancelled.append(run_id)

    def log(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> str:
        return "first\nlast\n"

    def runs(self, job: JobConnection, since: datetime, *, environ: Mapping[str, str]) -> Sequence[EngineRun]:
        if self.down:
            raise Failure("scripted does not answer")
        return self.own


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """The component `local-python` with an engine."""
    made = Scripted(launches=False)
    catalog = discover()
    with_engine = {**catalog, "local-python": replace(catalog["local-python"], engine="tests.app.runs.test_engines:X")}
    monkeypatch.setattr("alchemesh_platform.catalog.discover.discover", lambda: with_engine)
    monkeypatch.setattr("tests.app.runs.test_engines.X", made, raising=False)
    return made


def history(registry: str) -> list[Deployment]:
    with Registry.open(registry) as opened:
        return opened.deployments(PRODUCT, "local")


def test_the_launcher_of_an_engine_records_the_run_and_the_command_returns_that_record(
    tmp_path: Path, engine: Scripted
) -> None:
    engine.launches = True
    platform, _ = deploy_code(tmp_path, "import sys\nprint('rows', sys.argv[1])\nraise SystemExit(4)\n")
    lines = list[str]()
    done = run(platform, PRODUCT, ACTOR, ("7",), on_output=lines.append)
    [recorded] = history(platform.registry)
    assert done == recorded
    assert lines == ["rows 7"]
    assert (recorded.engine, recorded.engine_run, recorded.trigger) == ("scripted", "e-1", "manual")
    assert (recorded.outcome, recorded.exit_status) == ("failed", 4)
    assert recorded.request == engine.started[0].id


def test_a_run_without_the_launcher_is_recorded_once_from_the_engine(tmp_path: Path, engine: Scripted) -> None:
    platform, _ = deploy_code(tmp_path, "")
    engine.states = [
        EngineRun("e-1", "running"),
        EngineRun("e-1", "succeeded", started_at=AT, finished_at=AT, written={"table/sale": 3}),
    ]
    lines = list[str]()
    done = run(platform, PRODUCT, ACTOR, on_output=lines.append)
    assert lines == ["first", "last"]
    [recorded] = history(platform.registry)
    assert done == recorded
    assert (recorded.started_at, recorded.written, recorded.actor) == (AT, {"table/sale": 3}, ADA)


def test_a_run_can_be_left_to_its_engine(tmp_path: Path, engine: Scripted) -> None:
    platform, _ = deploy_code(tmp_path, "")
    asked = run(platform, PRODUCT, ACTOR, wait=False)
    assert isinstance(asked, Requested)
    assert asked.as_json() == {
        "product": PRODUCT,
        "environment": "local",
        "engine": "scripted",
        "engine_run": "e-1",
        "request": engine.started[0].id,
        "state": "queued",
        "url": None,
    }
    assert history(platform.registry) == []


def test_an_interrupt_cancels_the_run_in_its_engine(tmp_path: Path, engine: Scripted) -> None:
    platform, _ = deploy_code(tmp_path, "")
    engine.states = [EngineRun("e-1", "running", problem="interrupt"), EngineRun("e-1", "cancelled")]
    done = run(platform, PRODUCT, ACTOR)
    assert isinstance(done, Deployment)
    assert engine.cancelled == ["e-1"]
    assert done.outcome == "cancelled"


def test_options_without_effect_on_an_engine_are_refused(tmp_path: Path, engine: Scripted) -> None:
    platform, _ = deploy_code(tmp_path, "")
    with pytest.raises(NotByEngine, match=r"^--skip-landing has no effect: scripted runs the code of shop/orders$"):
        run(platform, PRODUCT, ACTOR, land=False)
    assert engine.started == []


def test_no_wait_needs_an_engine(tmp_path: Path) -> None:
    platform, _ = deploy_code(tmp_path, "")
    with pytest.raises(
        NotByEngine, match=r"^--no-wait needs an engine, and this machine runs the code of shop/orders$"
    ):
        run(platform, PRODUCT, ACTOR, wait=False)


def test_code_of_another_component_has_no_engine(tmp_path: Path) -> None:
    platform, _ = deploy_code(tmp_path, "")
    with Registry.open(platform.registry) as registry:
        from alchemesh_platform.registry.records import ProductRecord

        record = registry.get(ProductRecord, "local", PRODUCT)
    assert record is not None
    assert engine_of(record) is None


def test_the_output_of_a_run_on_this_machine_is_shown_while_it_runs(tmp_path: Path) -> None:
    platform, _ = deploy_code(tmp_path, "")
    lines = list[str]()
    with Registry.open(platform.registry) as registry:
        details = RunDetails(engine="scripted", engine_run="e-1", request="q")
        entry, _ = registry.start_run("local", PRODUCT, ADA, details=details)
        live = LiveOutput(platform, registry, PRODUCT, "q", lines.append)
        live.look()
        with kept_output(output_file(Path(platform.home), "local", entry.id), lambda _line: None) as receive:
            receive("first")
            live.look()
            assert lines == ["first"]
            receive("last")
        live.finish(entry.id, "first\nlast\n")
        assert lines == ["first", "last"]
        LiveOutput(platform, registry, PRODUCT, "q", lines.append).finish("another", "of another machine\n")
    assert lines[2:] == ["of another machine"]
