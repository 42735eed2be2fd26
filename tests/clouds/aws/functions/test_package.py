"""The package of a function: the same sources give the same bytes."""

from __future__ import annotations

import hashlib
import os
import sys
import zipfile
from pathlib import Path

import pytest

from alchemesh_components.code.lambda_function.schedule import scheduled
from alchemesh_platform.clouds.aws.functions import package
from alchemesh_platform.clouds.aws.functions.package import HANDLER, PackageFailed, Sources, build

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A product's folder with code, and with things that are no code."""
    folder = tmp_path / "product"
    for name in (
        "job/__init__.py",
        "job/clean.py",
        ".hidden/a.py",
        "venv/lib/b.py",
        "job/__pycache__/c.py",
        "data.csv",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("def main():\n    pass\n")
    (folder / "venv" / "pyvenv.cfg").touch()
    return folder


def sources(root: Path, **changed: object) -> Sources:
    given = {"include": ("**/*.py",), "requirements": None, "python": PYTHON, "architecture": "x86_64", **changed}
    return Sources(root, **given)  # type: ignore[arg-type]


def locked_wheel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock file with one wheel, which has a script, and which pip finds in a folder."""
    wheels = folder / "wheels"
    wheels.mkdir()
    file = wheels / "greeting-1.0-py3-none-any.whl"
    info = "greeting-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("greeting/__init__.py", "def hello():\n    return 'hello'\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/entry_points.txt", "[console_scripts]\ngreet = greeting:hello\n")
        archive.writestr(f"{info}/RECORD", "")
    lock = folder / "requirements.txt"
    lock.write_text(f"greeting==1.0 --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return lock


def test_the_same_sources_give_the_same_bytes(root: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "1.zip", tmp_path / "2.zip"
    built = build(sources(root, texts={"connections.json": "{}"}), first)
    os.utime(root / "job" / "clean.py", (1, 1))
    (root / "job" / "clean.py").chmod(0o600)
    assert build(sources(root, texts={"connections.json": "{}"}), second) == built
    assert first.read_bytes() == second.read_bytes()


def test_a_package_has_the_code_its_dependencies_and_the_handler(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = locked_wheel(tmp_path, monkeypatch)
    target = tmp_path / "package.zip"
    build(sources(root, requirements=lock), target)
    with zipfile.ZipFile(target) as archive:
        names = archive.namelist()
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}
    assert names == [
        "alchemesh_function.py",
        "greeting-1.0.dist-info/METADATA",
        "greeting-1.0.dist-info/WHEEL",
        "greeting-1.0.dist-info/entry_points.txt",
        "greeting/__init__.py",
        "job/__init__.py",
        "job/clean.py",
    ]
    assert f"{HANDLER.partition('.')[0]}.py" in names
    again = tmp_path / "again.zip"
    build(sources(root, requirements=lock), again)
    assert again.read_bytes() == target.read_bytes()


def test_each_part_of_the_sources_changes_the_digest(root: Path, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("a==1 --hash=sha256:1\n")
    digests = [
        sources(root).digest(),
        sources(root, requirements=lock).digest(),
        sources(root, python="3.13").digest(),
        sources(root, architecture="arm64").digest(),
        sources(root, texts={"a": "b"}).digest(),
        sources(root, include=("**/*.py", "*.csv")).digest(),
    ]
    (root / "job" / "clean.py").write_text("def main():\n    return 1\n")
    digests.append(sources(root).digest())
    assert len(set(digests)) == len(digests)
    (root / ".hidden" / "a.py").write_text("other")
    assert sources(root).digest() == digests[-1]


def test_a_package_that_is_too_big_is_refused(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "UNPACKED_MAX", 1024**2)
    (root / "job" / "large.py").write_bytes(b"#" * 3 * 1024**2)
    with pytest.raises(PackageFailed) as refused:
        build(sources(root), tmp_path / "package.zip")
    assert refused.value.message == "the package has 3 MB unpacked, expected at most 1 MB"


def test_a_dependency_that_cannot_be_installed_is_named(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = locked_wheel(tmp_path, monkeypatch)
    lock.write_text(f"greeting==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(PackageFailed) as refused:
        build(sources(root, requirements=lock), tmp_path / "package.zip")
    assert refused.value.message.startswith(
        f"the dependencies of {lock} cannot be installed for Python {PYTHON} on x86_64: "
    )
    assert "HASH" in refused.value.message.upper()


@pytest.mark.parametrize(
    ("cron", "expression"),
    [
        ("15 6 * * *", "cron(15 6 * * ? *)"),
        ("*/15 * * * *", "cron(*/15 * * * ? *)"),
        ("0 8 1 jan *", "cron(0 8 1 JAN ? *)"),
        ("0 8 * * 1-5", "cron(0 8 ? * MON-FRI *)"),
        ("0 8 * * 0,7", "cron(0 8 ? * SUN,SUN *)"),
        ("0 8 * * mon-fri/2", "cron(0 8 ? * MON-FRI/2 *)"),
        ("0 8 * * 5-7", "cron(0 8 ? * FRI,SAT,SUN *)"),
        ("0 8 * * mon-sun/3", "cron(0 8 ? * MON,THU,SUN *)"),
        ("0 8 * * 0-6", "cron(0 8 ? * SUN-SAT *)"),
    ],
)
def test_cron_becomes_the_expression_of_eventbridge(cron: str, expression: str) -> None:
    assert scheduled(cron) == expression


def test_days_of_month_and_of_week_together_are_refused() -> None:
    with pytest.raises(ValueError, match="days of the month or days of the week, not both"):
        scheduled("0 8 1 * 1")
