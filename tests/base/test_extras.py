"""Extras of packages: the installed ones, and the command that installs the others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from alchemesh_platform.base.packages import extras
from alchemesh_platform.base.packages.extras import install_command, missing_extras

LOCAL, KAFKA, STRANGE = "alchemesh-platform[local]", "alchemesh-platform[kafka]", "stranger[clickhouse]"

METADATA = """Metadata-Version: 2.4
Name: stranger
Version: 1.0
Provides-Extra: there
Provides-Extra: absent
Provides-Extra: elsewhere
Provides-Extra: both
Requires-Dist: click
Requires-Dist: pytest; extra == "there"
Requires-Dist: no-such-library; extra == "absent"
Requires-Dist: no-such-library; extra == "elsewhere" and sys_platform == "nowhere"
Requires-Dist: stranger[absent,there]; extra == "both"
"""


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with extras, installed."""
    folder = tmp_path / "stranger-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(METADATA)
    monkeypatch.syspath_prepend(tmp_path)
    extras._installed.cache_clear()


@pytest.mark.usefixtures("stranger")
@pytest.mark.parametrize(
    ("extra", "missing"),
    [("there", False), ("absent", True), ("elsewhere", False), ("both", True), ("unheard-of", True)],
)
def test_an_extra_is_missing_where_a_library_of_it_is(extra: str, missing: bool) -> None:
    asked = f"stranger[{extra}]"
    assert missing_extras([asked]) == ((asked,) if missing else ())


def test_extras_of_a_package_that_is_not_installed_are_missing() -> None:
    assert missing_extras([STRANGE, "no extra"]) == (STRANGE, "no extra")


def test_every_extra_that_a_component_names_is_one_that_pyproject_declares() -> None:
    from alchemesh_platform.catalog.discover import discover

    known = set(extras._own_extras())
    named = {extra for spec in discover().values() for extra in spec.extras}
    assert named
    assert named <= known


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def tell(*there: str) -> None:
        monkeypatch.setattr(extras, "_installed", lambda extra: extra in there)
        monkeypatch.setattr(extras, "_own_extras", lambda: [LOCAL, KAFKA])

    return tell


def test_in_a_plain_environment_pip_installs_them(tmp_path: Path, installed: Callable[..., None]) -> None:
    installed(KAFKA)
    assert install_command(LOCAL, prefix=tmp_path) == "pip install 'alchemesh-platform[local]'"
    assert install_command(LOCAL, KAFKA, STRANGE, prefix=tmp_path) == (
        "pip install 'alchemesh-platform[local,kafka]' 'stranger[clickhouse]'"
    )


def test_a_uv_tool_is_reinstalled_with_its_extras(tmp_path: Path, installed: Callable[..., None]) -> None:
    installed(KAFKA)
    (tmp_path / "uv-receipt.toml").touch()
    assert install_command(LOCAL, prefix=tmp_path) == "uv tool install 'alchemesh-platform[kafka,local]'"
    assert install_command(STRANGE, prefix=tmp_path) == (
        "uv tool install 'alchemesh-platform[kafka]' --with 'stranger[clickhouse]'"
    )


def test_a_pipx_application_is_reinstalled_with_its_extras(tmp_path: Path, installed: Callable[..., None]) -> None:
    installed(KAFKA)
    (tmp_path / "pipx_metadata.json").touch()
    assert install_command(LOCAL, prefix=tmp_path) == "pipx install --force 'alchemesh-platform[kafka,local]'"
    assert install_command(STRANGE, prefix=tmp_path) == "pipx inject alchemesh-platform 'stranger[clickhouse]'"


def test_the_environment_that_runs_is_the_default(
    tmp_path: Path, installed: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed()
    (tmp_path / "uv-receipt.toml").touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert install_command(LOCAL) == "uv tool install 'alchemesh-platform[local]'"
