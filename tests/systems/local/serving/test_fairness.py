"""Priorities of consumers: a greedy one waits for others, and only for them."""

from __future__ import annotations

import threading
from contextlib import suppress

import psutil
import psycopg
import pytest

from alchemesh_platform.systems.local.data_api.serving.consumers.roles import keep_roles
from alchemesh_platform.systems.local.data_api.serving.place import Place
from tests.systems.local.serving.conftest import CONSUMER, as_consumer
from tests.waiting import arguments_of, until

pytestmark = pytest.mark.slow

BUSY = "SELECT count(*) FROM pg_class a, pg_class b, pg_class c, pg_class d"


def test_a_busy_consumer_waits_only_while_another_one_is_connected(place: Place) -> None:
    """A consumer that was alone waited for every other program of the machine."""
    keep_roles(place, [CONSUMER, "bob"])
    with as_consumer(place) as busy:
        server = process_of(CONSUMER)
        thread = threading.Thread(target=lambda: cancelled(busy))
        thread.start()
        try:
            until(lambda: sum(server.cpu_times()[:2]) > 1, "it uses much of the processor")
            usual = psutil.Process(server.ppid()).nice()
            assert server.nice() == usual
            with as_consumer(place, "bob"):
                until(lambda: server.nice() > usual, "it waits for the other one")
        finally:
            busy.cancel()
            thread.join(60)


def process_of(user: str) -> psutil.Process:
    """The PostgreSQL process of a consumer. In its enclosure it has another number."""
    (found,) = (
        process
        for process in psutil.Process().children(recursive=True)
        if f"postgres: {user} " in " ".join(arguments_of(process))
    )
    return found


def cancelled(connection: psycopg.Connection[object]) -> None:
    """Run the busy statement until it is cancelled."""
    with suppress(psycopg.errors.QueryCanceled):
        connection.execute(BUSY)
