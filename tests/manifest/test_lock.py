"""The lock of a product: reading, writing, and its comparison with what is installed."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from alchemesh_platform.app.manifest.validate import validate
from alchemesh_platform.app.where import Where, read_product
from alchemesh_platform.base.files.home import HOME_VARIABLE
from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.deployment.checks.components import (
    component_changes,
    component_problems,
    recorded_after,
    resolved_components,
)
from alchemesh_platform.manifest.lock import Lock, LockedComponent, lock_path, read_lock, write_lock
from tests.app.small import small_product

TABLE = LockedComponent(component="delta-table", version="1.0.0", package="alchemesh-platform")
TEXT = """\
# The component of each component type, as `up` resolved it. Keep this file in git.
# `components upgrade` previews another version, and records it here.
kind: Lock
version: 1
environments:
  local:
    columnar-table: {component: delta-table, version: "1.0.0", package: alchemesh-platform}
  prod:
    columnar-table: {component: bigquery-table, version: "2.1", package: "acme.tables"}
"""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The plan of a product with one table."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return small_product(tmp_path, "orders").plan


def test_lock_has_a_line_for_each_type_of_each_environment_and_is_read_again(tmp_path: Path) -> None:
    path = lock_path(tmp_path / "alchemesh.yaml")
    assert path.name == "alchemesh.lock"
    cloud = LockedComponent(component="bigquery-table", version="2.1", package="acme.tables")
    assert write_lock(path, "prod", {"columnar-table": cloud})
    assert write_lock(path, "local", {"columnar-table": TABLE})
    assert path.read_text() == TEXT
    assert read_lock(path).environments == {"local": {"columnar-table": TABLE}, "prod": {"columnar-table": cloud}}
    assert not write_lock(path, "local", {"columnar-table": TABLE}), "nothing has changed"
    assert write_lock(path, "prod", {})
    assert list(read_lock(path).environments) == ["local"]


def test_names_that_yaml_reads_as_other_values_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "alchemesh.lock"
    odd = LockedComponent(component="null", version="1", package="on")
    for environment in ("true", "null", "no", "1", "a b: c"):
        write_lock(path, environment, {"null": odd, "true": TABLE})
        assert read_lock(path).environments[environment] == {"null": odd, "true": TABLE}
    assert '\n  "true":\n    "null": {component: "null", version: "1", package: "on"}\n' in path.read_text()


def test_lock_has_the_rights_of_the_manifest(tmp_path: Path) -> None:
    """Commands that deploy create private files; a file of a repository is for its group too."""
    manifest = tmp_path / "alchemesh.yaml"
    manifest.write_text("")
    manifest.chmod(0o664)
    write_lock(lock_path(manifest), "local", {"columnar-table": TABLE})
    assert lock_path(manifest).stat().st_mode & 0o777 == 0o664


def test_environments_that_are_written_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "alchemesh.lock"
    names = [f"env-{number}" for number in range(8)]
    threads = [threading.Thread(target=write_lock, args=(path, name, {"columnar-table": TABLE})) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(read_lock(path).environments) == names


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        (
            TEXT.replace("  prod:", "<<<<<<< HEAD\n  prod:"),
            "8:1",
            "found '<<<<<<< HEAD', the mark of a merge conflict, expected a component of each type",
            "keep the lines of one side and remove the markers; then `alchemesh components upgrade` records the "
            "installed components",
        ),
        (
            TEXT.replace("version: 1\n", "version: 2\n"),
            "4:10",
            "version: found version 2 of the file, expected at most 1",
            "update Alchemesh: a newer one wrote it",
        ),
        (TEXT.replace('"2.1"', "2.1"), "9:58", "found the number 2.1, expected a text", "2.1"),
        (TEXT.replace("kind: Lock", "kind: Rock"), "3:7", "kind: found 'Rock', expected Lock", "Lock"),
        (TEXT.replace("component: delta-table, ", ""), "7:21", "component: found nothing", ""),
    ],
)
def test_damaged_lock_is_a_problem_at_its_line_also_of_validate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, place: str, message: str, hint: str
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    small_product(tmp_path, "orders")
    path = Path("orders", "alchemesh.lock")
    path.write_text(text)
    with pytest.raises(ProblemsFound) as found:
        read_lock(path)
    [problem] = found.value.problems
    assert str(problem.location) == f"orders/alchemesh.lock:{place}"
    assert message in str(problem)
    assert hint in (problem.hint or "")
    assert problem in validate([Path("orders")]).problems
    assert path.read_text() == text


def test_missing_lock_and_a_new_type_are_no_problem(plan: Plan, tmp_path: Path) -> None:
    lock = read_lock(tmp_path / "alchemesh.lock")
    [change] = component_changes(lock, plan)
    assert (change.component_type, change.recorded, change.found, change.ports) == (
        "columnar-table",
        None,
        TABLE,
        ("orders-table",),
    )
    assert component_problems(lock, "local", [change]) == {}
    assert recorded_after(lock, plan) == {"columnar-table": TABLE}


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (TABLE.model_copy(update={"version": "0.9.0"}), "delta-table 0.9.0"),
        (TABLE.model_copy(update={"component": "bigquery-table"}), "bigquery-table 1.0.0"),
        (TABLE.model_copy(update={"package": "acme-tables"}), "delta-table 1.0.0 of package acme-tables"),
    ],
)
def test_component_that_differs_is_a_problem_at_the_line_of_the_lock(
    plan: Plan, tmp_path: Path, recorded: LockedComponent, expected: str
) -> None:
    path = tmp_path / "orders" / "alchemesh.lock"
    write_lock(path, "local", {"columnar-table": recorded, "gone-type": recorded})
    lock = read_lock(path)
    changes = component_changes(lock, plan)
    assert [change.component_type for change in changes] == ["columnar-table", "gone-type"]
    [(port, [problem])] = component_problems(lock, "local", changes).items()
    assert port == "orders-table"
    assert (problem.location.line, problem.path) == (7, "environments.local.columnar-table")
    assert problem.message == (
        f"found delta-table 1.0.0 of package alchemesh-platform, expected the recorded {expected}"
    )
    assert problem.hint == (
        "`alchemesh components upgrade columnar-table` shows the changed resources, and records it; or install the "
        "recorded version"
    )


def test_component_with_a_former_name_is_the_same(plan: Plan, tmp_path: Path) -> None:
    served = replace(plan.outputs[0].storage, component_type="data-api")
    from tests.builtin import builtin_catalog

    served = replace(served, spec=builtin_catalog()["postgresql-serving"])
    plan = replace(plan, outputs=(replace(plan.outputs[0], storage=served),))
    [found] = resolved_components(plan).values()
    lock = Lock(tmp_path, {"local": {"data-api": found.model_copy(update={"component": "roapi"})}})
    assert component_changes(lock, plan) == []


def test_run_that_is_limited_to_ports_records_their_components_only(plan: Plan, tmp_path: Path) -> None:
    other = TABLE.model_copy(update={"component": "local-files"})
    lock = Lock(tmp_path, {"local": {"columnar-table": other, "file-ingestion": other}})
    assert recorded_after(lock, plan, targets=["elsewhere"]) == lock.of("local")
    assert recorded_after(lock, plan, targets=["orders-table"]) == {"columnar-table": TABLE, "file-ingestion": other}
    assert recorded_after(lock, plan, types=["file-ingestion"]) == {"columnar-table": other}
    assert recorded_after(lock, plan) == {"columnar-table": TABLE}


def test_component_that_is_gone_is_reported_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    small_product(tmp_path, "orders")
    (tmp_path / "orders" / "platform.yaml").write_text(
        "kind: Platform\nname: acme\nenvironments:\n  local:\n    extends: builtin/local\n"
        "    components: {columnar-table: acme-table}\n"
    )
    gone = LockedComponent(component="acme-table", version="1.0.0", package="acme-tables")
    write_lock(tmp_path / "orders" / "alchemesh.lock", "local", {"columnar-table": gone})
    with pytest.raises(ProblemsFound) as found:
        read_product(Where(tmp_path / "orders"))
    [problem] = found.value.problems
    assert problem.message == "found 'acme-table', expected a component of the catalogue"
    assert problem.hint == (
        "alchemesh.lock has it from package acme-tables: run `pip install acme-tables`; `alchemesh components list` "
        "shows all"
    )
