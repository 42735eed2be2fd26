"""`alchemesh whoami` and `alchemesh login` with the local user and with a real provider."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.registry.records import DomainRecord, TeamRecord, UserRecord
from alchemesh_platform.registry.store import Registry
from tests.identity.issuing import AMELIA, CLIENT, Issuer


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of a registry with the user Amelia."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'registry.db'}"
    with Registry.open(url) as opened:
        opened.put(UserRecord(environment="prod", address=AMELIA, name="Amelia", personas=("data_product_owner",)))
        opened.put(
            TeamRecord(
                environment="prod",
                address="aviation/flight-data",
                domain="aviation",
                name="flight-data",
                team_kind="data_product_team",
                members=(AMELIA,),
            )
        )
    return url


def platform(registry: str, identity: str) -> None:
    Path("platform.yaml").write_text(
        "kind: Platform\nname: acme\nenvironments:\n"
        f"  prod: {{extends: builtin/local, registry: '{registry}', identity: {identity}}}\n"
    )


def oidc(issuer: Issuer) -> str:
    return f"{{provider: oidc, issuer: '{issuer.url}', audience: {CLIENT}, client: {CLIENT}}}"


def test_the_local_user_is_trusted_and_whoami_says_so(
    registry: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    platform(registry, "{provider: local}")
    monkeypatch.setenv("ALCHEMESH_USER", AMELIA)
    assert invoke(["whoami", "-e", "prod"]) == ExitCode.DONE
    assert capsys.readouterr().out == (
        f"{AMELIA}  prod\nnot verified: a user of this machine\n"
        "name      Amelia\npersonas  data_product_owner\nteams     aviation/flight-data\n"
    )


def test_a_missing_mesh_is_reported(
    registry: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALCHEMESH_USER", "bo@airport.example")
    monkeypatch.setenv("ALCHEMESH_HOME", "home")
    assert invoke(["whoami"]) == ExitCode.DONE
    assert "no mesh is recorded in local: `alchemesh mesh apply` records its users" in capsys.readouterr().out
    assert not Path("home").exists()
    platform(registry, "{provider: local}")  # a registry that holds the mesh of another environment
    with Registry.open(registry) as opened:
        opened.remove(UserRecord, "prod", AMELIA)
    assert invoke(["whoami", "-e", "prod"]) == ExitCode.DONE
    assert "no mesh is recorded in prod" in capsys.readouterr().out


def test_a_user_outside_the_mesh_gets_a_hint_to_join_it(
    registry: str, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    platform(registry, "{provider: local}")
    monkeypatch.setenv("ALCHEMESH_USER", AMELIA.replace("amelia", "ameila"))
    assert invoke(["whoami", "-e", "prod"]) == ExitCode.DONE
    reported = capsys.readouterr().out
    assert (
        f"no user of the mesh in prod, which has others: did you mean '{AMELIA}'? ALCHEMESH_USER says which" in reported
    )
    assert "add a new person to the users of the mesh repo, then `alchemesh mesh apply -e prod`" in reported
    monkeypatch.setenv("ALCHEMESH_USER", "somebody@elsewhere.example")
    assert invoke(["whoami", "-e", "prod", "--json"]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert (document["mesh"], document["name"], document["personas"]) == (True, None, None)
    # A verified user gets no suggestion of another user.
    platform(registry, oidc(issuer))
    monkeypatch.setenv("ALCHEMESH_TOKEN", issuer.token())
    with Registry.open(registry) as opened:
        opened.remove(UserRecord, "prod", AMELIA)
        opened.put(UserRecord(environment="prod", address=AMELIA.replace("amelia", "ameila"), name="Ameila"))
    assert invoke(["whoami", "-e", "prod"]) == ExitCode.DONE
    reported = capsys.readouterr().out
    wanted = "add yourself to the users of the mesh repo, then `alchemesh mesh apply -e prod`"
    assert f"which has others: {wanted}" in reported


def test_a_token_identifies_a_user_and_is_not_shown(
    registry: str, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    platform(registry, oidc(issuer))
    token = issuer.token()
    monkeypatch.setenv("ALCHEMESH_TOKEN", token)
    assert invoke(["whoami", "-e", "prod", "--json"]) == ExitCode.DONE
    reported = capsys.readouterr()
    assert json.loads(reported.out) == {
        "schema": "alchemesh/identity/1",
        "environment": "prod",
        "subject": AMELIA,
        "issuer": issuer.url,
        "proven": True,
        "mesh": True,
        "name": "Amelia",
        "personas": ["data_product_owner"],
        "teams": ["aviation/flight-data"],
    }
    assert token not in reported.out + reported.err


def test_a_command_without_a_login_starts_nothing(
    registry: str, issuer: Issuer, capsys: pytest.CaptureFixture[str]
) -> None:
    platform(registry, oidc(issuer))
    assert invoke(["init", "orders"]) == ExitCode.DONE
    (Path("orders") / "platform.yaml").write_text(Path("platform.yaml").read_text())
    for command in (["up", "--yes"], ["destroy", "--yes"], ["refresh", "--yes"], ["run"]):
        assert invoke([*command, "-C", "orders", "-e", "prod"]) == ExitCode.FORBIDDEN
        assert "no user is signed in: ALCHEMESH_TOKEN has no value here" in capsys.readouterr().err


@pytest.mark.slow
def test_a_login_lasts_until_it_is_forgotten(registry: str, issuer: Issuer, capsys: pytest.CaptureFixture[str]) -> None:
    platform(registry, oidc(issuer))
    command = [sys.executable, "-m", "alchemesh_cli", "login", "-e", "prod"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as login:
        assert login.stderr is not None
        line = login.stderr.readline()
        asked = re.match(r"open (\S+) and enter the code \S+", line)
        assert asked, line + login.stderr.read()
        issuer.enter(asked[1])
        assert login.stderr.read() == f"signed in as {AMELIA}\n"
    assert login.returncode == ExitCode.DONE
    assert invoke(["whoami", "-e", "prod"]) == ExitCode.DONE
    assert f"verified by {issuer.url}" in capsys.readouterr().out
    assert invoke(["login", "-e", "prod", "--forget"]) == ExitCode.DONE
    assert invoke(["whoami", "-e", "prod"]) == ExitCode.FORBIDDEN


def test_the_local_user_needs_no_login(registry: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["login"]) == ExitCode.USAGE
    assert "this environment has no login" in capsys.readouterr().err


def test_a_client_that_the_provider_does_not_know_is_refused(
    registry: str, issuer: Issuer, capsys: pytest.CaptureFixture[str]
) -> None:
    platform(registry, oidc(issuer).replace(f"client: {CLIENT}", "client: nobody"))
    assert invoke(["login", "-e", "prod"]) == ExitCode.FORBIDDEN
    assert "refuses the login: invalid_client" in capsys.readouterr().err


def test_a_pipeline_operates_the_products_that_the_platform_file_maps_it_to(
    registry: str, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Registry.open(registry) as opened:
        for name in ("retail", "mail"):
            opened.put(DomainRecord(environment="prod", address=name, type="aggregated", owner=AMELIA))
    mapped = "{name: orders, claims: {sub: 'repo:acme/orders:*'}, products: [retail/orders], operations: [up, run]}"
    platform(registry, oidc(issuer).replace("}", f", pipelines: [{mapped}]}}"))
    claims = issuer.claims(sub="repo:acme/orders:environment:prod", email=None)
    monkeypatch.setenv("ALCHEMESH_TOKEN", issuer.signed(claims))

    assert invoke(["whoami", "-e", "prod", "--on", "retail/orders", "--json"]) == ExitCode.DONE
    shown = json.loads(capsys.readouterr().out)
    assert (shown["subject"], shown["proven"], shown["on"]) == (claims["sub"], True, "retail/orders")
    allowed = {right["operation"] for right in shown["rights"] if right["allowed"]}
    assert allowed == {"up", "run"}
    assert invoke(["whoami", "-e", "prod", "--on", "retail/shoes"]) == ExitCode.DONE
    printed = capsys.readouterr().out
    assert "pipeline orders of the platform file" in printed
    assert "✗ up" in printed and "(policy operate-product)" in printed
    assert invoke(["whoami", "-e", "prod", "--on", "retial/orders"]) == ExitCode.USAGE
    assert "the mesh of prod has no product retial/orders and no domain retial" in capsys.readouterr().err
