"""Guarding of the data API on Cloud Run: identity tokens, rights that end, use of each consumer, changed tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from alchemesh_platform.clouds.gcp.emulation.identity_tokens import identity_token
from alchemesh_platform.clouds.gcp.emulation.servers.cloud_run import INVOKER
from tests.clouds.gcp.emulation.cloud_run.running import PROJECT, CloudServing, allow, binding, email_of
from tests.waiting import until

pytestmark = pytest.mark.slow

ROWS = "/api/tables/item?limit=1"


def status(api: CloudServing, **headers: str) -> int:
    return httpx.get(f"{api.url}{ROWS}", headers=headers, timeout=120).status_code


def token(api: CloudServing, email: str, audience: str | None = None, lifetime_seconds: int = 3600) -> str:
    return identity_token(api.store.path.parent, email, audience or api.url, lifetime_seconds=lifetime_seconds)


def test_only_tokens_of_this_service_that_still_hold_pass(cloud_api: CloudServing) -> None:
    email = email_of("ada")
    good = token(cloud_api, email)
    assert status(cloud_api, Authorization=f"Bearer {good}") == 200
    assert status(cloud_api) == 403
    assert status(cloud_api, Authorization="Basic YTpi") == 401
    assert status(cloud_api, Authorization=f"Bearer {token(cloud_api, email, 'https://other.run.app')}") == 401
    assert status(cloud_api, Authorization=f"Bearer {token(cloud_api, email, lifetime_seconds=-600)}") == 401
    assert status(cloud_api, Authorization=f"Bearer {good[:-8]}AAAAAAAA") == 401
    assert status(cloud_api, Authorization=f"Bearer {token(cloud_api, 'bo@acme.example')}") == 403


def test_a_client_cannot_name_another_consumer(cloud_api: CloudServing) -> None:
    """With both headers, Cloud Run checks one only: the other is the client's own text."""
    mine, forged = token(cloud_api, email_of("ada")), "e30.eyJlbWFpbCI6ImJvQGFjbWUuZXhhbXBsZSJ9.x"
    role = "SELECT current_user AS role"
    answers = [
        httpx.post(f"{cloud_api.url}/api/sql", content=role, headers=headers, timeout=60)
        for headers in (
            {"Authorization": f"Bearer {mine}"},
            {"Authorization": f"Bearer {mine}", "X-Alchemesh-Consumer": "alchemesh"},
            {"X-Serverless-Authorization": f"Bearer {mine}", "Authorization": f"Bearer {forged}"},
        )
    ]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()[0]["role"].startswith("c_")
    assert (
        status(cloud_api, **{"X-Serverless-Authorization": f"Bearer {forged}", "Authorization": f"Bearer {mine}"})
        == 401
    )


def test_a_right_that_is_revoked_or_ends_counts_at_once(cloud_api: CloudServing) -> None:
    headers = {"Authorization": f"Bearer {token(cloud_api, email_of('eve'))}"}
    assert status(cloud_api, **headers) == 403
    for ends_at, expected in ((timedelta(days=1), 200), (timedelta(days=-1), 403)):
        end = (datetime.now(UTC) + ends_at).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"title": "t", "expression": f'request.time < timestamp("{end}")'}
        allow(cloud_api.store, cloud_api.id, "eve", condition)
        assert status(cloud_api, **headers) == expected
    allow(cloud_api.store, cloud_api.id, "eve")
    assert status(cloud_api, **headers) == 200
    assert cloud_api.store.remove(INVOKER, binding(cloud_api.id, "eve"))
    assert status(cloud_api, **headers) == 403


def test_the_log_has_the_use_of_each_consumer_and_no_values(cloud_api: CloudServing) -> None:
    with cloud_api.client("ada") as client:
        size = len(client.get("/api/tables/item?limit=2&filter[name]=item 1234").content)

    def used() -> list[dict[str, Any]]:
        # The last line may not be whole yet: a request is logged after its answer.
        lines = [json.loads(line) for line in cloud_api.log().split("\n")[:-1] if line.startswith("{")]
        known = ("GET", "/api/tables/item", 200, size)
        return [
            line
            for line in lines
            if line["consumer"] == email_of("ada")
            and (line["method"], line["path"], line["status"], line["bytes"]) == known
        ]

    until(used, "the log has the request")
    (last,) = used()
    assert last["seconds"] > 0
    assert "1234" not in json.dumps(last)


def test_statements_only_read_and_only_the_served_tables(cloud_api: CloudServing) -> None:
    with cloud_api.client("ada") as client:
        for statement in (
            "INSERT INTO item (id) VALUES (1)",
            "CREATE TABLE x (id int)",
            "SELECT * FROM pg_authid",
            "SELECT pg_read_file('/etc/passwd')",
            "COPY item TO PROGRAM 'id'",
            "SET ROLE alchemesh",
        ):
            assert client.post("/api/sql", content=statement).status_code in (400, 403), statement
        assert client.get("/health").status_code == 404
        assert client.get("/api/tables/item/x").status_code == 404
        assert client.delete("/api/tables/item").status_code == 404


def test_a_changed_table_is_read_again(cloud_api: CloudServing) -> None:
    def ids() -> list[int]:
        with cloud_api.client("ada") as client:
            return [row["id"] for row in client.get("/api/tables/changing?sort=id").json()]

    assert ids() == [1, 2, 3]
    cloud_api.run("INSERT INTO served.changing (id) VALUES (4)")
    until(lambda: ids() == [1, 2, 3, 4], "the new row is served")
    cloud_api.run("CREATE OR REPLACE TABLE served.changing AS SELECT * FROM served.changing WHERE id > 2")
    until(lambda: ids() == [3, 4], "the rows of the new table are served")


def test_a_table_that_cannot_be_loaded_has_its_reason_in_the_log(cloud_api: CloudServing) -> None:
    with cloud_api.client("ada") as client:
        assert client.get("/api/tables/absent").status_code == 503
        assert client.get("/api/tables/changing").status_code == 200, "the others are served"
    reason = next(line for line in cloud_api.log().splitlines() if line.startswith("error: table absent"))
    assert "cannot be loaded: 404" in reason


def test_a_table_that_is_removed_ends_no_instance(cloud_api: CloudServing) -> None:
    """The loader ended with the first look at the missing table, and all tables with it."""
    with cloud_api.client("ada") as client:
        assert client.get("/api/tables/leaving").json() == [{"id": 1}]
        cloud_api.bigquery.remove_table(PROJECT, "served", "leaving")
        until(lambda: "error: table leaving cannot be loaded: 404" in cloud_api.log(), "the loader misses the table")
        cloud_api.run("INSERT INTO served.changing (id) VALUES (9)")
        until(lambda: {"id": 9} in client.get("/api/tables/changing").json(), "other tables are followed")
        assert client.get("/api/tables/leaving").json() == [{"id": 1}], "the copy serves what it has"
    assert "ended with" not in cloud_api.log()
