"""A running gateway: killed processes, logged requests, protected secrets."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import psutil
import psycopg
import pytest

from alchemesh_platform.sdk.system.usage import Slots
from alchemesh_platform.systems.local.data_api.gateway.files import ACCESS_LOG
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.grants import revoke_access
from alchemesh_platform.systems.local.data_api.metering.sources import SqlCounters, WebLog
from alchemesh_platform.systems.local.data_api.server import DataApi, Endpoints, deploy_product, trouble
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.serving.place import connect as administer
from tests.machine.supervised import named_below, processes_below, supervisor_pid
from tests.systems.local.gateway.answers import GRANTED, REFUSED, answers, connect, grant, query, web
from tests.waiting import arguments_of, until


@pytest.mark.parametrize("killed", ["caddy", "pgbouncer", "postgres", "python", "bwrap"])
def test_a_killed_process_restarts_and_still_requires_credentials(
    api: DataApi, endpoints: Endpoints, gateway: Gateway, killed: str
) -> None:
    credential = grant(gateway, "req-killed")
    victims = named_below(api.run_directory, killed)
    assert victims
    for victim in victims:
        with suppress(psutil.NoSuchProcess):  # it ended with the former one
            victim.kill()
    until(lambda: answers(endpoints, credential) == GRANTED, "it is back by itself")
    assert answers(endpoints, None) == REFUSED
    assert deploy_product(api) == endpoints
    assert trouble(api, endpoints) is None


def test_a_killed_supervisor_is_replaced_and_consumers_keep_access(
    api: DataApi, endpoints: Endpoints, gateway: Gateway
) -> None:
    credential = grant(gateway, "req-supervisor")
    os.kill(supervisor_pid(api.run_directory), signal.SIGKILL)
    until(lambda: trouble(api, endpoints), "it is noticed")
    assert deploy_product(api) == endpoints
    assert (answers(endpoints, credential), answers(endpoints, None)) == (GRANTED, REFUSED)


def test_only_the_files_of_our_own_credentials_contain_secrets(
    api: DataApi, endpoints: Endpoints, gateway: Gateway
) -> None:
    credential = grant(gateway, "req-secret")
    assert answers(endpoints, credential) == GRANTED
    own = [json.loads((gateway.folder / f"{user}.credential.json").read_text()) for user in ("owner", "health")]
    secrets = [credential.password, *(one["password"] for one in own)]
    found = set()
    for path in api.run_directory.rglob("*"):
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in secrets):
            found.add(path.name)
    assert found == {"owner.credential.json", "health.credential.json"}
    for path in (*gateway.folder.glob("*.json"), *gateway.folder.glob("pgbouncer.*"), *gateway.folder.glob("*/*.json")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    running = processes_below(api.run_directory)
    assert running
    for process in running:
        assert not any(secret in " ".join(arguments_of(process)) for secret in secrets)
        with suppress(psutil.NoSuchProcess):  # the process of a closed connection
            assert not any(secret in str(process.environ()) for secret in secrets)
    assert credential.password not in repr(credential)


def test_each_request_is_logged_with_its_consumer_time_and_size(endpoints: Endpoints, gateway: Gateway) -> None:
    credential = grant(gateway, "req-meter")
    web(f"{endpoints.rest}/tables/flight", credential)
    with connect(endpoints, credential) as connection:
        query(connection, "SELECT id FROM flight")

    def logged() -> list[dict[str, Any]]:
        lines = (gateway.folder / ACCESS_LOG).read_text().splitlines()
        return [entry for line in lines if (entry := json.loads(line))["user_id"] == credential.user]

    until(logged, "it is logged")
    (entry,) = logged()
    assert entry["status"] == 200
    assert entry["size"] == len('[{"id":"UA1"}]')
    assert entry["duration"] > 0
    console = f"host={gateway.sockets / 'console'} port={endpoints.postgres_port} user=pgbouncer dbname=pgbouncer"
    with psycopg.connect(console, autocommit=True) as connection:
        cursor = psycopg.ClientCursor(connection).execute("SHOW STATS")
        names = [column.name for column in cursor.description or ()]
        statistics = {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
    assert statistics[credential.user]["total_query_count"] == 1
    assert statistics[credential.user]["total_sent"] > 0


class Meter:
    """Reads the sources of a gateway, as metering does, and keeps their positions."""

    def __init__(self, gateway: Gateway) -> None:
        self.sources = (WebLog(gateway), SqlCounters(gateway))
        self.positions: dict[str, Any] = {}
        self.gaps: list[str] = []

    def read(self, user: str) -> dict[str, int]:
        """The new requests of a user by protocol."""
        found: dict[str, int] = {}
        for source in self.sources:
            reading = source.read(self.positions.get(source.name), Slots(), datetime.now(UTC))
            self.positions[source.name] = json.loads(json.dumps(reading.position))
            self.gaps += [gap.reason for gap in reading.gaps]
            for count in reading.counts:
                if count.user == user:
                    found[count.protocol] = found.get(count.protocol, 0) + count.requests
        return found

    def until(self, user: str, expected: dict[str, int]) -> None:
        """Read until the expected requests were found: Caddy logs a request after it has answered."""
        found: dict[str, int] = {}

        def complete() -> bool:
            for protocol, number in self.read(user).items():
                found[protocol] = found.get(protocol, 0) + number
            return found == expected

        until(complete, f"{expected} are counted")


def test_usage_is_counted_once_also_of_a_revoked_consumer_and_a_restarted_server(
    api: DataApi, endpoints: Endpoints, gateway: Gateway
) -> None:
    credential = grant(gateway, "req-usage")
    meter = Meter(gateway)
    meter.until(credential.user, {})
    meter.gaps.clear()  # the other tests killed it
    assert answers(endpoints, credential) == GRANTED
    web(f"{endpoints.rest}/tables/flight?limit=10", credential)
    meter.until(credential.user, {"rest": 2, "graphql": 1, "sql": 1})
    assert meter.read(credential.user) == {}

    with connect(endpoints, credential) as connection:
        query(connection, "SELECT id FROM flight")
    revoke_access(gateway, "req-usage")  # before anybody read its counters
    meter.until(credential.user, {"sql": 1})
    again = grant(gateway, "req-usage")
    assert again.user == credential.user
    assert answers(endpoints, again)["sql"] == "granted"
    meter.until(again.user, {"sql": 1, "rest": 1, "graphql": 1})
    assert meter.gaps == []

    (killed,) = named_below(api.run_directory, "pgbouncer")
    killed.kill()
    until(lambda: answers(endpoints, again) == GRANTED, "it is back by itself")
    counted = meter.read(again.user)
    assert counted["sql"] == 1
    assert meter.gaps == [
        "PgBouncer restarted without a last reading: its queries since the one before are not counted"
    ]


def test_rows_of_pages_and_streams_are_counted(endpoints: Endpoints, gateway: Gateway) -> None:
    """The rows of a stream follow it as a trailer, which the gateway logs."""
    credential = grant(gateway, "req-rows")
    web(f"{endpoints.rest}/tables/flight?limit=10", credential)
    web(str(endpoints.graphql), credential, "{ flight { id } }")
    web(f"{endpoints.rest}/tables/flight", credential)
    web(f"{endpoints.rest}/sql", credential, "SELECT generate_series(1, 40) AS n")

    def counted() -> dict[str, tuple[int, int | None]]:
        counts = WebLog(gateway).read(None, Slots(), datetime.now(UTC)).counts
        return {count.protocol: (count.requests, count.rows) for count in counts if count.user == credential.user}

    until(lambda: counted() == {"rest": (3, 42), "graphql": (1, 1)}, "they are counted")


def test_a_statement_ends_when_its_client_leaves(endpoints: Endpoints, gateway: Gateway) -> None:
    """It may take a minute. Nobody reads its answer after a second."""
    credential = grant(gateway, "req-leaves")
    connection = connect(endpoints, credential)
    endless = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b"

    def ask() -> None:
        with suppress(psycopg.Error):
            query(connection, endless)

    def states() -> list[str]:
        sent = "SELECT state FROM pg_stat_activity WHERE usename = %s"
        return [state for (state,) in session.execute(sent, (credential.user,)).fetchall()]

    asking = threading.Thread(target=ask)
    with administer(gateway.place) as session:
        asking.start()
        until(lambda: states() == ["active"], "it runs")
        left = time.monotonic()
        with socket.socket(fileno=os.dup(connection.fileno())) as client:
            client.shutdown(socket.SHUT_RDWR)
        until(lambda: states() == [], "it has ended")
        assert time.monotonic() - left < Limits().statement_seconds / 2
    asking.join()
    connection.close()
