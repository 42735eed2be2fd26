"""Concurrent and killed writers: no record is lost, written twice or half written."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from alchemesh_platform.registry.records import Change, ProductRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.writes import Key

WRITER = Path(__file__).with_name("writer.py")
WAIT_SECONDS = 180


def product(environment: str, name: str, version: str = "1.0.0") -> ProductRecord:
    return ProductRecord(
        environment=environment,
        address=f"d/{name}",
        team="team",
        owner="owner@example.org",
        version=version,
        lifecycle="stable",
    )


@contextmanager
def writers(count: int, *arguments: str) -> Iterator[list[subprocess.Popen[str]]]:
    """A number of concurrent writers; killed at the end if they still run."""
    started = [
        subprocess.Popen(
            [sys.executable, WRITER, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        for _ in range(count)
    ]
    try:
        for writer in started:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        yield started
    finally:
        for writer in started:
            writer.kill()
            writer.communicate()


def go(writer: subprocess.Popen[str]) -> None:
    assert writer.stdin is not None
    writer.stdin.write("go\n")
    writer.stdin.flush()


def assert_history_agrees(registry: Registry, environment: str) -> None:
    """Every record matches its last line of history, and its lines follow from one another."""
    lines: dict[str, list[Change]] = {}
    for line in reversed(registry.history(environment)):
        lines.setdefault(line.address, []).append(line)
    for history in lines.values():
        standing = False
        for line in history:
            assert standing == (line.change != "created"), history
            standing = line.change != "removed"
    reported = {address: history[-1].document for address, history in lines.items() if history[-1].change != "removed"}
    assert reported == {
        found.address: found.model_dump(mode="json") for found in registry.all(ProductRecord, environment)
    }


@pytest.mark.slow
def test_concurrent_processes_on_a_new_registry_all_write(fresh_url: str, environment: str) -> None:
    with writers(3, fresh_url, environment, "keys", "12") as started:
        for writer in started:
            go(writer)
        outcomes = [writer.communicate(timeout=WAIT_SECONDS)[0].split() for writer in started]
        assert [writer.returncode for writer in started] == [0] * 3

    reported = Counter(word for words in outcomes for word in words)
    with Registry.open(fresh_url) as registry:
        assert len(registry.all(ProductRecord, environment)) == 3 * 12 + 3
        # The answers to each writer match the history: nothing twice, nothing lost.
        assert Counter(line.change for line in registry.history(environment)) == reported
        assert reported["created"] == 3 * 12 + 3
        assert_history_agrees(registry, environment)


def test_threads_share_one_registry(fresh_url: str, environment: str) -> None:
    with Registry.open(fresh_url) as registry:
        barrier = threading.Barrier(8, timeout=WAIT_SECONDS)

        def act(thread: int) -> Counter[str]:
            reported: Counter[str] = Counter()
            barrier.wait()
            for number in range(20):
                shared = product(environment, f"shared-{number % 4}", f"{number}.0.{thread}")
                if number % 5 == 4:
                    reported["removed"] += registry.remove(ProductRecord, environment, shared.address)
                else:
                    reported[registry.put(shared)] += 1
                found = registry.get(ProductRecord, environment, shared.address)
                assert found is None or found.address == shared.address
            return reported

        with ThreadPoolExecutor(8) as pool:
            reported = sum(pool.map(act, range(8)), Counter())

        assert Counter(line.change for line in registry.history(environment)) == reported
        assert_history_agrees(registry, environment)


def test_writers_of_the_same_several_records_do_not_block_each_other(fresh_url: str, environment: str) -> None:
    """Each writer has another order of records: locked in that order, two of them would wait for each other."""
    with Registry.open(fresh_url) as registry:
        barrier = threading.Barrier(4, timeout=WAIT_SECONDS)

        def act(thread: int) -> None:
            barrier.wait()
            for number in range(15):
                records = [product(environment, name, f"{number}.0.{thread}") for name in ("a", "b", "c")]
                if thread % 2:
                    records.reverse()
                registry.write(records, [Key(ProductRecord, environment, f"d/{'zy'[thread % 2]}")])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(act, range(4)))

        versions = {found.version for found in registry.all(ProductRecord, environment)}
        assert len(versions) == 1, "three records of one write stand together"
        assert_history_agrees(registry, environment)


@pytest.mark.slow
def test_killed_between_record_and_history_leaves_neither(fresh_url: str, environment: str) -> None:
    with writers(1, fresh_url, environment, "die") as (writer,):
        go(writer)
        writer.wait(WAIT_SECONDS)
        assert writer.returncode == -signal.SIGKILL

    with Registry.open(fresh_url) as registry:
        assert registry.get(ProductRecord, environment, "d/never") is None
        assert registry.history(environment) == []
        assert registry.put(product(environment, "never")) == "created"


@pytest.mark.slow
@pytest.mark.parametrize("acknowledged", [1, 30])
def test_killed_at_any_moment_keeps_acknowledged_records(fresh_url: str, environment: str, acknowledged: int) -> None:
    with writers(1, fresh_url, environment, "forever") as (writer,):
        go(writer)
        assert writer.stdout is not None
        for _ in range(acknowledged):
            last = int(writer.stdout.readline())
        writer.kill()
        last = max([last, *(int(line) for line in writer.stdout.read().splitlines()[:-1])])

    with Registry.open(fresh_url) as registry:
        assert_history_agrees(registry, environment)
        written = len(registry.history(environment))
        assert written >= last + 1
        assert registry.put(product(environment, "after")) == "created"
