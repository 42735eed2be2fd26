"""An engine that starts a run again under the same id, because a worker or the engine itself was killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.app.runs.started import main
from alchemesh_platform.registry.store import Registry
from tests.app.runs.deployed import PRODUCT, deploy_code
from tests.app.runs.test_started import _signals, options

__all__ = ["_signals"]
# Fails at first, and succeeds from the second time on.
SECOND = """
import pathlib, sys
file = pathlib.Path("times")
times = len(file.read_text()) if file.exists() else 0
file.write_text("x" * (times + 1))
sys.exit(0 if times else 3)
"""


def outcomes(home: Path) -> list[str]:
    with Registry.open(f"sqlite:///{home}/local/registry.db") as registry:
        return [run.outcome for run in registry.deployments(PRODUCT, "local")]


def test_a_run_that_succeeded_is_not_repeated_under_its_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, descriptor = deploy_code(tmp_path, SECOND)
    assert main(options(descriptor)) == 3
    assert main(options(descriptor)) == 0  # somebody asked for a retry
    assert main(options(descriptor)) == 0  # the worker was dead, so the engine starts the run again
    assert capsys.readouterr().err.splitlines()[-1] == f"{PRODUCT} has run for r-7"
    assert outcomes(tmp_path / "home") == ["succeeded", "failed"]
    assert (tmp_path / "times").read_text() == "xx"


def test_a_new_attempt_of_the_engine_is_a_new_run(tmp_path: Path) -> None:
    _, descriptor = deploy_code(tmp_path, "print('done')")
    assert main(options(descriptor, attempt=1)) == 0
    assert main(options(descriptor, attempt=2)) == 0
    assert main(options(descriptor, engine_run="r-8")) == 0
    assert outcomes(tmp_path / "home") == ["succeeded"] * 3
