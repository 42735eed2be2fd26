"""State in Pulumi Cloud, by configuration alone: the engine stores it, and the platform locks and reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.stack import StackFailed
from alchemesh_platform.engine.state.checkout import unlocked
from alchemesh_platform.engine.state.deployed import deployed_urns
from alchemesh_platform.engine.state.lock import StackLocked
from tests.engine.harness import PROJECT, Bench, Things, bench_in, engines_of
from tests.engine.state.pulumi_cloud import ORGANIZATION, TOKEN, PulumiCloud, pulumi_cloud
from tests.waiting import until

pytestmark = pytest.mark.engine

THINGS: Things = {"a": {"value": 1}, "b": {"after": ["a"]}}
NAME = f"{ORGANIZATION}/{PROJECT}/dev"


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PulumiCloud]:
    with pulumi_cloud(tmp_path) as made:
        monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
        monkeypatch.setenv("PULUMI_ACCESS_TOKEN", TOKEN)
        monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "shared by all machines")
        yield made


@pytest.fixture
def bench(tmp_path: Path, engine: Engine, cloud: PulumiCloud) -> Iterator[Bench]:
    with bench_in(tmp_path, engine, backend=cloud.address) as made:
        yield made


def recorded_in(cloud: PulumiCloud) -> set[str]:
    """Names of the things in the state of the service."""
    latest = cloud.stacks[NAME].state["deployment"] or {}
    return {
        resource["urn"].rpartition("::")[2]
        for resource in latest.get("resources") or ()
        if resource["type"].startswith("test:")
    }


def test_another_machine_continues_from_the_state_in_the_service(
    bench: Bench, cloud: PulumiCloud, tmp_path: Path
) -> None:
    assert bench.run("preview", THINGS).changes == {"create": 3}
    assert recorded_in(cloud) == set()
    assert bench.run("up", THINGS).outcome == "succeeded"
    assert recorded_in(cloud) == {"a", "b"}
    assert bench.things.deployed == {"a", "b"}

    there = replace(bench, stack=replace(bench.stack, home=tmp_path / "elsewhere"))
    assert there.run("up", THINGS).changes.keys() == {"same"}
    assert {urn.rpartition("::")[2] for urn in deployed_urns(there.engine, there.stack)} >= {"a", "b"}
    assert there.run("destroy", {}).outcome == "succeeded"
    assert recorded_in(cloud) == bench.things.deployed == set()


def test_an_update_that_was_killed_is_unlocked_and_the_next_completes_it(bench: Bench, cloud: PulumiCloud) -> None:
    things: Things = {"a": {"value": 1}, "slow": {"gate": "go", "after": ["a"]}, "later": {"after": ["slow"]}}
    running = bench.start("up", things)
    until(lambda: "a" in recorded_in(cloud) if NAME in cloud.stacks else False, what="the first thing in the state")
    for engine in engines_of(running.pid):
        engine.kill()
    running.kill()
    running.communicate()

    bench.things.open_gate("go")
    with pytest.raises(StackLocked) as locked:
        bench.run("up", things)
    assert "alchemesh unlock" in str(locked.value.hint)
    assert unlocked(bench.stack)
    assert bench.run("up", things).outcome == "succeeded"
    assert recorded_in(cloud) == bench.things.deployed == {"a", "slow", "later"}


def test_without_a_token_the_error_says_how_to_sign_in(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_ACCESS_TOKEN")
    with pytest.raises(StackFailed, match="PULUMI_ACCESS_TOKEN") as refused:
        bench.run("up", THINGS)
    assert "pulumi login" in str(refused.value.hint)
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "pul-wrong")
    with pytest.raises(StackFailed, match=r"[Uu]nauthorized|[Ii]nvalid access token") as refused:
        bench.run("up", THINGS)
    assert "pulumi login" in str(refused.value.hint)
    assert "pul-wrong" not in str(refused.value)
