"""The pages on the architecture name files, functions and packages that exist, in the order of import-linter."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
OVERVIEW = ROOT / "ARCHITECTURE.md"
PAGES = [OVERVIEW, *sorted((ROOT / "docs" / "architecture").glob("*.md"))]
ROOMS = ("alchemesh_platform/", "cli/", "components/", "stacks/", "docs/", "tests/", "parts/", "examples/")
CODE = re.compile(r"`([^`\n]+)`")
ROW = re.compile(r"^\| `(?P<file>[^`]+)` \| (?P<names>[^|]*) \|", re.MULTILINE)
PACKAGE_ROW = re.compile(r"^\| `(?P<name>[a-z_]+)` \| [^|]+ \|$", re.MULTILINE)
ORDER = "Packages of the platform follow one order"


def prose_of(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def files_of(path: str) -> list[Path]:
    """The files that a path in a page names; NAME means any one name."""
    return sorted(ROOT.glob(path.replace("NAME", "*").rstrip("/"))) if "NAME" in path else [ROOT / path]


def paths_in(page: Path) -> Iterator[str]:
    yield from (found for found in CODE.findall(prose_of(page)) if found.startswith(ROOMS))


def names_in(page: Path) -> Iterator[tuple[str, str]]:
    """Files with the functions and classes that a table says are in them."""
    for row in ROW.finditer(prose_of(page)):
        if row["file"].startswith(ROOMS):
            yield from ((row["file"], name) for name in CODE.findall(row["names"]))


def defined_in(module: Path) -> set[str]:
    """Functions, classes, methods as ``Class.method``, and values of a module."""
    found = set()
    for node in ast.parse(module.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def listed_packages() -> list[str]:
    """Packages in the table, from top to bottom."""
    return PACKAGE_ROW.findall(prose_of(OVERVIEW).partition("## Packages of the platform")[2])


def layers() -> list[set[str]]:
    """The rows of the contract in pyproject.toml, from top to bottom."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (contract,) = [each for each in contracts if each["name"] == ORDER]
    return [{name.strip() for name in row.split("|")} for row in contract["layers"]]


def test_there_is_something_to_check() -> None:
    assert len(PAGES) == 3
    assert sum(len(list(names_in(page))) for page in PAGES) > 50


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_every_named_file_exists(page: Path) -> None:
    missing = [path for path in paths_in(page) if not files_of(path) or not files_of(path)[0].exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_every_named_function_is_in_its_file(page: Path) -> None:
    missing = [
        f"{path}: {name}"
        for path, name in names_in(page)
        if not any(name in defined_in(file) for file in files_of(path) if file.suffix == ".py")
    ]
    assert missing == []


def test_every_package_of_the_platform_is_listed_once() -> None:
    folder = ROOT / "alchemesh_platform"
    packages = {found.parent.name for found in folder.glob("*/__init__.py")}
    modules = {found.stem for found in folder.glob("*.py")} - {"__init__"}
    assert sorted(listed_packages()) == sorted(packages | modules)


def test_the_order_of_packages_is_the_one_of_import_linter() -> None:
    listed = iter(listed_packages())
    assert [{next(listed) for _ in row} for row in layers()] == layers()
    assert list(listed) == []


def test_the_picture_shows_every_package() -> None:
    picture = OVERVIEW.read_text("utf-8").partition("```\n")[2].partition("```")[0]
    shown = set(re.findall(r"[a-z_]+", picture))
    assert set(listed_packages()) - shown == {"connections"}  # for a product's code, which is not in the picture
