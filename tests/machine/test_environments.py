"""Environments of Python: real virtual environments with a package from a folder in the place of an index."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from alchemesh_platform.base.remedy import with_text
from alchemesh_platform.machine.environments import EnvironmentFailed, ensure_environment, python_of

WHEEL = "greeting-1.0-py3-none-any.whl"
KILLED = """
import os, sys
from pathlib import Path
from alchemesh_platform.machine.environments import ensure_environment

def killed(folder):
    (folder / "half").touch()
    os.kill(os.getpid(), 9)

ensure_environment("greeting", Path(sys.argv[1]), print, finish=killed)
"""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock file of one package, in the only folder that pip may read. The cache is empty."""
    with zipfile.ZipFile(tmp_path / WHEEL, "w") as wheel:
        wheel.writestr("greeting.py", "TEXT = 'hello'\n")
        wheel.writestr("greeting-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        wheel.writestr("greeting-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("greeting-1.0.dist-info/RECORD", "")
    lock = tmp_path / "requirements.txt"
    digest = hashlib.sha256((tmp_path / WHEEL).read_bytes()).hexdigest()
    lock.write_text(f"greeting==1.0 --hash=sha256:{digest}\n", encoding="utf-8")
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path),
        "XDG_CACHE_HOME": f"{tmp_path}/c",
    }.items():
        monkeypatch.setenv(name, value)
    return lock


def test_an_environment_is_installed_once_and_again_after_a_kill(index: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(index)], capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr
    [half] = (index.parent / "c" / "alchemesh" / "environments").glob("greeting-*/half")
    lines: list[str] = []
    folder = ensure_environment("greeting", index, lines.append, title="The greeting")
    assert folder == half.parent
    assert not half.exists()
    assert lines == ["installing The greeting; this takes a minute, once"]
    said = subprocess.run(
        [str(python_of(folder)), "-c", "import greeting; print(greeting.TEXT)"], capture_output=True, check=True
    )
    assert said.stdout == b"hello\n"
    with pytest.raises(ModuleNotFoundError, match="greeting"):
        __import__("greeting")

    assert ensure_environment("greeting", index, lines.append, python=_no_python) == folder
    assert len(lines) == 1


def test_another_lock_file_has_another_environment_and_a_wrong_hash_is_refused(index: Path) -> None:
    wrong = "0" * 64
    index.write_text(f"greeting==1.0 --hash=sha256:{wrong}\n", encoding="utf-8")
    with pytest.raises(EnvironmentFailed) as refused:
        ensure_environment("greeting", index, title="The greeting")
    assert str(refused.value).startswith("The greeting cannot be installed: ")
    assert refused.value.hint is not None
    assert with_text(refused.value.hint, str).startswith("run it by hand to see all: ")
    [folder] = (index.parent / "c" / "alchemesh" / "environments").glob("greeting-*/")
    assert not (folder / "ready").exists()


def test_an_environment_whose_python_was_removed_is_installed_again(index: Path) -> None:
    folder = ensure_environment("greeting", index)
    python_of(folder).unlink()
    python_of(folder).symlink_to(index.parent / "removed")
    lines: list[str] = []
    assert ensure_environment("greeting", index, lines.append) == folder
    assert lines == ["installing greeting; this takes a minute, once"]
    assert python_of(folder).exists()


def _no_python() -> str:
    raise AssertionError("an installed environment needs no other Python")
