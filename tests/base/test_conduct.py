"""The conduct of code of other packages: it ends no process, blocks no command, and does not write into its result."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import pytest

from alchemesh_platform.base.packages import conduct
from alchemesh_platform.base.packages.conduct import Ended, StoppedByHand, contained, in_time, step
from tests.waiting import LONGEST


class NoText(BaseException):
    """An error that cannot be printed."""

    def __str__(self) -> NoReturn:
        raise ValueError


def raised_in(error: BaseException) -> None:
    with contained("acme"):
        raise error


@pytest.mark.parametrize(
    ("error", "text"),
    [(SystemExit(0), "SystemExit: 0"), (NoText(), "NoText: (its text cannot be read)"), (GeneratorExit(), "Gener")],
)
def test_an_error_that_ends_programs_becomes_a_common_one_with_its_name(error: BaseException, text: str) -> None:
    with pytest.raises(Ended) as ended:
        raised_in(error)
    assert conduct.described(ended.value).startswith(text)
    assert conduct.speaker() == ""


def test_ctrl_c_of_the_person_ends_the_command() -> None:
    with pytest.raises(KeyboardInterrupt):
        raised_in(KeyboardInterrupt())
    with ThreadPoolExecutor() as pool, pytest.raises(Ended):  # Python never raises Ctrl-C in such a thread
        pool.submit(raised_in, KeyboardInterrupt()).result(LONGEST)


def test_exit_of_the_process_is_an_error_of_other_packages_only() -> None:
    with pytest.raises(Ended, match=r"^os\._exit\(0\)$"), contained("acme"):
        os._exit(0)
    with contained("acme"):
        child = os.fork()
        if not child:
            os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    """An event for which a call can wait; it is set after the test."""
    waits = threading.Event()
    yield waits
    waits.set()


def test_each_step_has_a_time_limit_of_its_own(hang: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conduct, "CALL_SECONDS", 0.2)
    given_up = list[str]()

    def call() -> None:
        with step("the first step", ValueError, lambda: given_up.append("first")):
            pass
        with step("the second step", LookupError, lambda: given_up.append("second")):
            hang.wait()

    with pytest.raises(LookupError, match=r"^the second step does not end within 0\.2 s$"):
        in_time(call, "the call")
    assert given_up == ["second"]


def test_a_call_that_takes_long_is_named_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(conduct, "LONG_SECONDS", 0.01)
    written = threading.Event()
    write = sys.stderr.write

    def watched(text: str) -> int:
        written.set()
        return write(text)

    monkeypatch.setattr(sys.stderr, "write", watched)
    assert in_time(lambda: written.wait(LONGEST), "its check")
    assert capsys.readouterr().err == "note: its check has taken 0.01 s; it is given up after 60 s\n"


def test_a_call_is_given_up_when_the_command_stops(hang: threading.Event) -> None:
    def call() -> None:
        conduct.stop()
        hang.wait()

    try:
        with pytest.raises(StoppedByHand, match=r"^its check was stopped by hand$"):
            in_time(call, "its check")
    finally:
        conduct.resume()
