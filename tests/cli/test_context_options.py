"""Commands in messages can be run as shown: they have the context options of the command that printed them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.files.home import home
from alchemesh_platform.deployment.emulation import emulate
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.store import Registry
from tests.access.airport import AMELIA, RESTRICTED, record_airport

MESH = Path(__file__).parents[2] / "examples" / "mesh"
PLATFORM = """\
kind: Platform
name: acme
environments:
  demo:
    extends: builtin/local
    settings:
      gcp: {project: acme-mesh, region: europe-west1}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with a product, `shop`, and a platform file with the environment `demo`."""
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ALCHEMESH_EMULATE", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "platform.yaml").write_text(PLATFORM)
    invoke(["init", "shop"])
    (tmp_path / "shop" / "platform.yaml").write_text(PLATFORM)
    capsys.readouterr()
    return tmp_path / "shop"


def test_the_next_command_has_the_options_of_the_plan(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`plan -e demo` once ended with `next: alchemesh preview`, for another environment."""
    assert invoke(["plan", "-C", "shop", "-e", "demo", "--emulate"]) == ExitCode.DONE
    assert capsys.readouterr().out.endswith("next: alchemesh preview -C shop -e demo --emulate\n")


def test_options_from_variables_are_not_added(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALCHEMESH_EMULATE", "1")
    assert invoke(["plan", "-C", "shop", "--environment", "demo"]) == ExitCode.DONE
    assert capsys.readouterr().out.endswith("next: alchemesh preview -C shop -e demo\n")


def test_a_hint_names_the_environment_and_not_the_folder(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A hint may be of another product, in another folder."""
    (shop.parent / "a b.yaml").write_text(PLATFORM)
    assert invoke(["status", "retail/nothing", "-C", "shop", "-e", "demo", "--platform", "a b.yaml"]) != ExitCode.DONE
    assert "`alchemesh up -e demo --platform 'a b.yaml'`" in capsys.readouterr().err


def test_a_command_that_takes_no_environment_gets_none(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = shop / "alchemesh.yaml"
    manifest.write_text(manifest.read_text().replace("python-job", "python-jop"))
    assert invoke(["plan", "-C", "shop", "-e", "demo"]) == ExitCode.PROBLEMS
    assert "`alchemesh components list` shows all" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "-C", "shop"),
        ("status", "--all"),
        ("status", "-C", "shop"),
        ("mesh", "show", "--platform", "platform.yaml"),
        ("access", "list", "--platform", "platform.yaml"),
        ("contract", "show", "-C", "shop"),
        ("contract", "diff", "-C", "shop"),
        ("contract", "notices", "-C", "shop"),
    ],
    ids=" ".join,
)
def test_an_emulated_environment_is_marked(
    shop: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    code = ExitCode.UNRECORDED if words[:2] == ("contract", "diff") else ExitCode.DONE  # nothing is recorded yet
    assert invoke([*words, "-e", "demo", "--emulate"]) == code
    assert "demo  emulated" in capsys.readouterr().out
    assert invoke([*words, "-e", "demo", "--emulate", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["emulated"] is True


def test_doctor_needs_no_plugin_of_an_emulated_cloud(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An emulated run needs no plugin: doctor once failed for a complete machine."""
    (shop / "platform.yaml").write_text(PLATFORM + "    components: {secret: secret-manager-secret}\n")
    invoke(["doctor", "-C", "shop", "-e", "demo", "--emulate", "--json"])
    checks = {one["check"]: one for one in json.loads(capsys.readouterr().out)}
    assert "gcp" not in checks["plugins"]["found"]


def test_applying_a_mesh_marks_an_emulated_environment(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = invoke(["mesh", "apply", str(MESH), "-e", "demo", "--emulate", "--yes", "--platform", "platform.yaml"])
    shown = capsys.readouterr()
    assert (code, shown.out.splitlines()[0]) == (ExitCode.DONE, "mesh  demo  emulated"), shown.err


@pytest.mark.parametrize(("form", "head"), [("tree", "mesh  "), ("mermaid", "%% mesh  "), ("dot", "// mesh  ")])
def test_a_drawing_marks_an_emulated_environment(
    shop: Path, capsys: pytest.CaptureFixture[str], form: str, head: str
) -> None:
    where = ["-e", "demo", "--emulate", "--platform", "platform.yaml"]
    invoke(["mesh", "apply", str(MESH), *where, "--yes"])
    capsys.readouterr()
    assert invoke(["mesh", "show", *where, "--format", form]) == ExitCode.DONE
    assert capsys.readouterr().out.startswith(f"{head}demo  emulated\n")


def test_requests_mark_an_emulated_environment(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALCHEMESH_USER", AMELIA)
    platform = emulate(load_platform(shop / "platform.yaml", "demo", home()))
    with Registry.open(platform.registry) as registry:
        record_airport(registry, "demo")
    where = ["-e", "demo", "--emulate", "--platform", "platform.yaml"]
    ask = ["access", "request", RESTRICTED, "--purpose", "a study", "--as", f"user:{AMELIA}"]
    assert invoke([*ask, *where, "--json"]) == ExitCode.DONE, capsys.readouterr().err
    asked = json.loads(capsys.readouterr().out)
    assert asked["emulated"] is True
    invoke(["access", "list", *where])
    assert capsys.readouterr().out.startswith("requests  demo  emulated\n\nREQUEST ")
    invoke(["access", "show", asked["request"], *where])
    assert capsys.readouterr().out.splitlines()[0] == f"{asked['request']}  requested  demo  emulated"
