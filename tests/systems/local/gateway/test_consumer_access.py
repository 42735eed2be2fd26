"""Only consumers with a grant and its credential have access."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from alchemesh_platform.base.secrets import mask
from alchemesh_platform.systems.local.data_api.gateway.consumers import (
    Entry,
    locked,
    read_entries,
    remove_entry,
    write_entry,
)
from alchemesh_platform.systems.local.data_api.gateway.credentials import CredentialFailed, Issued, user_name
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.grants import grant_access, join, revoke_access
from alchemesh_platform.systems.local.data_api.gateway.issue import issue
from alchemesh_platform.systems.local.data_api.server import DataApi, Endpoints, deploy_product, take_down
from tests.systems.local.gateway.answers import GRANTED, REFUSED, answers, connect, grant, query, web
from tests.waiting import until


def test_the_gateway_requires_a_valid_credential(endpoints: Endpoints, gateway: Gateway) -> None:
    assert answers(endpoints, None) == REFUSED
    right = grant(gateway, "req-wrong")
    assert answers(endpoints, Issued(right.user, "wrong")) == REFUSED
    assert answers(endpoints, Issued(right.user, "")) == REFUSED
    assert answers(endpoints, Issued("nobody", right.password)) == REFUSED
    assert answers(endpoints, right) == GRANTED


def test_a_grant_without_a_credential_gives_no_access(endpoints: Endpoints, gateway: Gateway) -> None:
    entry = grant_access(gateway, consumer="ops/punctuality", request="req-alone")
    assert answers(endpoints, Issued(entry.user, "")) == REFUSED


def test_a_new_credential_replaces_the_old_one(endpoints: Endpoints, gateway: Gateway) -> None:
    old = grant(gateway, "req-rotate")
    new = issue(gateway, old.user)
    assert new.password != old.password
    assert (answers(endpoints, old), answers(endpoints, new)) == (REFUSED, GRANTED)
    grant_access(gateway, consumer="ops/punctuality", request="req-rotate")
    assert answers(endpoints, new) == GRANTED, "granting again keeps the credential"


def test_a_revoked_consumer_loses_access_immediately_and_others_keep_it(endpoints: Endpoints, gateway: Gateway) -> None:
    leaves, stays = grant(gateway, "req-leaves"), grant(gateway, "req-stays")
    with connect(endpoints, leaves) as theirs, connect(endpoints, stays) as others:
        assert query(theirs, "SELECT id FROM flight") == query(others, "SELECT id FROM flight") == [("UA1",)]
        revoke_access(gateway, "req-leaves")
        with pytest.raises(psycopg.OperationalError):
            query(theirs, "SELECT id FROM flight")
        assert query(others, "SELECT id FROM flight") == [("UA1",)]
    assert (answers(endpoints, leaves), answers(endpoints, stays)) == (REFUSED, GRANTED)
    revoke_access(gateway, "req-leaves")


def test_a_product_has_access_by_the_grant_of_its_team_until_that_ends(endpoints: Endpoints, gateway: Gateway) -> None:
    with pytest.raises(CredentialFailed, match="gives no access for req-team"):
        join(gateway, consumer="ops/punctuality", request="req-team")
    team = issue(gateway, grant_access(gateway, consumer="ops/desk", request="req-team").user)
    product = issue(gateway, join(gateway, consumer="ops/punctuality", request="req-team").user)
    assert product.user != team.user
    assert [answers(endpoints, one) for one in (team, product)] == [GRANTED, GRANTED]
    grant_access(gateway, consumer="ops/desk", request="req-team", ends_at=datetime.now(UTC) - timedelta(seconds=1))
    assert [answers(endpoints, one) for one in (team, product)] == [REFUSED, REFUSED]
    grant_access(gateway, consumer="ops/desk", request="req-team")
    assert [answers(endpoints, one) for one in (team, product)] == [GRANTED, GRANTED]
    revoke_access(gateway, "req-team")
    assert [answers(endpoints, one) for one in (team, product)] == [REFUSED, REFUSED]


@pytest.mark.slow
def test_access_expires_without_a_command(endpoints: Endpoints, gateway: Gateway) -> None:
    short = grant(gateway, "req-short")
    stays = grant(gateway, "req-longer", datetime.now(UTC) + timedelta(days=1))
    with connect(endpoints, short) as theirs:
        assert query(theirs, "SELECT id FROM flight") == [("UA1",)]
        # Set the end only now: on a busy machine it would pass before they connect.
        grant_access(
            gateway,
            consumer="ops/punctuality",
            request="req-short",
            ends_at=datetime.now(UTC) + timedelta(seconds=6),
        )
        until(lambda: answers(endpoints, short) == REFUSED, "it ends")
        with pytest.raises(psycopg.OperationalError):
            query(theirs, "SELECT 1")
    with locked(gateway.folder):  # until the reload ends: a login in that moment may need a retry
        pass
    assert answers(endpoints, stays) == GRANTED
    past = grant(gateway, "req-past", datetime.now(UTC) - timedelta(seconds=1))
    assert answers(endpoints, past) == REFUSED


def test_a_consumer_has_access_to_its_own_database_only(endpoints: Endpoints, gateway: Gateway) -> None:
    one, other = grant(gateway, "req-one"), grant(gateway, "req-other")
    for database in (other.user, "owner", "pgbouncer", "postgres"):
        with pytest.raises(psycopg.OperationalError):
            connect(endpoints, one, database)


def test_the_credential_of_one_data_api_is_refused_at_another(
    api: DataApi, endpoints: Endpoints, gateway: Gateway
) -> None:
    mine = grant(gateway, "req-mine")
    other = DataApi("gates-table", api.run_directory, api.tables, api.protocols)
    try:
        there = deploy_product(other)
        theirs = Gateway(other.run_directory, other.process)
        grant_access(theirs, consumer="ops/punctuality", request="req-mine")
        assert answers(there, mine) == REFUSED
        assert answers(there, issue(theirs, mine.user)) == GRANTED
        assert answers(endpoints, mine) == GRANTED
    finally:
        take_down(other)


def test_two_concurrent_grants_both_give_access(endpoints: Endpoints, gateway: Gateway) -> None:
    issued: list[Issued] = []
    threads = [
        threading.Thread(target=lambda number=number: issued.append(grant(gateway, f"req-at-once-{number}")))
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answers(endpoints, one) for one in issued] == [GRANTED] * 4


@pytest.mark.slow
def test_hundreds_of_concurrent_grants_all_give_access(endpoints: Endpoints, gateway: Gateway) -> None:
    template = grant(gateway, "req-template")
    hashes = next(entry for entry in read_entries(gateway.folder) if entry.user == template.user)
    for number in range(400):
        user = user_name("ops/many", f"req-{number}")
        write_entry(gateway.folder, hashes.model_copy(update={"user": user, "request": f"req-{number}"}))
    last = grant(gateway, "req-last")
    some = [Issued(user_name("ops/many", f"req-{number}"), template.password) for number in (0, 200, 399)]
    assert [answers(endpoints, one) for one in (*some, last)] == [GRANTED] * 4
    revoke_access(gateway, "req-200")
    assert [answers(endpoints, one) for one in some] == [GRANTED, REFUSED, GRANTED]
    for number in range(400):
        (gateway.folder / "consumers" / f"{user_name('ops/many', f'req-{number}')}.json").unlink(missing_ok=True)


def test_a_manual_entry_has_access_and_is_not_adopted(endpoints: Endpoints, gateway: Gateway) -> None:
    user = user_name("ops/punctuality", "req-by-hand")
    write_entry(gateway.folder, Entry(user=user, consumer="a friend"))
    assert answers(endpoints, issue(gateway, user)) == GRANTED
    with pytest.raises(CredentialFailed, match="by hand"):
        grant_access(gateway, consumer="ops/punctuality", request="req-by-hand")
    remove_entry(gateway.folder, user)


def test_an_unreadable_file_changes_no_access(endpoints: Endpoints, gateway: Gateway) -> None:
    broken = gateway.folder / "consumers" / "broken.json"
    broken.write_text('{"user": "broken", "scram": "hunter2"}')
    try:
        assert answers(endpoints, grant(gateway, "req-beside")) == GRANTED
        with pytest.raises(CredentialFailed, match=r"broken.json: .*scram") as refused:
            issue(gateway, "broken")
        assert "hunter2" not in str(refused.value)
    finally:
        broken.unlink()


def test_no_log_of_a_server_holds_a_secret(endpoints: Endpoints, api: DataApi, gateway: Gateway) -> None:
    """The log of requests had the values of parameters. PgBouncer logs only the names that people type."""
    right = grant(gateway, "req-logs")
    typed = "a-wrong-password-that-somebody-typed"
    assert answers(endpoints, right) == GRANTED
    assert answers(endpoints, Issued(right.user, typed)) == REFUSED
    for mistaken in (typed, right.password):
        with pytest.raises(psycopg.Error):
            psycopg.connect(
                endpoints.sql or "", user=right.user, password=right.password, options=f"-c application_name={mistaken}"
            ).execute("SELECT 1/0").fetchall()
        for statement in (f"SELECT '{mistaken}'::int", f'SELECT * FROM "{mistaken}"', f"SELECT {mistaken[:9]!r} '"):
            with connect(endpoints, right) as session, pytest.raises(psycopg.Error):
                query(session, statement)
        bearer = urllib.request.Request(
            f"{endpoints.rest}/tables/flight", headers={"Authorization": f"Bearer {mistaken}"}
        )
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(bearer, timeout=30)
        for place in (f"?password={mistaken}", f"?columns=id&filter[id]={mistaken}"):
            web(f"{endpoints.rest}/tables/flight{place}", right)
        web(str(endpoints.graphql), right, f'{{ flight(filter: {{id: {{eq: "{mistaken}"}}}}) {{ id }} }}')
    own = json.loads(Path(endpoints.credential_file).read_text())["password"]
    secrets = {typed, right.password, own}
    logs = [file for file in api.run_directory.rglob("*") if file.is_file() and ".log" in file.name]
    assert {file.name for file in logs} >= {"access.log", "supervisord.log"}
    found = {
        f"{file.relative_to(api.run_directory)}: {line}"
        for file in logs
        for line in file.read_text(errors="replace").splitlines()
        if mask(line, secrets) != line
    }
    assert not found, "\n".join(sorted(found))
