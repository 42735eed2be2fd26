"""References to objects: modules that print when they are imported, also in several threads at once."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import pytest

from alchemesh_platform.base.packages import reference
from alchemesh_platform.base.packages.conduct import Ended
from alchemesh_platform.base.packages.reference import load_reference
from tests.waiting import LONGEST

SLOW = """
import threading
from alchemesh_platform.base.packages import reference
reference.entered.release()
reference.leave[__name__].wait()
VALUE = __name__
"""


def test_a_module_of_another_package_prints_on_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "a_loud_module.py").write_text("print('hello')\nVALUE = 7\n")

    assert load_reference("a_loud_module:VALUE") == 7
    assert (capsys.readouterr().out, "a_loud_module" in sys.modules) == ("", True)


def test_a_module_that_raises_the_error_of_ctrl_c_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "an_interrupting_module.py").write_text("raise KeyboardInterrupt\n")
    (tmp_path / "a_module_with_ctrl_c.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(Ended):
            load_reference("an_interrupting_module:VALUE")
        with pytest.raises(KeyboardInterrupt):
            load_reference("a_module_with_ctrl_c:VALUE")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_threads_that_import_at_once_leave_stdout_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first to begin ended first, and the second restored what it had found: `status --json` printed on stderr."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names = ("one_slow_module", "other_slow_module")
    leave = {name: threading.Event() for name in names}
    monkeypatch.setattr(reference, "entered", threading.Semaphore(0), raising=False)
    monkeypatch.setattr(reference, "leave", leave, raising=False)
    before, found = sys.stdout, list[object]()
    threads = {}
    for name in names:
        (tmp_path / f"{name}.py").write_text(SLOW)
        threads[name] = threading.Thread(target=lambda name=name: found.append(load_reference(f"{name}:VALUE")))
        threads[name].start()
        assert reference.entered.acquire(timeout=LONGEST)  # type: ignore[attr-defined]
    for name in names:
        leave[name].set()
        threads[name].join(LONGEST)

    assert found == list(names)
    assert sys.stdout is before
