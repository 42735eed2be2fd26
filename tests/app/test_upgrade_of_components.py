"""`up` writes the lock and refuses other components; an upgrade previews them, then records them. A real engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.app.components.catalogue import UnknownComponent
from alchemesh_platform.app.components.upgrade import EmulatedLock, Upgrade, upgrade_components
from alchemesh_platform.app.product.deploy import destroy, preview, up
from alchemesh_platform.app.where import Composed
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.files.home import HOME_VARIABLE
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.manifest.lock import LockedComponent, read_lock, write_lock
from tests.ordinary import as_an_ordinary_user

from .small import small_product

pytestmark = [pytest.mark.engine, pytest.mark.slow]

ADA = Identity("ada@shop.example", "tests")
TABLE = LockedComponent(component="delta-table", version="1.0.0", package="alchemesh-platform")
FORMER = TABLE.model_copy(update={"version": "0.9.0"})


def test_up_refuses_another_version_until_an_upgrade_records_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    product, path = small_product(tmp_path, "orders"), tmp_path / "orders" / "alchemesh.lock"
    the_first_up_writes_the_lock(product, path)
    write_lock(path, "local", {"columnar-table": FORMER})
    written = path.read_text()
    another_version_is_refused(product, capfd)
    an_upgrade_that_is_declined_records_nothing(product)
    assert path.read_text() == written
    an_upgrade_records_the_installed_version(path, capfd)
    assert up(product, ADA).succeeded
    a_lock_that_cannot_be_written_is_a_note(product, path, monkeypatch)
    assert destroy(product, ADA).succeeded


def the_first_up_writes_the_lock(product: Composed, path: Path) -> None:
    """A preview and a declined question write none. A product without changes, deployed before, gets one too."""
    assert preview(product).succeeded
    assert up(product, ADA, confirm=lambda seen: False).succeeded
    assert not path.exists()
    assert up(product, ADA).succeeded
    assert read_lock(path).environments == {"local": {"columnar-table": TABLE}}
    path.unlink()
    assert up(product, ADA, confirm=lambda seen: False).succeeded
    assert read_lock(path).of("local") == {"columnar-table": TABLE}


def another_version_is_refused(product: Composed, capfd: pytest.CaptureFixture[str]) -> None:
    """At the line of the lock, with both versions and the command; a preview says so."""
    capfd.readouterr()
    for arguments in (["up", "--yes"], ["preview"]):
        assert invoke([*arguments, "-C", "orders", "--json"]) == ExitCode.FORBIDDEN
        report = json.loads(capfd.readouterr().out)
        assert (report["operation"], report["outcome"]) == (arguments[0], "refused")
        [problem] = report["problems"]
        assert (problem["file"], problem["line"]) == ("orders/alchemesh.lock", 7)
        assert problem["path"] == "environments.local.columnar-table"
        assert problem["message"] == (
            "found delta-table 1.0.0 of package alchemesh-platform, expected the recorded delta-table 0.9.0"
        )
        assert problem["commands"] == [["alchemesh", "components", "upgrade", "columnar-table"]]
        [port] = [port for port in report["ports"] if port["name"] == "orders-table"]
        assert port["problems"] == [problem]
    assert up(product, ADA, confirm=lambda seen: pytest.fail("asked")).outcome == "refused"
    assert invoke(["up", "--yes", "-C", "orders"]) == ExitCode.FORBIDDEN
    out, err = capfd.readouterr()
    assert "`alchemesh up -C orders` refuses this and changes nothing" in out
    assert "hint: `alchemesh components upgrade columnar-table -C orders` shows the changed resources" in err


def an_upgrade_that_is_declined_records_nothing(product: Composed) -> None:
    seen: list[Upgrade] = []
    declined = upgrade_components(product, confirm=lambda found: bool(seen.append(found)))
    assert not declined.written
    [change] = seen[0].changes
    assert (change.component_type, change.recorded, change.found) == ("columnar-table", FORMER, TABLE)
    assert seen[0].preview is not None
    assert seen[0].preview.succeeded
    with pytest.raises(UnknownComponent, match="no component or component type 'delta-tabel'"):
        upgrade_components(product, ["delta-tabel"])
    with pytest.raises(EmulatedLock, match="an emulated environment has no lock"):
        upgrade_components(replace(product, platform=product.platform.model_copy(update={"emulated": True})))
    assert invoke(["components", "upgrade", "delta-table", "-C", "orders"]) == ExitCode.USAGE, "there is no terminal"


def an_upgrade_records_the_installed_version(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    assert invoke(["components", "upgrade", "delta-table", "-C", "orders", "--yes", "--json"]) == ExitCode.DONE
    report = json.loads(capfd.readouterr().out)
    assert (report["environment"], report["lock"], report["written"]) == ("local", "orders/alchemesh.lock", True)
    assert [each["recorded"]["version"] for each in report["components"]] == ["0.9.0"]
    assert report["preview"]["outcome"] == "succeeded"
    assert read_lock(path).of("local") == {"columnar-table": TABLE}
    assert invoke(["components", "upgrade", "-C", "orders"]) == ExitCode.DONE
    nothing = "nothing to upgrade: orders/alchemesh.lock has the installed components of local\n"
    assert capfd.readouterr().out == nothing


def a_lock_that_cannot_be_written_is_a_note(product: Composed, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`up` deploys from a checkout that its user cannot write, as in a pipeline."""
    path.unlink()
    notes: list[str] = []
    with monkeypatch.context() as changed:
        changed.setattr("alchemesh_platform.app.product.deploy.write_lock", without_the_rights_of_root(write_lock))
        assert up(product, ADA, listen=lambda event: notes.append(str(getattr(event, "line", "")))).succeeded
    [note] = [note for note in notes if "alchemesh.lock" in note]
    assert note.endswith(
        "alchemesh.lock cannot be written: Permission denied; `alchemesh components upgrade` in a writable folder "
        "records the components"
    )
    assert not path.exists()


def without_the_rights_of_root(function: Callable[..., bool]) -> Callable[..., bool]:
    """The same function, called as a user who cannot write in the folders of root."""

    def call(*arguments: object) -> bool:
        with as_an_ordinary_user():
            return function(*arguments)

    return call
