"""The look for drift where nothing is deployed: it does not say that there is no drift."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_cli.render.run.drift import drift_lines
from alchemesh_platform.app.review.offline import OfflinePreview
from alchemesh_platform.app.review.previews import Asked, previews
from alchemesh_platform.app.where import Where
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.registry.store import Registry

from .branch import Branch


def test_an_environment_without_a_product_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    (tmp_path / "home/local").mkdir(parents=True)
    with Registry.open(f"sqlite:///{tmp_path}/home/local/registry.db"):
        pass
    refresh = ["refresh", "--preview-only", "--all", "-C", str(tmp_path)]
    assert invoke(refresh) == ExitCode.DONE
    assert "note: nothing is deployed in local" in capsys.readouterr().err
    assert invoke([*refresh, "--detailed-exitcode"]) == ExitCode.UNRECORDED
    assert invoke([*refresh, "--format", "markdown"]) == ExitCode.DONE
    assert "nothing is deployed in local" in capsys.readouterr().out


def test_a_product_that_is_not_deployed_says_so(tmp_path: Path) -> None:
    branch = Branch.made(tmp_path / "repo", "orders")
    [one] = previews([Asked(Where(branch.root / "products/orders"))], act=OfflinePreview()).each
    assert one.outcome is not None
    assert not one.outcome.is_recorded
    assert [*drift_lines(one.outcome)][-1] == "not deployed in local"
