"""Use cases write the audit log themselves, without a command line or click."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alchemesh_platform.base.files.home import HOME_VARIABLE
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.audit import acts_of, broken_links
from alchemesh_platform.registry.store import Registry

ROOT = Path(__file__).parents[2]
WITHOUT_CLICK = """\
import runpy, sys
sys.modules["click"] = None  # from now on, importing it fails
runpy.run_module("tests.app.without_click", run_name="__main__")
"""


@pytest.mark.engine
@pytest.mark.slow
def test_a_caller_without_click_finds_history_and_audit_written(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_CLICK, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, HOME_VARIABLE: str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "preview": "succeeded",
        "declined": ["preview", ["preview"]],
        "up": ["up", "succeeded"],
        "request": "approved",
        "applied": 0,
        "refused": "ForbiddenByContract",
        "refresh": "succeeded",
        "deployed": True,
        "notices": ["removal"],
        "destroy": "succeeded",
    }
    with Registry.open(load_platform(None, "local", home).registry) as registry:
        acts = [(act.operation, act.actor, act.reason) for act in reversed(acts_of(registry, "local"))]
        assert list(broken_links(registry)) == []
        history = [(each.operation, each.actor, each.outcome) for each in registry.deployments("shop/orders", "local")]
    ada, grace, zoe = (f"{name}@shop.example" for name in ("ada", "grace", "zoe"))
    assert [(operation, actor) for operation, actor, _ in acts] == [
        ("up", ada),
        ("access request", zoe),
        ("access grant", ada),
        ("up", ada),
        ("contract notice", ada),
        ("refresh", ada),
        ("contract override", grace),
        ("access take out", grace),
        ("destroy", grace),
    ]
    assert ("contract override", grace, "the shop closes") in acts
    assert list(reversed(history)) == [
        ("up", ada, "succeeded"),
        ("up", ada, "succeeded"),
        ("refresh", ada, "succeeded"),
        ("destroy", grace, "succeeded"),
    ]
