"""Components whose libraries are not installed: reported at their line, and only by commands that need them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alchemesh_platform.base.packages import extras
from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.compose.check import all_problems
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.compose.foundation import platform_foundation
from alchemesh_platform.manifest.load import read_manifest
from tests.builtin import ROOT
from tests.compose.specs import SPECS
from tests.compose.test_compose import PLATFORM, manifest

ABSENT = "alchemesh-platform[local]"
TABLE = {**SPECS, "table": replace(SPECS["table"], extras=(ABSENT,))}


@pytest.fixture(autouse=True)
def without_local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(extras, "_installed", lambda extra: extra != ABSENT)
    monkeypatch.setattr("sys.prefix", str(tmp_path))


def test_a_component_without_its_libraries_is_reported_at_its_line(tmp_path: Path) -> None:
    loaded = manifest(tmp_path)
    with pytest.raises(ProblemsFound) as found:
        compose(loaded, PLATFORM, TABLE)
    (problem,) = found.value.problems
    assert problem.path == "output_ports[0].storage.component"
    assert problem.location == loaded.locate(("output_ports", 0, "storage", "component"))
    assert problem.message == "component table needs alchemesh-platform[local], which is not installed"
    assert problem.hint == "run `pip install 'alchemesh-platform[local]'`"


def test_a_plan_that_is_only_shown_needs_no_libraries(tmp_path: Path) -> None:
    plan = compose(manifest(tmp_path), PLATFORM, TABLE, require_extras=False)
    assert "table" in [component.spec.name for component in plan.components()]


def test_validating_needs_no_libraries(tmp_path: Path) -> None:
    manifest(tmp_path)
    assert all_problems(read_manifest(tmp_path / "alchemesh.yaml"), PLATFORM, TABLE) == []


def test_a_foundation_without_its_libraries_is_reported_at_the_line_of_the_platform_file(tmp_path: Path) -> None:
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.platform_file.load import load_platform

    file = tmp_path / "platform.yaml"
    file.write_text((ROOT / "platforms" / "gcp.yaml").read_text())
    catalog = dict(discover())
    catalog["gcp-platform"] = replace(catalog["gcp-platform"], extras=(ABSENT,))
    with pytest.raises(ProblemsFound) as found:
        platform_foundation(load_platform(file, "prod", tmp_path), catalog)
    (problem,) = found.value.problems
    line = file.read_text().splitlines().index("      platform-foundation: gcp-platform") + 1
    assert (problem.location.line, problem.path) == (line, "environments.prod.components.platform-foundation")
    assert problem.message == "component gcp-platform needs alchemesh-platform[local], which is not installed"
