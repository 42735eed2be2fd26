"""Plugins are found or installed completely, and added to the runs of a stack."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.install.plugins import (
    PluginMissing,
    find_plugin,
    get_plugins,
    offer,
    plugins_in_state,
    sdk_version,
)
from alchemesh_platform.engine.stack import Stack
from tests.engine.install.machine import Machine
from tests.waiting import LONGEST, until

REPO = Path(__file__).parents[3]
VERSION = sdk_version("kafka")
PROGRAM = "pulumi-resource-kafka"
REFUSES = (
    'echo "warning: Error downloading plugin: Get https://example: no such host" >&2; echo "error: gave up" >&2; exit 1'
)


@pytest.fixture
def downloads(machine: Machine, tmp_path: Path) -> Engine:
    """An engine that installs a plugin into its home, as `pulumi plugin install` does."""
    return fake_engine(
        machine,
        f'mkdir -p "$PULUMI_HOME/plugins/resource-$4-v$5"; echo "$@" > {tmp_path}/asked; '
        f'echo downloaded > "$PULUMI_HOME/plugins/resource-$4-v$5/pulumi-resource-$4"',
    )


@pytest.fixture
def offline(machine: Machine) -> Engine:
    """An engine that cannot download."""
    return fake_engine(machine, REFUSES)


def fake_engine(machine: Machine, script: str) -> Engine:
    path = machine.bin / "pulumi"
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(0o755)
    return Engine(path, "3.259.0", "PATH")


def cached(machine: Machine) -> Path:
    return machine.cache.parent / "plugins" / f"kafka-{VERSION}" / PROGRAM


def left(machine: Machine) -> list[str]:
    """Files in the cache other than plugins and the lock."""
    return [path.name for path in (machine.cache.parent / "plugins").iterdir() if path.name.startswith(".")]


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n", "utf-8")
    path.chmod(0o755)
    return path


def test_the_version_is_the_sdk_s_which_is_not_imported() -> None:
    code = (
        "import sys; from alchemesh_platform.engine.install.plugins import sdk_version; "
        "print(sdk_version('kafka'), 'pulumi_kafka' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPO).stdout
    assert said.split() == [VERSION, "False"]


def test_a_plugin_without_its_sdk_names_the_package_to_install() -> None:
    with pytest.raises(PluginMissing, match="package for Python is not installed") as failed:
        sdk_version("nonesuch")
    assert "alchemesh-platform[nonesuch]" in str(failed.value.hint)


def test_plugins_are_searched_on_path_then_in_pulumis_home_then_in_the_cache(machine: Machine, offline: Engine) -> None:
    def found() -> tuple[str, Path]:
        plugin = find_plugin("kafka", offline, environ=machine.environ)
        return plugin.source, plugin.path

    put(cached(machine))
    assert found() == ("cache", cached(machine))
    home = machine.cache.parent.parent / "pulumi"
    machine.environ["PULUMI_HOME"] = str(home)
    in_home = put(home / "plugins" / f"resource-kafka-v{VERSION}" / PROGRAM)
    assert found() == ("Pulumi", in_home)
    on_path = put(machine.bin / PROGRAM)
    assert found() == ("PATH", on_path)


def test_the_engine_downloads_a_missing_plugin(machine: Machine, downloads: Engine, tmp_path: Path) -> None:
    plugin = find_plugin("kafka", downloads, progress=machine.reported.append, environ=machine.environ)
    assert (plugin.source, plugin.path.read_text("utf-8")) == ("download", "downloaded\n")
    assert (tmp_path / "asked").read_text("utf-8").startswith(f"plugin install resource kafka {VERSION} ")
    assert left(machine) == []
    assert find_plugin("kafka", downloads, environ=machine.environ).source == "cache"


def test_a_refused_download_is_followed_by_a_build_from_pinned_modules(
    machine: Machine, offline: Engine, tmp_path: Path
) -> None:
    machine.environ["STARTS"] = str(tmp_path / "starts")
    machine.go('[ "$STEP" = build ] && cat go.mod > "$OUT"; exit 0')
    plugin = find_plugin("kafka", offline, progress=machine.reported.append, environ=machine.environ)
    assert plugin.source == "build"
    assert "github.com/Mongey/terraform-provider-kafka v" in plugin.path.read_text("utf-8")
    assert any("no such host" in line for line in machine.reported)
    assert any(line.startswith("building Pulumi's kafka plugin") for line in machine.reported)


def test_when_every_source_fails_the_error_lists_each(machine: Machine, offline: Engine) -> None:
    with pytest.raises(PluginMissing) as failed:
        find_plugin("kafka", offline, environ=machine.environ)
    for way in (f"there is no Pulumi plugin kafka {VERSION}", f"no `{PROGRAM}`", "no such host", "there is no `go`"):
        assert way in failed.value.message
    assert "or install Go" in str(failed.value.hint)
    assert left(machine) == []


def test_without_permission_to_install_no_plugin_is_installed(machine: Machine, downloads: Engine) -> None:
    with pytest.raises(PluginMissing) as failed:
        find_plugin("kafka", downloads, allow_install=False, environ=machine.environ)
    assert "alchemesh engine --install --plugin kafka" in str(failed.value.hint)
    assert not cached(machine).exists()


FIND = """
from pathlib import Path
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.install.plugins import find_plugin
print(find_plugin("kafka", Engine(Path("{engine}"), "3.259.0", "PATH"), progress=print).source)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_killed_build_leaves_no_plugin_and_concurrent_builds_wait(
    machine: Machine, offline: Engine, tmp_path: Path, number: signal.Signals
) -> None:
    began, go_on = tmp_path / "began", tmp_path / "go-on"
    machine.go(
        f'if [ "$STEP" = build ]; then echo half > "$OUT"; echo $$ > {began}; '
        f'while [ ! -e {go_on} ]; do sleep 0.05; done; echo whole > "$OUT"; fi'
    )

    def finder() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-u", "-c", FIND.format(engine=offline.path)],
            env={**machine.environ, "PYTHONPATH": str(REPO)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    first = finder()
    until(lambda: began.exists() and began.read_text("utf-8"), what="the build has begun")
    second = finder()
    assert second.stdout is not None
    assert "another process is installing the kafka plugin" in second.stdout.readline()
    began.unlink()
    if number == signal.SIGINT:
        os.killpg(first.pid, number)  # as a terminal does it
    else:
        first.send_signal(number)
    first.communicate(timeout=LONGEST)
    assert not cached(machine).exists()
    until(lambda: began.exists() and began.read_text("utf-8"), what="the build of the other has begun")
    go_on.touch()
    out, err = second.communicate(timeout=LONGEST)
    assert out.split()[-1] == "build", err
    assert cached(machine).read_text("utf-8") == "whole\n"
    assert left(machine) == []


def test_a_plugin_is_added_to_the_runs_of_a_stack_once(machine: Machine, downloads: Engine, tmp_path: Path) -> None:
    stack = Stack("shop.orders", "dev", f"file://{tmp_path}/state", tmp_path / "home")
    for _ in range(2):
        get_plugins(["kafka", "kafka"], downloads, stack, report=machine.reported.append, environ=machine.environ)
    offered = stack.pulumi_home / "plugins" / f"resource-kafka-v{VERSION}" / PROGRAM
    assert offered.resolve() == cached(machine)
    moved = find_plugin("kafka", downloads, environ=machine.environ)
    elsewhere = put(tmp_path / "elsewhere" / PROGRAM)
    offer(type(moved)(moved.name, moved.version, elsewhere, "Pulumi"), stack)
    assert offered.resolve() == elsewhere


def test_plugins_of_resources_in_the_state_are_needed_without_a_component(tmp_path: Path) -> None:
    stack = Stack("shop.orders", "dev", f"file://{tmp_path}/state", tmp_path / "home")
    assert plugins_in_state(stack) == set()
    assert stack.state_folder is not None
    stack.state_folder.file.parent.mkdir(parents=True)
    types = ["pulumi:pulumi:Stack", "pulumi:providers:alchemesh", "pulumi:providers:kafka", "kafka:index/topic:Topic"]
    resources = [{"urn": f"urn:pulumi:dev::shop.orders::{type_}::x", "type": type_} for type_ in types]
    stack.state_folder.file.write_text(
        json.dumps({"checkpoint": {"latest": {"resources": resources}}}, indent=4), "utf-8"
    )
    assert plugins_in_state(stack) == {"alchemesh", "kafka"}


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_real_plugin_is_built_from_go_modules_and_answers(machine: Machine, offline: Engine) -> None:
    """The download fails; Go and its caches are those of this machine."""
    environ = {
        **os.environ,
        **{key: machine.environ[key] for key in ("ALCHEMESH_CACHE",)},
        "PULUMI_HOME": "/nonexistent",
    }
    plugin = find_plugin("kafka", offline, progress=machine.reported.append, environ=environ)
    assert plugin.source in ("build", "PATH")
    process = subprocess.Popen([plugin.path], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0, "it tells the port that it listens on"
    finally:
        process.kill()
        process.communicate()
