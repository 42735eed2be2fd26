"""The entrypoint of a job is found, or its fault reported, without running it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from alchemesh_platform.systems.local.jobs.entrypoint import entrypoint_problem


@pytest.mark.parametrize(
    ("entrypoint", "problem"),
    [
        ("shop.clean:main", None),
        ("shop.clean:helper", None),
        ("shop.clean:Runner", None),
        ("shop.clean:alias", None),
        ("shop:start", None),
        ("scripts/run.py", None),
        ("shop.clean:mian", "has no function 'mian'; it has helper, main"),
        ("shop.dirty:main", "there is no module shop.dirty"),
        ("scripts/gone.py", "there is no script"),
        ("shop.broken:main", "is no Python: "),
        ("shop.clean", "is neither package.module:function nor the path of a script"),
        ("shop.clean:main()", "is neither"),
    ],
)
def test_an_entrypoint_is_found_without_importing_it(tmp_path: Path, entrypoint: str, problem: str | None) -> None:
    for folder in ("shop", "scripts"):
        (tmp_path / folder).mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("from shop.clean import main as start\n")
    (tmp_path / "shop" / "clean.py").write_text(
        "raise SystemExit('imported')\ndef helper(): ...\ndef main(): ...\nclass Runner: ...\nalias = main\n"
    )
    (tmp_path / "shop" / "broken.py").write_text("def main(:\n")
    (tmp_path / "scripts" / "run.py").write_text("")
    found = entrypoint_problem(entrypoint, tmp_path)
    assert found is None if problem is None else problem in str(found)


def test_a_name_that_may_be_bound_in_a_branch_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "main_job.py").write_text("try:\n    from fast import main\nexcept ImportError:\n    main = print\n")
    (tmp_path / "star.py").write_text("from os import *\n")
    assert entrypoint_problem("main_job:main", tmp_path) is None
    assert entrypoint_problem("star:getcwd", tmp_path) is None


def test_a_missing_working_folder_is_reported(tmp_path: Path) -> None:
    assert "there is no working folder" in str(entrypoint_problem("a:b", tmp_path / "gone"))


@pytest.mark.parametrize(
    ("entrypoint", "meant"),
    [
        ("shop.claen:main", "shop.clean:main"),
        ("shpo:main", "shop:main"),
        ("shop.clean:mian", "shop.clean:main"),
        ("scripts/rum.py", "scripts/run.py"),
        ("warehouse.stocktaking:main", None),
    ],
)
def test_a_wrong_entrypoint_is_reported_with_the_closest_match(
    tmp_path: Path, entrypoint: str, meant: str | None
) -> None:
    for script in ("shop/__init__.py", "shop/clean.py", "scripts/run.py", ".venv/shop.py", "2024-report.py"):
        (tmp_path / script).parent.mkdir(exist_ok=True)
        (tmp_path / script).write_text("def main(): ...\n")
    found = entrypoint_problem(entrypoint, tmp_path)
    assert found is not None
    assert found.meant == meant


def test_an_installed_module_outside_the_folder_can_be_run(tmp_path: Path) -> None:
    assert entrypoint_problem("json.tool:main", tmp_path) is None
    assert entrypoint_problem("json:dumps", tmp_path) is None
    assert "there is no module json.tol" in str(entrypoint_problem("json.tol:main", tmp_path))
    assert "there is no module this_is_not_there" in str(entrypoint_problem("this_is_not_there:main", tmp_path))
    # It may still exist in another Python, or on a path of the job.
    assert entrypoint_problem("this_is_not_there:main", tmp_path, elsewhere=True) is None
    # A module of the folder precedes an installed one of its name.
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "__init__.py").write_text("")
    for elsewhere in (False, True):
        assert "there is no module json.tool" in str(
            entrypoint_problem("json.tool:main", tmp_path, elsewhere=elsewhere)
        )


def test_looking_for_a_module_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site" / "loud_package"
    site.mkdir(parents=True)
    for module in ("__init__", "part"):
        (site / f"{module}.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(str(site.parent))
    (tmp_path / "repo").mkdir()
    assert entrypoint_problem("loud_package.part:main", tmp_path / "repo") is None
    assert "loud_package" not in sys.modules


@pytest.mark.parametrize(
    ("entrypoint", "found"),
    [
        ("shop." + "c" * 293 + ":main", "it has a name of 293 bytes"),
        ("scripts/" + "x" * 292 + ".py", "it has a name of 292 bytes"),
        ("a/" * 300 + "run.py", "it has 606 characters"),
        ("a" + "é" * 150 + ":main", "it has a name of 301 bytes"),
    ],
)
def test_an_entrypoint_that_no_file_system_holds_is_refused(tmp_path: Path, entrypoint: str, found: str) -> None:
    """An entrypoint of 303 characters once was an unexpected error."""
    problem = entrypoint_problem(entrypoint, tmp_path)
    assert problem is not None
    assert problem.reason.startswith(f"{found}, and file systems allow")
