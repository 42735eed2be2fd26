"""Providers receive the state from before the run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.deployment.providers import providing
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.folder import read_state
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.provider.serve import attach
from alchemesh_platform.provider.serve.attach import Served

BEFORE = {
    "urn": "urn:pulumi:local::shop.orders::table::before",
    "type": "gcp:bigquery/table:Table",
    "id": "before",
    "custom": True,
}
DURING = {
    "urn": "urn:pulumi:local::shop.orders::dataset::during",
    "type": "gcp:bigquery/dataset:Dataset",
    "id": "during",
    "custom": True,
}


def write_state(stack: Stack, *resources: dict[str, Any]) -> None:
    folder = stack.state_folder
    assert folder is not None
    folder.file.parent.mkdir(parents=True, exist_ok=True)
    deployment = {"resources": resources}
    folder.file.write_text(json.dumps({"version": 3, "checkpoint": {"latest": deployment}}), "utf-8")
    assert read_state(folder.file) == {"resources": list(resources)}


def test_a_provider_does_not_see_resources_that_its_own_run_creates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run once read the state in its middle: on a slow machine the state already had the run's own dataset.

    One run failed because it could not create a table's dataset in its location. The next run used another location
    and refused the table: it took the dataset that it had just created for the one of the failed run.
    """
    received: list[Any] = []

    @contextmanager
    def serve(_registry: str, **given: Any) -> Iterator[Served]:
        received.append(given["deployed"])
        yield Served(1)

    monkeypatch.setattr(attach, "serve_provider", serve)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of-the-test")
    platform = load_platform(None, "local", tmp_path)
    stack = Stack("shop.orders", "local", f"file://{tmp_path}/state", tmp_path / "home")
    write_state(stack, BEFORE)
    with providing(Engine(Path("pulumi"), "3.259.0", "PATH"), stack, platform, set(), report=print):
        write_state(stack, BEFORE, DURING)
        assert received == [{"gcp:bigquery/table:Table": {"before"}}]
