"""The tour of the orchestrators: overlays of a few lines, the same code, and a comparison that notices other rows."""

from __future__ import annotations

import shutil
from pathlib import Path

import demo_orchestrators
import pytest
import yaml
from demo_orchestrators import ENGINES, OVERLAYS, Engine
from staging import EXAMPLES
from terminal import DemoFailed

from alchemesh_platform.manifest.load import load_manifest

UNKNOWN = Engine("other", "other-engine", "Another engine")


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.environment)
def test_an_engine_needs_an_overlay_of_a_few_lines(engine: Engine, tmp_path: Path) -> None:
    overlay = OVERLAYS / demo_orchestrators.overlay(engine)
    assert set(yaml.safe_load(overlay.read_text())) == {"code"}
    assert len(overlay.read_text().splitlines()) < 6
    shutil.copy(EXAMPLES / "flights" / "alchemesh.yaml", tmp_path)
    shutil.copy(overlay, tmp_path)
    here = load_manifest(tmp_path / "alchemesh.yaml", "local").product
    there = load_manifest(tmp_path / "alchemesh.yaml", engine.environment).product
    assert here.code is not None
    assert there.code is not None
    assert there.code.args["entrypoint"] == here.code.args["entrypoint"]
    assert there.model_copy(update={"code": here.code}) == here


def test_each_engine_has_an_environment() -> None:
    platform = yaml.safe_load((OVERLAYS / "platform.yaml").read_text())
    assert set(platform["environments"]) == {engine.environment for engine in ENGINES}


def test_a_missing_engine_is_left_out_with_the_reason() -> None:
    assert demo_orchestrators.why_not(ENGINES[0]) is None
    assert demo_orchestrators.why_not(UNKNOWN) == "the component other-engine is not installed"


def test_other_rows_of_an_engine_end_the_tour(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = {"flight": "2 rows aa"}, {"flight": "2 rows ab"}
    demo_orchestrators.compare([(ENGINES[0], first), (UNKNOWN, first)])
    assert "2 engines, the same rows in each table" in capsys.readouterr().out
    with pytest.raises(DemoFailed, match="Another engine wrote other rows than the clock"):
        demo_orchestrators.compare([(ENGINES[0], first), (UNKNOWN, second)])
