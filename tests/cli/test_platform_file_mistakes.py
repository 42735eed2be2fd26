"""Common mistakes in a copy of platforms/gcp.yaml: each is reported at its line, with a fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from tests.builtin import ROOT

DEPARTURES = ROOT / "examples" / "departures"
SHIPPED = (ROOT / "platforms" / "gcp.yaml").read_text("utf-8")
KEY = "projects/acme-keys/locations/europe-west1/keyRings/mesh/cryptoKeys"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    return tmp_path


def place_of(text: str) -> str:
    """The place of a text in the shipped file, as problems report it."""
    before = SHIPPED[: SHIPPED.index(text)]
    return f"platform.yaml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


@pytest.mark.parametrize(
    ("there", "instead", "reported", "hint"),
    [
        (
            '["kafka-1.acme.example:9093", "kafka-2.acme.example:9093"]',
            "kafka-1.acme.example",
            "settings.kafka.bootstrap_servers: found 'kafka-1.acme.example', expected a text such as "
            "kafka-1.acme.example:9093",
            "host:port",
        ),
        ("gcpkms://", "", "prod.secrets: found a text that is no address", "gcpkms://projects/"),
        ("gcs-bucket, resource", "gcs-buckte, resource", "transforms[0].component: found 'gcs-buckte'", "'gcs-bucket'"),
        ("kafka:\n", "kafkas:\n", "settings.kafka: found nothing, expected {bootstrap_servers: …}", "'kafkas' is here"),
        (f"{KEY}/storage", "mesh/storage", f"found 'mesh/storage', expected a text such as {KEY}/storage", "buckets"),
        ("{cost_center", "{CostCenter", "found 'CostCenter', expected a text that matches", ""),
    ],
)
def test_a_mistake_is_reported_at_its_line(
    there: str, instead: str, reported: str, hint: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert SHIPPED.count(there) >= 1
    (folder / "platform.yaml").write_text(SHIPPED.replace(there, instead, 1), "utf-8")
    assert invoke(["plan", "-e", "prod", "--platform", "platform.yaml", "-C", str(DEPARTURES)]) == ExitCode.PROBLEMS
    err = capsys.readouterr().err
    assert reported in err
    assert f"{place_of(there).rpartition(':')[0]}:" in err
    assert hint in err.partition("hint: ")[2]
    assert "1 problem\n" in err


@pytest.mark.parametrize(
    ("there", "reported"),
    [
        (
            "        password: {secret: NIFI_PASSWORD}\n",
            "settings.nifi: found a mapping, expected password beside username",
        ),
        (
            "        project_number: 123456789012\n",
            "settings.gcp: found a mapping, expected project_number beside budget",
        ),
    ],
)
def test_incomplete_settings_are_reported(
    there: str, reported: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert there in SHIPPED
    (folder / "platform.yaml").write_text(SHIPPED.replace(there, ""), "utf-8")
    assert invoke(["plan", "-e", "prod", "--platform", "platform.yaml", "-C", str(DEPARTURES)]) == ExitCode.PROBLEMS
    assert reported in capsys.readouterr().err


def test_a_text_that_starts_with_a_brace_needs_quotes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = SHIPPED.replace("team: group:{domain}-{team}@acme.example", "team: {domain}-{team}@acme.example")
    assert written != SHIPPED
    (folder / "platform.yaml").write_text(written, "utf-8")
    assert invoke(["plan", "-e", "prod", "--platform", "platform.yaml", "-C", str(DEPARTURES)]) == ExitCode.PROBLEMS
    assert "quote a text that begins with { or [" in capsys.readouterr().err


def test_arguments_of_another_environment_suggest_the_overlay(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "platform.yaml").write_text(SHIPPED, "utf-8")
    assert invoke(["init", "orders"]) == ExitCode.DONE
    where = ["-e", "prod", "--platform", "platform.yaml"]
    assert invoke(["plan", *where, "-C", "orders"]) == ExitCode.PROBLEMS
    err = capsys.readouterr().err
    assert "found 'data/*.csv', expected a text such as gs://acme-dispatch/departures/" in err
    assert "local-files takes it, storage-transfer does not: what differs in prod goes into alchemesh.prod.yaml" in err

    overlay = folder / "orders" / "alchemesh.prod.yaml"
    overlay.write_text("input_ports:\n  - {name: sales, args: {path: sales/}}\n")
    assert invoke(["plan", *where, "-C", "orders"]) == ExitCode.PROBLEMS
    err = capsys.readouterr().err
    assert "alchemesh.prod.yaml:2:" in err
    assert "what differs" not in err

    overlay.write_text("input_ports:\n  - {name: sales, args: {path: gs://acme-shop/sales/}}\n")
    assert invoke(["plan", *where, "-C", "orders"]) == ExitCode.DONE


def test_a_component_page_has_no_python_terms(capsys: pytest.CaptureFixture[str]) -> None:
    """Periods were of the type timedelta, and groups of settings had a default such as storage=None."""
    assert invoke(["components", "show", "gcs-bucket"]) == ExitCode.DONE
    shown = capsys.readouterr().out
    assert "timedelta" not in shown
    assert "None" not in shown
    assert "text such as europe-west1; required" in " ".join(shown.split())
