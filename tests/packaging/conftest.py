"""The wheel of this repository, built once, and environments that it is installed into."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from tests.builtin import ROOT
from tests.packaging.installing import pip


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this repository."""
    folder = tmp_path_factory.mktemp("wheel")
    pip(sys.executable, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The libraries of this environment without the project itself, so that environments borrow them."""
    folder = tmp_path_factory.mktemp("libraries") / "site-packages"  # the enclosure of data APIs knows it by this name
    folder.mkdir()
    for place in dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))):
        for each in Path(place).iterdir():
            if not each.name.startswith(("alchemesh", "_alchemesh", "__editable__")) and each.suffix != ".pth":
                (folder / each.name).symlink_to(each.resolve())
    return folder
