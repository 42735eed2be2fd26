"""A log is read once: through rotation, compression, kills and truncation."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alchemesh_platform.systems.local.data_api.metering import log as logs
from alchemesh_platform.systems.local.data_api.metering.log import LogPosition, LogReading, read_log
from tests.systems.local.metering.logs import Log

PLENTY = 10_000_000


class Reader:
    """Reads a log, and keeps position and lines together, as the registry does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = "{}"
        self.lines: list[bytes] = []
        self.lost: list[str] = []

    def read(self, *, bytes_max: int = PLENTY, killed: bool = False) -> LogReading:
        """Read once; a killed reading leaves nothing."""
        taken: list[bytes] = []
        done = read_log(
            self.path, LogPosition.of(json.loads(self.position)), lambda line: taken.append(line) or True, bytes_max
        )
        if not killed:
            self.lines += taken
            self.lost += done.lost
            self.position = json.dumps(done.position.document())
        return done


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "access.log")


@pytest.fixture
def reader(log: Log) -> Reader:
    return Reader(log.path)


STEPS = st.one_of(
    st.tuples(st.just("write"), st.integers(1, 5)),
    st.tuples(st.just("rotate"), st.booleans()),
    st.tuples(st.just("read"), st.sampled_from([1, 30, PLENTY])),
    st.tuples(st.just("kill"), st.sampled_from([1, PLENTY])),
    st.tuples(st.just("half"), st.just(0)),
)


@settings(deadline=None)
@given(steps=st.lists(STEPS, max_size=25))
def test_each_line_is_read_once_whatever_happens_between(
    steps: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = Log(tmp_path_factory.mktemp("log") / "access.log")
    reader = Reader(log.path)
    written: list[bytes] = []
    half = b""
    for step, number in steps:
        if step == "write":
            for _ in range(number):
                line = half or f"line {len(written)}".encode()
                log.write((b"" if half else line) + b" ends")
                written.append(line + b" ends")
                half = b""
        elif step == "half" and not half:
            half = f"cut line {len(written)}".encode()
            log.cut(half)
        elif step == "rotate" and not half:
            log.rotate(compress=bool(number))
        elif step in ("read", "kill"):
            reader.read(bytes_max=number, killed=step == "kill")
    while reader.read().more:
        pass

    assert sorted(reader.lines) == sorted(written)
    assert reader.lost == []


def test_a_line_is_read_when_it_is_complete(log: Log, reader: Reader) -> None:
    log.cut(b"first\nsec")
    reader.read()
    log.cut(b"ond\n")
    reader.read()

    assert reader.lines == [b"first", b"second"]


def test_a_file_that_is_being_compressed_is_read_from_its_complete_form(log: Log, reader: Reader) -> None:
    log.write(b"first", b"second")
    log.rotate(compress=False)
    (rotated,) = log.path.parent.glob("access-*.log")
    packed = rotated.with_name(f"{rotated.name}.gz")
    packed.write_bytes(gzip.compress(rotated.read_bytes())[:20])
    log.write(b"third")
    reader.read()
    packed.write_bytes(gzip.compress(rotated.read_bytes()))
    rotated.unlink()
    reader.read()

    assert sorted(reader.lines) == [b"first", b"second", b"third"]
    assert reader.lost == []


def test_a_rotation_between_the_look_and_the_opening_hides_no_lines(
    log: Log, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write(b"first")
    reader.read()
    log.write(b"second")
    opening = logs._open

    def rotates(path: Path) -> object:
        monkeypatch.setattr(logs, "_open", opening)
        log.rotate(compress=True)
        log.write(b"third")
        return opening(path)

    monkeypatch.setattr(logs, "_open", rotates)
    reader.read()
    reader.read()

    assert (sorted(reader.lines), reader.lost) == ([b"first", b"second", b"third"], [])


def test_a_removed_file_that_was_not_read_to_its_end_is_reported_once(log: Log, reader: Reader) -> None:
    log.write(b"first")
    reader.read()
    log.write(b"never read")
    log.path.unlink()
    log.write(b"third")
    reader.read()
    reader.read()

    assert reader.lines == [b"first", b"third"]
    assert reader.lost == ["access.log was removed or truncated before it was read to its end"]


@pytest.mark.parametrize("left", [0, 3, 12])
def test_a_truncated_log_is_reported_and_no_line_is_read_twice(log: Log, reader: Reader, left: int) -> None:
    log.write(b"first", b"second", b"third")
    reader.read()
    with log.path.open("r+b") as file:
        file.truncate(left)
    log.write(b"fourth", b"fifth")
    reader.read()
    log.write(b"sixth")
    reader.read()

    twice = [line for line in set(reader.lines) if reader.lines.count(line) > 1]
    assert twice == []
    assert len(reader.lost) == 1
    assert "truncated" in reader.lost[0]
    assert reader.lines[-1] == b"sixth"


def test_a_rewritten_part_is_reported_and_the_next_lines_are_read(log: Log, reader: Reader) -> None:
    log.write(b"first", b"second")
    reader.read()
    log.path.write_bytes(b"first\nSECOND\nthird\n")
    reader.read()
    log.write(b"fourth")
    reader.read()

    assert reader.lines == [b"first", b"second", b"fourth"]
    assert reader.lost == ["access.log was truncated or rewritten: only lines after that are counted"]


def test_a_line_that_is_too_long_is_skipped_in_bounded_memory(
    log: Log, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "READ_BYTES", 1_000)
    monkeypatch.setattr(logs, "LINE_MAX_BYTES", 5_000)
    log.write(b"first", b"x" * 60_000, b"third")
    tracemalloc.start()
    done = reader.read()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (reader.lines, done.unreadable) == ([b"first", b"third"], 1)
    assert peak < 60_000
    log.write(b"fourth")
    reader.read()
    assert reader.lines[-1] == b"fourth"


def test_a_large_log_is_read_in_parts_of_bounded_size(
    log: Log, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "READ_BYTES", 10_000)
    log.write(*(f"line {at:06}".encode() for at in range(10_000)))
    parts = 1
    while reader.read(bytes_max=20_000).more:
        parts += 1

    assert parts >= 6
    assert len(reader.lines) == len(set(reader.lines)) == 10_000


def test_a_missing_log_has_no_lines(reader: Reader) -> None:
    assert (reader.read().lost, reader.lines) == ([], [])
