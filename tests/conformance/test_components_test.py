"""`alchemesh components test` on a package in a folder: findings, exit codes, and folders without components."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alchemesh_platform.testing.deployed.release import NoRelease, release
from alchemesh_platform.testing.package import NoPackage, find_package
from tests.commands import run_command

from .liars import LIARS, write_liars

pytestmark = pytest.mark.slow  # each command and each run of pytest starts a new Python


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of a good component and one that lies."""
    made = tmp_path_factory.mktemp("package")
    write_liars(made, tuple(liar for liar in LIARS if liar.name == "golden"))
    return made


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command(["components", "test", *arguments], folder, os.environ)


def test_findings_are_shown_with_place_reason_and_fix(folder: Path) -> None:
    done = run(folder)
    assert done.returncode == 3
    assert done.stdout == (
        "acme_liars/golden/case.yml:2  golden, case 'files of a product': resources-match: acme:index:BucketMember "
        '\'raw-storage-req-1\': member is "bo@acme.example", expected "co@acme.example"\n'
        "  why: The list shows reviewers what a change of the component does to deployed products.\n"
        "  fix: Correct the component, or the resources of the case.\n\n"
        "acme-liars: 2 components · 4 cases · 1 finding in 1 component\n"
    )


def test_findings_as_json(folder: Path) -> None:
    done = run(folder, "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["schema"], document["cases"]) == (3, "alchemesh/conformance/1", 4)
    [finding] = document["findings"]
    assert (finding["rule"], finding["component"], finding["line"]) == ("resources-match", "golden", 2)


def test_the_folder_of_a_component_is_tested_alone(folder: Path) -> None:
    done = run(folder, "acme_liars/good")
    assert (done.returncode, done.stdout) == (0, "acme-liars: 1 component · 2 cases · no findings\n")


def test_a_folder_without_components_is_an_error_with_a_fix(folder: Path, tmp_path: Path) -> None:
    missing = run(tmp_path)
    assert missing.returncode == 2
    assert missing.stderr.startswith("error: found no pyproject.toml in . or above\n\nhint: ")
    assert "`alchemesh components new my-component --role storage` makes a package" in missing.stderr
    none = run(tmp_path, "nowhere")
    assert (none.returncode, none.stderr.partition("\n")[0]) == (2, "error: no such folder nowhere")
    release = run(folder, "acme_liars/good", "--against", str(tmp_path))
    assert release.returncode == 2
    assert "registers no component" in release.stderr


def test_a_url_is_refused_with_the_way_to_its_files(tmp_path: Path) -> None:
    with pytest.raises(NoPackage) as refused:
        find_package(Path("https://git.acme.example/acme/tables.git"))
    assert str(refused.value) == "found the URL https://git.acme.example/acme/tables.git, expected a folder"
    assert refused.value.hint == "clone the repository, and name its folder"
    url = "https://packages.acme.example/acme.whl"
    with pytest.raises(NoRelease) as no_release, release("acme", url):
        pass
    assert str(no_release.value) == f"found the URL {url}, expected a version, a wheel or a folder"


def test_pytest_collects_the_case_files(folder: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "acme_liars"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1 failed, 5 passed" in done.stdout
    assert "FAILED acme_liars/golden/case.yml::golden: files of a product" in done.stdout
    assert "  fix: Correct the component, or the resources of the case." in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("change", ["lose its case file", "fail", "hang"])
def test_pytest_fails_for_a_component_that_it_cannot_test(change: str, tmp_path: Path) -> None:
    write_liars(tmp_path, ())
    folder = tmp_path / "acme_liars" / "good"
    if change == "lose its case file":
        (folder / "case.yml").unlink()
        said = "acme_liars/good/case.yml  good: case-is-valid: no such file, expected the cases of the component"
    elif change == "fail":
        (folder / "spec.py").write_text("raise RuntimeError('no licence')\n")
        said = "spec-loads: component 'good' of package acme-liars (acme_liars.good.spec:SPEC) cannot be loaded"
    else:
        (folder / "spec.py").write_text("import time\ntime.sleep(600)\n")
        said = "spec-loads: the import of acme_liars.good.spec does not end within 10 s"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "acme_liars"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert said in done.stdout
    assert "1 failed" in done.stdout
    assert "passed" not in done.stdout


def test_engine_without_a_case_that_has_it_is_said(folder: Path) -> None:
    done = run(folder, "acme_liars/good", "--engine")
    line = "acme-liars: 1 component · 2 cases · 0 cases deployed: no case has `engine` · no findings\n"
    assert (done.returncode, done.stdout) == (0, line)
