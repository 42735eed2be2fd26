"""Copier renders the same package as `alchemesh components new`, and updates one from a later template."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from alchemesh_platform import __version__
from alchemesh_platform.app.components.new import new_component
from tests.builtin import ROOT
from tests.packaging.installing import pip

pytestmark = pytest.mark.slow

ANSWERS = ".copier-answers.yml"
TEMPLATE = "alchemesh_platform/scaffold"


@pytest.fixture(scope="module")
def copier(libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copier, which is no dependency of the project, in an environment of its own."""
    folder = tmp_path_factory.mktemp("copier")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(f"{libraries}\n", "utf-8")
    pip(str(folder / "bin" / "python"), "install", "--no-compile", "copier>=9.4,<10")
    return folder / "bin" / "copier"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the template, as this one has it, at the tag of this version."""
    folder = tmp_path_factory.mktemp("template")
    shutil.copytree(ROOT / TEMPLATE, folder / TEMPLATE, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copy(ROOT / "copier.yml", folder)
    commit(folder, "the template")
    git(folder, "tag", f"v{__version__}")
    return folder


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Author", "-c", "user.email=author@acme.example")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, message: str) -> None:
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", message)


def content_of(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file() and ".git" not in file.relative_to(folder).parts)
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def create(folder: Path, template: Path) -> Path:
    """A package of the command that remembers this template."""
    made = new_component("acme-files", "storage", "object-storage", into=folder, owner="files", ci="gitlab").folder
    answers = made / ANSWERS
    remembered = yaml.safe_load(answers.read_text("utf-8"))
    answers.write_text(answers.read_text("utf-8").replace(remembered["_src_path"], str(template)), "utf-8")
    return made


def test_copier_renders_the_same_files(copier: Path, template: Path, tmp_path: Path) -> None:
    ours = create(tmp_path / "ours", template)
    answers = yaml.safe_load((ours / ANSWERS).read_text("utf-8"))
    data = [f"--data={name}={value}" for name, value in answers.items() if not name.startswith("_")]
    theirs = tmp_path / "theirs"
    done = subprocess.run(
        [copier, "copy", "--defaults", *data, template, theirs], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert content_of(theirs) == content_of(ours)


def test_an_update_keeps_the_changes_of_the_author_and_brings_those_of_the_template(
    copier: Path, template: Path, tmp_path: Path
) -> None:
    package = create(tmp_path, template)
    models = package / "acme_files" / "models.py"
    models.write_text(models.read_text("utf-8") + '\n\nAUTHOR = "kept"\n', "utf-8")
    commit(package, "changes of the author")

    ignored = template / TEMPLATE / "template" / ".gitignore"
    ignored.write_text(f"{ignored.read_text('utf-8')}/coverage/\n", "utf-8")
    commit(template, "a later version of the template")
    git(template, "tag", "v99.0.0")
    done = subprocess.run([copier, "update", "--defaults"], cwd=package, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    assert models.read_text("utf-8").endswith('AUTHOR = "kept"\n')
    assert (package / ".gitignore").read_text("utf-8").endswith("/coverage/\n")
    assert yaml.safe_load((package / ANSWERS).read_text("utf-8"))["_commit"] == "v99.0.0"
