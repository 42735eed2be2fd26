"""Ranges of versions of components, and their use in a manifest."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from alchemesh_platform.base.packages.ranges import RANGE, is_in_range, split_range
from alchemesh_platform.base.problems import Problem
from alchemesh_platform.catalog.manifest_schema import overlay_schema
from alchemesh_platform.compose.resolve import resolve
from alchemesh_platform.documents.document import node_of
from alchemesh_platform.documents.validate import validate
from alchemesh_platform.manifest.load import read_manifest
from alchemesh_platform.manifest.models import DataProduct
from alchemesh_platform.platform_file.load import load_platform
from tests.app.small import small_product
from tests.builtin import ROOT, builtin_catalog
from tests.manifest.test_schema import changed


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("^2", ("2", "2.0.0", "2.9.1"), ("1.9.9", "3.0.0", "3.0.0rc1")),
        ("^1.2.3", ("1.2.3", "1.9"), ("1.2.2", "2.0")),
        ("^0.2.3", ("0.2.3", "0.2.9"), ("0.3.0", "0.2.2", "1.0")),
        ("^0.0.3", ("0.0.3",), ("0.0.4", "0.0.2")),
        ("^0", ("0.0.1", "0.9"), ("1.0",)),
        ("^0.0", ("0.0.9",), ("0.1",)),
        ("^2.1.0rc1", ("2.1.0rc1", "2.2"), ("2.0", "3")),
        (">=1.4, <3", ("1.4", "2.9.9"), ("1.3", "3.0")),
        ("~=2.1", ("2.1", "2.9"), ("2.0", "3.0")),
        ("==1.2.*", ("1.2.0", "1.2.9"), ("1.3",)),
        ("2.0.3", ("2.0.3",), ("2.0.4", "2.0")),
        (">=1", ("1.0", "9"), ("2.0.0rc1", "latest", "", "1.0.0-snapshot.4")),
    ],
)
def test_range_has_the_meaning_of_npm_and_of_python_packages(
    text: str, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    assert re.fullmatch(RANGE, text)
    assert [version for version in inside if not is_in_range(version, text)] == []
    assert [version for version in outside if is_in_range(version, text)] == []


NO_PYTHON = ("~=2", "==1.0a1.*", "!=1.0.dev1.*", "==1.0.post.*", "1.0a1b2", "1.0.dev1.post2", "^\u0662")


@pytest.mark.parametrize(
    "text", ["", "latest", "^", "^x", "1.x", "^1 || ^2", ">=", "~1.2", "^1.*", ">=1,", "1 2", *NO_PYTHON]
)
def test_other_texts_are_no_range(text: str) -> None:
    assert not re.fullmatch(RANGE, text)


@pytest.mark.parametrize(
    "text", ["==1.0a1", "!=1.0.post1.dev2", ">=1.0rc", "~=1.0b2", "^1-alpha.2", "<1.0-post", "2.dev"]
)
def test_versions_of_python_packages_can_be_in_a_range(text: str) -> None:
    assert re.fullmatch(RANGE, text)
    assert not is_in_range("0.1", text) or text[0] in "!<"


@pytest.mark.parametrize("text", [*NO_PYTHON, f"^{'9' * 5000}"])
def test_no_version_is_in_a_range_that_cannot_be_read(text: str) -> None:
    assert not is_in_range("2.0", text)


def test_component_type_and_range_are_split_at_the_first_mark() -> None:
    assert split_range("columnar-table") == ("columnar-table", None)
    assert split_range("columnar-table@^2") == ("columnar-table", "^2")


def test_ranges_in_the_manifests_of_the_documentation_are_read_as_a_whole() -> None:
    page = (ROOT / "docs" / "component-versions.md").read_text("utf-8")
    blocks = [yaml.safe_load(part.partition("```")[0]) for part in page.split("```yaml\n")[1:]]
    storages = [each.get("storage") or each["output_ports"][0]["storage"] for each in blocks if "kind" not in each]
    assert storages == [{"component": "columnar-table@^2"}, {"component": "columnar-table@>=1.4,<3"}]
    assert all(re.fullmatch(RANGE, split_range(each["component"])[1] or "") for each in storages)


def problems_of(document: dict[str, Any], folder: Path, *, local: bool) -> list[Problem]:
    platform = load_platform(None, "local", folder) if local else None
    return resolve(node_of(document, "alchemesh.yaml"), builtin_catalog(), platform).problems


STORAGE = ("output_ports", 0, "storage", "component")


@pytest.mark.parametrize("local", [True, False], ids=["an environment", "every environment"])
def test_installed_version_outside_of_the_range_is_a_problem_at_its_line(tmp_path: Path, local: bool) -> None:
    assert problems_of(changed(*STORAGE, to="columnar-table@^1"), tmp_path, local=local) == []
    [problem] = problems_of(changed(*STORAGE, to="columnar-table@^99"), tmp_path, local=local)
    assert problem.path == "output_ports[0].storage.component"
    one = "delta-table 1.0.0, which implements"
    all_of_them = "delta-table 1.0.0, bigquery-table 1.0.0, glue-table 1.0.0 and iceberg-table 1.0.0, which implement"
    expected = f"{one} columnar-table in local" if local else f"{all_of_them} columnar-table"
    assert problem.message == f"found 'columnar-table@^99', expected a range with {expected}"
    assert problem.hint == (
        "install a version of alchemesh-platform with a component in that range, or change the range"
    )


def test_range_is_valid_in_general_if_one_component_of_the_catalogue_fits(tmp_path: Path) -> None:
    catalog = dict(builtin_catalog())
    catalog["bigquery-table"] = replace(catalog["bigquery-table"], version="3.1.0")
    tree = node_of(changed(*STORAGE, to="columnar-table@^3"), "alchemesh.yaml")
    assert resolve(tree, catalog, None).problems == []


@pytest.mark.parametrize("text", ["columnar-table@latest", "columnar-table@", "columnar-table@~1.2"])
def test_text_that_is_no_range_is_explained_with_an_example(text: str) -> None:
    _, [problem] = validate(node_of(changed(*STORAGE, to=text), "alchemesh.yaml"), DataProduct)
    assert problem.path == "output_ports[0].storage.component"
    assert problem.message == (
        f"found {text!r}, expected a component type in kebab case (small letters, digits and single hyphens, beginning "
        "with a letter; a range of versions may follow after @: ^2, >=1.4,<3, ~=2.1 or 2.0.3)"
    )


def test_models_of_a_product_have_the_type_without_its_range() -> None:
    document = changed(*STORAGE, to="columnar-table@^1")
    document["input_ports"][0]["component"] = "file-ingestion@^1"
    product, problems = validate(node_of(document, "alchemesh.yaml"), DataProduct)
    assert product is not None, problems
    assert product.output_ports[0].storage.component_type == "columnar-table"
    assert product.input_ports[0].component_type == "file-ingestion"


def test_overlay_may_have_a_range_of_its_own_and_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    small_product(tmp_path, "orders")
    overlay = {"output_ports": [{"name": "orders-table", "storage": {"component": "columnar-table@^99"}}]}
    Path("orders", "alchemesh.local.yaml").write_text(yaml.safe_dump(overlay))
    Draft202012Validator(overlay_schema(builtin_catalog().values())).validate(overlay)
    read = read_manifest(Path("orders", "alchemesh.yaml"), "local")
    [problem] = resolve(read.tree, builtin_catalog(), load_platform(None, "local", tmp_path)).problems
    assert str(problem.location) == "orders/alchemesh.local.yaml:4:16"
    assert problem.message.startswith("found 'columnar-table@^99', expected a range with delta-table 1.0.0")
