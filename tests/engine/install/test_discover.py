"""The platform finds the engine, and reports each fault with a fix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.engine.install.find import ENGINE_VARIABLE, Engine, EngineMissing, EngineTooOld
from alchemesh_platform.engine.install.versions import MINIMUM_VERSION, PINNED_VERSION, new_enough, version_key
from tests.engine.install.machine import NOWHERE, Machine


def test_the_named_engine_is_used(machine: Machine, tmp_path: Path) -> None:
    named = machine.engine(tmp_path / "mine", "3.300.1")
    machine.engine(machine.bin / "pulumi", PINNED_VERSION)
    machine.environ[ENGINE_VARIABLE] = str(named)
    assert machine.find() == Engine(named, "3.300.1", "environment variable")


def test_a_wrong_named_engine_is_an_error_and_not_replaced(machine: Machine, tmp_path: Path) -> None:
    machine.engine(machine.bin / "pulumi", PINNED_VERSION)
    machine.environ[ENGINE_VARIABLE] = str(tmp_path / "nothing")
    with pytest.raises(EngineMissing, match="which is not a program") as missing:
        machine.find()
    assert missing.value.exit_code == ExitCode.ENGINE
    machine.environ[ENGINE_VARIABLE] = str(machine.engine(tmp_path / "old", "3.10.0"))
    with pytest.raises(EngineTooOld, match=r"Pulumi 3\.10\.0") as old:
        machine.find()
    assert old.value.exit_code == ExitCode.ENGINE
    assert MINIMUM_VERSION in old.value.message
    (tmp_path / "other").write_text("#!/bin/sh\necho hello\n", "utf-8")
    (tmp_path / "other").chmod(0o755)
    machine.environ[ENGINE_VARIABLE] = str(tmp_path / "other")
    with pytest.raises(EngineMissing, match="hello"):
        machine.find()


def test_path_comes_before_the_cache(machine: Machine) -> None:
    on_path = machine.engine(machine.bin / "pulumi", MINIMUM_VERSION)
    machine.engine(machine.installed, PINNED_VERSION)
    assert machine.find() == Engine(on_path, MINIMUM_VERSION, "PATH")
    assert machine.reported == []


def test_an_outdated_engine_on_path_yields_to_the_cache_with_a_notice(machine: Machine) -> None:
    machine.engine(machine.bin / "pulumi", "3.100.0")
    machine.engine(machine.installed, PINNED_VERSION)
    assert machine.find() == Engine(machine.installed, PINNED_VERSION, "cache")
    [reported] = machine.reported
    assert "3.100.0" in reported
    assert str(machine.bin / "pulumi") in reported
    assert f"{PINNED_VERSION} in the cache is used instead" in reported


def test_an_outdated_engine_on_path_without_alternative_is_reported_with_a_fix(machine: Machine) -> None:
    machine.engine(machine.bin / "pulumi", "3.100.0")
    with pytest.raises(EngineTooOld) as caught:
        machine.find(allow_install=False)
    assert "3.100.0" in caught.value.message
    assert MINIMUM_VERSION in caught.value.message
    assert "alchemesh engine --install" in (caught.value.hint or "")
    with pytest.raises(EngineTooOld) as caught:
        machine.find()
    assert "download" in caught.value.message
    assert "build" in caught.value.message
    assert "upgrade" in (caught.value.hint or "")


def test_an_outdated_engine_on_path_stays_and_a_new_one_is_installed(machine: Machine) -> None:
    machine.engine(machine.bin / "pulumi", "3.100.0")
    machine.go(machine.builds())
    assert machine.find() == Engine(machine.installed, PINNED_VERSION, "build")
    assert "is installed into" in machine.reported[0]
    assert machine.find().source == "cache"


def test_the_pinned_version_is_preferred_in_the_cache_and_then_the_newest(machine: Machine) -> None:
    machine.engine(machine.cache / "3.256.0" / "pulumi", "3.256.0")
    newest = machine.engine(machine.cache / "3.1000.0" / "pulumi", "3.1000.0")
    machine.engine(machine.cache / "3.99.0" / "pulumi", "3.99.0")
    assert machine.find().path == newest
    machine.engine(machine.installed, PINNED_VERSION)
    assert machine.find().path == machine.installed


def test_a_damaged_cached_engine_is_reinstalled(machine: Machine) -> None:
    machine.engine(machine.installed, PINNED_VERSION).write_text("#!/bin/sh\nexit 3\n", "utf-8")
    machine.go(machine.builds())
    assert machine.find() == Engine(machine.installed, PINNED_VERSION, "build")
    assert machine.find().source == "cache"


def test_the_version_is_asked_once_until_the_program_changes(machine: Machine) -> None:
    on_path = machine.engine(machine.bin / "pulumi", PINNED_VERSION)
    for _ in range(3):
        assert machine.find().version == PINNED_VERSION
    assert len(machine.starts.read_text("utf-8").splitlines()) == 1
    machine.engine(on_path, "3.1000.0")
    assert machine.find().version == "3.1000.0"
    (machine.cache / "versions.json").write_text("{", "utf-8")
    assert machine.find().version == "3.1000.0", "a damaged memory is no matter"
    json.loads((machine.cache / "versions.json").read_bytes())


def test_an_unwritable_cache_does_not_matter_when_an_engine_exists(machine: Machine) -> None:
    machine.engine(machine.bin / "pulumi", PINNED_VERSION)
    machine.cache.parent.write_text("in the way", "utf-8")
    assert machine.find().version == PINNED_VERSION


def test_a_missing_engine_names_every_way_that_was_tried(machine: Machine) -> None:
    with pytest.raises(EngineMissing) as caught:
        machine.find()
    lines = {line.split()[0]: line for line in caught.value.message.splitlines()[1:]}
    assert list(lines) == [ENGINE_VARIABLE, "PATH", "cache", "download", "build"]
    assert "not set" in lines[ENGINE_VARIABLE]
    assert "no `pulumi`" in lines["PATH"]
    assert str(machine.cache) in lines["cache"]
    assert NOWHERE in lines["download"]
    assert "Connection refused" in lines["download"]
    assert "no `go` on PATH" in lines["build"]
    assert "https://www.pulumi.com" in (caught.value.hint or "")
    assert caught.value.exit_code == ExitCode.ENGINE
    assert machine.left == []


def test_a_cache_that_cannot_be_created_is_named(machine: Machine) -> None:
    machine.cache.parent.write_text("in the way", "utf-8")
    with pytest.raises(EngineMissing, match="cannot be written"):
        machine.find()


def test_without_permission_nothing_is_installed(machine: Machine) -> None:
    machine.go(machine.builds())
    with pytest.raises(EngineMissing) as caught:
        machine.find(allow_install=False)
    assert "alchemesh engine --install" in (caught.value.hint or "")
    assert not machine.cache.exists()


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("3.254.9", False),
        ("3.256.0", True),
        ("v3.259.0", True),
        ("3.1000.0", True),
        ("4.0.0", True),
        ("unknown", False),
    ],
)
def test_versions_compare_as_numbers(version: str, enough: bool) -> None:
    assert new_enough(version) is enough
    assert version_key("v3.10.2") == (3, 10, 2)
