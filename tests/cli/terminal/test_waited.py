"""Printed times are the time that a person has waited."""

from __future__ import annotations

import subprocess
import sys

import pytest

from alchemesh_cli.terminal import asking, waited


def test_the_time_starts_with_the_process_and_not_with_the_engine() -> None:
    """`preview` printed 0.7 s after 3 s: imports, the lock and the checks did not count."""
    imports = "from alchemesh_cli.terminal.waited import age_of_process as age; import time"
    code = f"{imports}; print(age(), time.process_time())"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    age, busy = (float(number) for number in printed.split())
    assert age > busy / 2 > 0


def test_the_time_for_a_question_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking.click, "confirm", lambda *_args, **_more: True)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    waited.begin(100.0)
    assert waited.seconds() >= 100.0
    asking.confirm("Deploy this?", confirmed=False)
    assert waited.seconds() < 50.0
