"""A product or a port that has a new name in the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.base.problems import Problem
from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.deployment.checks.renames import rename_problems
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.records import ManifestRecord, PortRecord, ProductRecord
from alchemesh_platform.registry.store import Registry
from tests.end_to_end.harness import MANIFEST


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """shop/orders as deployed from the folder."""
    with Registry.open(f"sqlite:///{tmp_path / 'registry.db'}") as opened:
        deployed(opened, tmp_path)
        yield opened


def deployed(registry: Registry, folder: Path) -> None:
    product = {"environment": "local", "product": "shop/orders"}
    registry.write(
        [
            ProductRecord(
                environment="local",
                address="shop/orders",
                team="order-data",
                owner="ada@shop.example",
                version="1.0.0",
                lifecycle="development",
            ),
            ManifestRecord(environment="local", address="shop/orders", root=str(folder), document="{}"),
            PortRecord(address="shop/orders/sales", direction="input", origin="shop/till", **product),
            PortRecord(address="shop/orders/orders-table", direction="output", models=("order",), **product),
        ]
    )


def problems(registry: Registry, folder: Path, old: str = "", new: str = "") -> list[Problem]:
    (folder / "alchemesh.yaml").write_text(MANIFEST.replace(old, new) if old else MANIFEST)
    manifest = load_manifest(folder / "alchemesh.yaml", "local")
    return rename_problems(registry, manifest, compose(manifest, load_platform(None, "local", folder), discover()))


def test_unchanged_names_are_no_problem(registry: Registry, tmp_path: Path) -> None:
    assert problems(registry, tmp_path) == []


def test_renamed_product_names_the_former_one_and_the_command_that_removes_it(
    registry: Registry, tmp_path: Path
) -> None:
    """The former product went on running, without a word."""
    [problem] = problems(registry, tmp_path, "name: orders\n", "name: purchases\n")
    assert (problem.path, problem.location.line, problem.severity) == ("name", 2, "warning")
    assert problem.message == (
        "shop/orders was deployed from this folder and is still deployed; `up` adds shop/purchases, which starts "
        "without its data, consumers and history"
    )
    assert "`alchemesh destroy shop/orders -e local`" in (problem.hint or "")
    registry.remove(ProductRecord, "local", "shop/orders")
    assert problems(registry, tmp_path, "name: orders\n", "name: purchases\n") == []


@pytest.mark.parametrize(("former", "path"), [("sales", "input_ports[0]"), ("orders-table", "output_ports[0]")])
def test_renamed_port_names_the_former_one(registry: Registry, tmp_path: Path, former: str, path: str) -> None:
    [problem] = problems(registry, tmp_path, f"  - name: {former}\n", "  - name: renamed\n")
    assert problem.path == path
    assert problem.message == (
        f"port 'renamed' is new, and port '{former}' is no longer declared: `up` removes the former port, and renamed "
        "starts without its data"
    )


def test_port_with_another_model_is_new(registry: Registry, tmp_path: Path) -> None:
    registry.put(
        PortRecord(
            environment="local",
            address="shop/orders/orders-table",
            product="shop/orders",
            direction="output",
            models=("invoice",),
        )
    )
    assert problems(registry, tmp_path, "  - name: orders-table\n", "  - name: renamed\n") == []
