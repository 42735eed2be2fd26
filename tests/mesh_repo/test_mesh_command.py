"""`alchemesh mesh apply` at a terminal and in a pipeline."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.mesh_repo.mesh import Mesh, recorded_mesh
from alchemesh_platform.registry.store import Registry
from tests.mesh_repo.meshes import product

USERS = """\
kind: Users
users:
  - {email: amelia@a.example, name: Amelia, personas: [data_product_owner]}
  - {email: bessie@a.example, name: Bessie, personas: [data_product_owner]}
"""
AVIATION = """\
kind: Domain
name: aviation
type: source_aligned
owner: amelia@a.example
teams:
  - {name: flight-data, members: [amelia@a.example]}
source_systems:
  - {name: dispatch, technology: Oracle}
"""
ANSWER_SECONDS = 180


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def repo(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mesh repo, which is the current folder."""
    folder = tmp_path / "mesh"
    folder.mkdir()
    (folder / "users.yaml").write_text(USERS)
    (folder / "aviation.yaml").write_text(AVIATION)
    monkeypatch.chdir(folder)
    return folder


def registry(home: Path) -> Registry:
    return Registry.open(f"sqlite:///{home / 'local' / 'registry.db'}")


def standing(home: Path) -> Mesh:
    with registry(home) as opened:
        return recorded_mesh(opened, "local")


def at_a_terminal(answer: str, *arguments: str) -> tuple[int, str]:
    """Run a command with its input and errors at a terminal; give the answer once it asks."""
    leader, follower = pty.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "alchemesh_cli", *arguments], stdin=follower, stderr=follower, stdout=subprocess.PIPE
        ) as command:
            asked, deadline = b"", time.monotonic() + ANSWER_SECONDS
            while b"[y/N]" not in asked:
                assert time.monotonic() < deadline, asked
                asked += os.read(leader, 1024)
            os.write(leader, f"{answer}\n".encode())
            out, _ = command.communicate(timeout=ANSWER_SECONDS)
        return command.returncode, out.decode()
    finally:
        os.close(leader)
        os.close(follower)


def test_difference_is_shown_and_without_a_terminal_nothing_is_done(
    repo: Path, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: PTH123, SIM115 - also when the tests run at a terminal

    assert invoke(["mesh", "apply"]) == 2

    reported = capsys.readouterr()
    assert reported.out == (
        "mesh  local\n"
        "+ domain         aviation              source_aligned, owner amelia@a.example\n"
        "+ team           aviation/flight-data  data_product_team, 1 member\n"
        "+ source system  aviation/dispatch     Oracle\n"
        "+ user           amelia@a.example      Amelia, data_product_owner\n"
        "+ user           bessie@a.example      Bessie, data_product_owner\n"
        "\n5 to create\n"
    )
    assert reported.err.startswith("error: a confirmation is needed, and there is no terminal\n")
    assert "`--yes`" in reported.err
    assert standing(home) == Mesh()


def test_yes_applies_and_the_second_time_there_is_nothing_to_do(
    repo: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["mesh", "apply", "--yes"]) == 0
    assert capsys.readouterr().out.endswith("\n5 to create\napplied: 5 created\n")
    assert list(standing(home).domains) == ["aviation"]

    assert invoke(["mesh", "apply", "."]) == 0
    assert capsys.readouterr().out == "nothing to change: the mesh in local matches the mesh repo\n"


def test_difference_shows_the_changes_of_a_record(repo: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    invoke(["mesh", "apply", "--yes"])
    changed = (
        AVIATION.replace("owner: amelia", "owner: bessie")
        .replace("members: [amelia@a.example]", "kind: platform_team, members: [bessie@a.example]")
        .partition("source_systems")[0]
        .replace("type: source_aligned", "type: aggregated\ndescription: The airports.")
    )
    (repo / "aviation.yaml").write_text(changed)
    capsys.readouterr()

    assert invoke(["mesh", "apply", "--yes"]) == 0

    assert capsys.readouterr().out == (
        "mesh  local\n"
        "~ domain         aviation\n"
        "    type         source_aligned → aggregated\n"
        "    owner        amelia@a.example → bessie@a.example\n"
        "    description  nothing → The airports.\n"
        "~ team           aviation/flight-data\n"
        "    kind     data_product_team → platform_team\n"
        "    members  + bessie@a.example  - amelia@a.example\n"
        "- source system  aviation/dispatch\n"
        "\n2 to change · 1 to remove\n"
        "applied: 2 changed · 1 removed\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "code", "domains"), [("y", 0, ["aviation"]), ("n", 1, [])])
def test_apply_asks_for_confirmation(repo: Path, home: Path, answer: str, code: int, domains: list[str]) -> None:
    assert at_a_terminal(answer, "mesh", "apply")[0] == code
    assert list(standing(home).domains) == domains


@pytest.mark.slow
def test_json_is_one_document_and_the_question_is_elsewhere(repo: Path, home: Path) -> None:
    code, out = at_a_terminal("y", "mesh", "apply", "--json")

    document = json.loads(out)
    assert code == 0
    assert document["environment"] == "local"
    assert [(change["change"], change["kind"], change["address"]) for change in document["changes"]] == [
        ("created", "domain", "aviation"),
        ("created", "team", "aviation/flight-data"),
        ("created", "source_system", "aviation/dispatch"),
        ("created", "user", "amelia@a.example"),
        ("created", "user", "bessie@a.example"),
    ]


def test_json_in_a_pipeline_holds_fields(repo: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    invoke(["mesh", "apply", "--yes"])
    (repo / "aviation.yaml").write_text(AVIATION.replace("owner: amelia", "owner: bessie"))
    capsys.readouterr()

    assert invoke(["mesh", "apply", "--yes", "--json"]) == 0

    reported = capsys.readouterr()
    (change,) = json.loads(reported.out)["changes"]
    assert change["fields"] == [{"field": "owner", "before": "amelia@a.example", "after": "bessie@a.example"}]
    assert change["record"]["owner"] == "bessie@a.example"
    assert reported.err == ""
    assert invoke(["mesh", "apply", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["changes"]) == ("alchemesh/mesh-changes/1", [])


def test_problems_are_reported_at_their_lines_and_nothing_is_applied(
    repo: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repo / "aviation.yaml").write_text(AVIATION.replace("owner: amelia", "owner: amelai"))

    assert invoke(["mesh", "apply", "--yes"]) == 3

    assert "aviation.yaml:4:8  owner: found 'amelai@a.example'" in capsys.readouterr().err
    assert not home.exists()


def test_removal_of_a_referenced_object_is_refused(repo: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    invoke(["mesh", "apply", "--yes"])
    with registry(home) as opened:
        opened.put(product("local", "aviation/flights"))
    (repo / "aviation.yaml").write_text(AVIATION.replace("flight-data", "tower"))
    capsys.readouterr()

    assert invoke(["mesh", "apply", "--yes"]) == 4

    reported = capsys.readouterr()
    assert reported.out == ""
    assert reported.err == (
        "error: nothing was changed: a thing that would be removed is still referred to\n\n"
        "  team aviation/flight-data: aviation/flights\n\n"
        "hint: change or destroy those products first, reject or revoke those access requests, destroy "
        "domains' stacks with `alchemesh domain destroy`, or keep the referenced things in the mesh repo\n"
    )
    assert list(standing(home).teams) == ["aviation/flight-data"]


def test_folder_without_a_mesh_repo_is_wrong_usage(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()

    assert invoke(["mesh", "apply", str(tmp_path / "empty"), "--yes"]) == 2
    assert capsys.readouterr().err.startswith("error: no mesh repo in ")
    assert invoke(["mesh", "apply", str(tmp_path / "nowhere"), "--yes"]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert not home.exists()


def test_environment_has_a_registry_of_its_own(repo: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "platform.yaml").write_text(
        "kind: Platform\nname: acme\nenvironments:\n"
        f"  prod: {{extends: builtin/local, registry: 'sqlite:///{home / 'prod.db'}'}}\n"
    )

    assert invoke(["mesh", "apply", "-e", "prod", "--yes"]) == 0

    with Registry.open(f"sqlite:///{home / 'prod.db'}") as opened:
        assert list(recorded_mesh(opened, "prod").teams) == ["aviation/flight-data"]
    capsys.readouterr()
    assert invoke(["mesh", "show"]) == 0
    assert capsys.readouterr().out.startswith("nothing is deployed in local yet")
    assert invoke(["mesh", "show", "-e", "prod"]) == 0
    assert capsys.readouterr().out == (
        "aviation  source_aligned  owner amelia@a.example\n"
        "├─ team  flight-data  data_product_team  1 member\n"
        "└─ source system  dispatch  Oracle\n"
    )


@pytest.mark.slow
def test_applying_imports_no_pulumi(repo: Path, home: Path) -> None:
    program = (
        "import sys\n"
        "from alchemesh_cli.main import invoke\n"
        "assert invoke(['mesh', 'apply', '--yes']) == 0\n"
        "found = {'pulumi', 'grpc', 'duckdb', 'deltalake', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'imported: {found}' if found else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
