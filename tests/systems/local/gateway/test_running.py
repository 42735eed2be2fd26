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
from typing import Any

import psutil
import psycopg
import pytest

from alchemesh_platform.systems.local.data_api.gateway.files import ACCESS_LOG
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.server import DataApi, Endpoints, deploy_product, trouble
from alchemesh_platform.systems.local.data_api.serving.limits import Limits
from alchemesh_platform.systems.local.data_api.serving.place import connect as administer
from tests.systems.local.gateway.answers import GRANTED, REFUSED, answers, connect, grant, query, web
from tests.systems.local.supervised import named_below, processes_below, supervisor_pid
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
