"""Ports of this machine that belong to a server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.machine.servers import ports
from alchemesh_platform.machine.servers import reservations as module
from alchemesh_platform.machine.servers.ports import free_port
from alchemesh_platform.machine.servers.reservations import (
    Reservation,
    held_by_another,
    release,
    reservations,
    reserve,
    reserved_for,
)
from tests.waiting import until

OWNER = "shop/orders/orders-table"
HTTP = Reservation(20_001, OWNER, "dev", "http_port")


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))


def test_reserved_port_belongs_to_one_environment() -> None:
    assert reserve(HTTP) is None
    assert reserved_for(OWNER, "dev", "http_port") == 20_001
    assert reserved_for(OWNER, "local", "http_port") is None
    assert held_by_another(20_001, OWNER, "dev") is None
    assert held_by_another(20_001, OWNER, "local") == HTTP
    assert reserve(Reservation(20_001, "shop/other/table", "dev", "http_port")) == HTTP


def test_another_port_replaces_the_first() -> None:
    reserve(HTTP)
    reserve(Reservation(20_002, OWNER, "dev", "http_port"))
    assert [one.port for one in reservations()] == [20_002]


def test_removed_server_gets_its_port_back() -> None:
    reserve(HTTP)
    release(OWNER, "dev", forget=False)
    assert reserved_for(OWNER, "dev", "http_port") == 20_001
    assert held_by_another(20_001, OWNER, "local") is None


def test_another_server_can_ask_for_a_released_port() -> None:
    reserve(HTTP)
    release(OWNER, "dev", forget=False)
    other = Reservation(20_001, "shop/other/table", "dev", "http_port")
    assert reserve(other) is None
    assert reservations() == [other]


def test_port_of_deleted_data_is_forgotten() -> None:
    reserve(HTTP)
    release(OWNER, "dev", forget=True)
    assert reservations() == []


def test_free_ports_leave_out_reserved_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_order", iter([20_001, 20_002]))
    monkeypatch.setattr(ports, "is_free", lambda _host, _port: True)
    reserve(HTTP)
    assert free_port("127.0.0.1") == 20_002


def test_one_of_many_concurrent_servers_gets_a_port() -> None:
    ready, refused = threading.Barrier(8), list[Reservation | None]()

    def ask(number: int) -> None:
        ready.wait()
        refused.append(reserve(Reservation(20_001, f"shop/orders/table-{number}", "dev", "http_port")))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused.count(None) == 1
    assert len(reservations()) == 1


def test_a_server_asks_while_another_one_reserves_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one looked before the first had written, and then overwrote its reservation: both had the port."""
    others = Reservation(20_001, "shop/other/table", "dev", "http_port")
    answers: list[Reservation | None] = []
    other = threading.Thread(target=lambda: answers.append(reserve(others)))
    waits = threading.Event()
    real_look, real_lock = module.held_by_another, module._locked

    def look(*asked: Any) -> Reservation | None:
        found = real_look(*asked)
        if threading.current_thread() is not other:
            other.start()
            until(lambda: waits.is_set() or not other.is_alive(), "the other asks")
        return found

    @contextmanager
    def lock() -> Iterator[None]:
        if threading.current_thread() is other:
            waits.set()
        with real_lock():
            yield

    monkeypatch.setattr(module, "held_by_another", look)
    monkeypatch.setattr(module, "_locked", lock)
    answers.append(reserve(HTTP))
    other.join()
    assert sorted(answers, key=str) == [None, HTTP]
    assert reservations() == [HTTP]


def test_unreadable_reservation_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "home" / "ports").mkdir(parents=True)
    (tmp_path / "home" / "ports" / "20001.json").write_text("{")
    assert reservations() == []
    assert reserve(HTTP) is None
