"""`alchemesh observe --watch` as a process: it ends cleanly by a signal, and prints slices or changes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from alchemesh_cli.main import invoke
from alchemesh_platform.app.probing.watch import only_watcher
from alchemesh_platform.base.failure import ExitCode
from tests.app.probing.watched import ORDERS, SHOP, recorded, uptime
from tests.commands import start_command


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "ALCHEMESH_HOME": str(home), "ALCHEMESH_USER": "olaf@acme.example", "COLUMNS": "200"}
    return start_command(["observe", "--all", "--watch", *arguments], home, environ)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_watch_ends_cleanly_by_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    platform = recorded(tmp_path)
    metrics = tmp_path / "alchemesh.prom"
    process = start(tmp_path, "--json", "--prometheus", str(metrics))
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    process.send_signal(number)
    rest, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors
    assert first["schema"] == "alchemesh/slice/1"
    assert [(each["port"], each["protocol"], each["outcome"]) for each in first["probes"]] == [(SHOP, "files", "down")]
    documents = [json.loads(line)["schema"] for line in rest.splitlines()]
    assert set(documents) <= {"alchemesh/slice/1", "alchemesh/measurements/1"}
    assert len(uptime(platform)) == 1 + documents.count("alchemesh/slice/1")
    samples = [each for family in text_string_to_metric_families(metrics.read_text()) for each in family.samples]
    (up,) = [
        each.value
        for each in samples
        if each.name == "alchemesh_measure_ratio" and each.labels["measure"].startswith("uptime")
    ]
    assert up == 0, "the metrics of the slice are in the file"


def test_a_second_watch_and_options_without_a_watch_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with only_watcher(recorded(tmp_path)):
        assert invoke(["observe", ORDERS, "--watch"]) == ExitCode.LOCKED
    assert "another process of this machine watches local already" in capsys.readouterr().err
    assert invoke(["observe", ORDERS, "--every", "60s"]) == ExitCode.USAGE
    assert "--every and --measure-every need --watch" in capsys.readouterr().err
    assert invoke(["observe", ORDERS, "--watch", "--every", "1s"]) == ExitCode.USAGE
    assert "use an interval from 10 s to 3600 s" in capsys.readouterr().err
