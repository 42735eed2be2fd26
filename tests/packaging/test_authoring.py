"""The pages on components of one's own: every block is executed, in an environment with the built wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builtin import ROOT
from tests.packaging.installing import pip
from tests.packaging.pages import Shell, follow

pytestmark = pytest.mark.engine

GUIDE = ROOT / "docs" / "authoring.md"
PAGES = sorted((ROOT / "docs" / "authoring").glob("*.md"))


PYTHON = """\
#!/bin/sh
# Python, whose new environments borrow the libraries of the tests, so that they need no network.
test "$1 $2" = "-m venv" || exec {python} "$@"
{python} "$@" --without-pip || exit
for packages in "$3"/lib/python*/site-packages; do echo "{libraries}" > "$packages/borrowed.pth"; done
ln -s "{programs}/caddy" "$3/bin/"
"""


@pytest.fixture(scope="session")
def environ(wheel: Path, libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of a machine whose pip finds the wheel and the libraries of this environment, and no network."""
    programs = tmp_path_factory.mktemp("programs")
    python = programs / "python3"
    python.write_text(
        PYTHON.format(python=sys.executable, libraries=libraries, programs=sysconfig.get_path("scripts")), "utf-8"
    )
    python.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ALCHEMESH", "VIRTUAL_ENV"))}
    return {
        **kept,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PIP_FIND_LINKS": str(wheel.parent),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # of pip: this value means no isolation
        "PIP_NO_COMPILE": "1",  # Python compiles what it imports
        "PIP_QUIET": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "NO_COLOR": "1",
        "ALCHEMESH_HOME": str(tmp_path_factory.mktemp("home")),
    }


@pytest.fixture(scope="session")
def installed(wheel: Path, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same, in an environment with the wheel, which the pages share."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run(["python3", "-m", "venv", folder], check=True, env=environ)
    pip(str(folder / "bin" / "python"), "install", "--no-compile", "--no-deps", "--no-index", str(wheel))
    return {
        **environ,
        "PATH": f"{folder / 'bin'}{os.pathsep}{environ['PATH']}",
        "VIRTUAL_ENV": str(folder),
        "PIP_NO_DEPS": "1",  # the guide installs with dependencies; looking for them takes seconds each time
    }


@pytest.fixture
def shell_in(tmp_path: Path) -> Iterator[list[Shell]]:
    """Opens shells that end with the test."""
    opened: list[Shell] = []
    yield opened
    for shell in opened:
        shell.close()


def test_the_guide_leads_from_nothing_to_a_deployed_component(
    environ: dict[str, str], tmp_path: Path, shell_in: list[Shell]
) -> None:
    shell = Shell(tmp_path, environ)
    shell_in.append(shell)
    ran = follow(GUIDE.read_text("utf-8"), shell)
    assert any(command.startswith("alchemesh components new") for command in ran)
    assert ran[-1] == "alchemesh destroy --yes --delete-data"


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_each_page_can_be_followed(
    page: Path, installed: dict[str, str], tmp_path: Path, shell_in: list[Shell]
) -> None:
    shell = Shell(tmp_path, installed)
    shell_in.append(shell)
    assert follow(page.read_text("utf-8"), shell)
