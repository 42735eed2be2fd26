"""REST: parameters, pages that end, errors that name the parameter, formats, and the OpenAPI document."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from typing import Any

import httpx
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.systems.local.http.serving import CONSUMER, STRANGER, Serving

pytestmark = pytest.mark.slow

ITEMS = 2503
NEXT = re.compile(r'<([^>]+)>; rel="next"')


def pages(client: httpx.Client, address: str) -> list[list[dict[str, Any]]]:
    """All pages from an address, as a client follows the links."""
    found = []
    following: str | None = address
    while following is not None:
        answer = client.get(following)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        link = NEXT.fullmatch(answer.headers.get("link", ""))
        following = link[1] if link else None
    return found


def as_counter(rows: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(row.items()) for row in rows)


@pytest.mark.parametrize("table", ["item", "loose"])
@pytest.mark.parametrize(
    "asked", ["", "sort=size", "sort=-size", "sort=-size&filter[size]gte=1", "columns=size&sort=size"]
)
@pytest.mark.parametrize("limit", [7, 997])
def test_pages_end_and_hold_each_row_once(client: httpx.Client, table: str, asked: str, limit: int) -> None:
    """roapi ignored `offset`, and had no stable order: a client that read pages got rows twice, and others never."""
    whole = client.get(f"/api/tables/{table}?{asked}").json()
    if table == "item" and limit == 7:
        asked = f"{asked}&filter[id]lt=40"
        whole = client.get(f"/api/tables/{table}?{asked}").json()
    found = pages(client, f"/api/tables/{table}?{asked}&limit={limit}")
    rows = [row for page in found for row in page]
    assert as_counter(rows) == as_counter(whole)
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    by_offset: list[dict[str, Any]] = []
    while page := client.get(f"/api/tables/{table}?{asked}&limit={limit}&offset={len(by_offset)}").json():
        by_offset += page
    assert by_offset == rows
    if "sort=" in asked:
        sizes = [row["size"] for row in rows]
        descending = "sort=-" in asked
        known = [size for size in sizes if size is not None]
        assert known == sorted(known, reverse=descending)
        nulls = [None] * (len(sizes) - len(known))
        assert sizes == ([*nulls, *known] if descending else [*known, *nulls]), "null is the largest value"


def test_pages_after_an_offset_continue_where_it_began(client: httpx.Client) -> None:
    for table in ("item", "loose"):
        whole = [row for page in pages(client, f"/api/tables/{table}?sort=size&limit=997") for row in page]
        for offset in (1, 14, 33):
            rest = [
                row
                for page in pages(client, f"/api/tables/{table}?sort=size&limit=700&offset={offset}")
                for row in page
            ]
            assert rest == whole[offset:]
            if table == "item":
                break


def test_a_row_that_appears_before_a_page_moves_no_other(data_api: Serving, client: httpx.Client) -> None:
    """With an offset, a row that is added before the page appears twice. A cursor names a row, not a number."""
    first = client.get("/api/tables/item?columns=id&limit=3")
    with psycopg.connect(data_api.owner, autocommit=True) as owner:
        owner.execute("INSERT INTO item VALUES (-1, 'before', 0, NULL)")
        try:
            link = NEXT.fullmatch(first.headers["link"])
            assert link is not None
            assert [row["id"] for row in client.get(link[1]).json()] == [4, 5, 5]
        finally:
            owner.execute("DELETE FROM item WHERE id = -1")


def test_columns_are_returned_in_the_requested_order(client: httpx.Client) -> None:
    (row,) = client.get("/api/tables/item?columns=size,id&filter[id]=7").json()
    assert list(row.items()) == [("size", None), ("id", 7)]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"filter[id]": "7"}, [7]),
        ({"filter[id]neq": "1", "filter[id]lteq": "3"}, [2, 3]),
        ({"filter[id]gt": "2498"}, [2499, 2500]),
        ({"filter[id]gteq": "2500"}, [2500]),
        ({"filter[name]in": "item 3,'item 4'"}, [3, 4]),
        (
            {"filter[name]like": "item 24_9", "filter[size]": "4"},
            [2409, 2419, 2439, 2449, 2459, 2469, 2479, 2489],
        ),
        ({"filter[size]null": "true", "filter[id]lt": "15"}, [7, 14]),
        ({"filter[size]null": "false", "filter[id]lt": "3"}, [1, 2]),
        ({"filter[seen]lt": "2024-01-01T00:03:00Z"}, [1, 2]),
        ({"filter[seen]lte": "2024-01-01T05:32:00+05:30"}, [1, 2]),
    ],
    ids=str,
)
def test_filters_return_the_rows_that_fit(client: httpx.Client, asked: dict[str, str], expected: list[int]) -> None:
    answer = client.get("/api/tables/item", params={"columns": "id", **asked})
    assert answer.status_code == 200, answer.text
    assert sorted(row["id"] for row in answer.json()) == expected


@pytest.mark.parametrize(
    ("asked", "parameter", "detail", "hint"),
    [
        ("colums=id", "colums", "there is no parameter 'colums'", "did you mean 'columns'?"),
        ("columns=id,nam", "columns", "there is no column 'nam'", "did you mean 'name'?"),
        ("columns=id,id", "columns", "column 'id' is given twice", None),
        ("columns=id&columns=name", "columns", "it is given twice", None),
        ("columns=", "columns", "there is no column ''", "allowed: id, name, size, seen"),
        ("sort=siez", "sort", "there is no column 'siez'", "did you mean 'size'?"),
        ("sort=size,-size", "sort", "column 'size' is given twice", None),
        ("limit=-1", "limit", "expected a number of rows, found '-1'", None),
        ("limit=ten", "limit", "expected a number of rows, found 'ten'", None),
        (
            "limit=20000001",
            "limit",
            "expected at most 20000000 rows, found 20000001",
            "follow the cursor from page to page",
        ),
        ("offset=1e3", "offset", "expected a number of rows, found '1e3'", None),
        ("offset=1&cursor=x", "offset", "it is given together with cursor", "leave out one of them"),
        ("cursor=x", "cursor", "it is not a cursor of this API", "take it from the `next` link of a page"),
        ("cursor=e30", "cursor", "it is not a cursor of this API", "take it from the `next` link of a page"),
        ("decimals=float", "decimals", "expected number or text, found 'float'", None),
        ("filter[nam]=x", "filter[nam]", "there is no column 'nam'", "did you mean 'name'?"),
        ("filter[id]gte2=1", "filter[id]gte2", "there is no operator 'gte2'", "did you mean 'gte'?"),
        ("filter[id]=x", "filter[id]", "expected an integer, found 'x'", None),
        (
            "filter[id]=9223372036854775808",
            "filter[id]",
            "expected an integer of at most 64 bits, found '9223372036854775808'",
            None,
        ),
        (
            "filter[id]like=1%25",
            "filter[id]like",
            "like does not apply to column 'id'",
            "allowed: eq, neq, lt, lte, gt, gte, in, null",
        ),
        ("filter[size]null=maybe", "filter[size]null", "expected true or false, found 'maybe'", None),
        (
            "filter[seen]=2024-01-01",
            "filter[seen]",
            "expected a timestamp such as 2024-03-31T02:30:00Z, of at most 6 digits after the second, "
            "found '2024-01-01'",
            None,
        ),
        (
            "filter[seen]=2024-01-01T00:00:00",
            "filter[seen]",
            "expected a timestamp with its zone, such as 2024-03-31T02:30:00Z (write + as %2B in a URL), "
            "found '2024-01-01T00:00:00'",
            None,
        ),
    ],
)
def test_an_error_names_the_parameter_and_the_closest_name(
    client: httpx.Client, asked: str, parameter: str, detail: str, hint: str | None
) -> None:
    answer = client.get(f"/api/tables/item?{asked}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    expected = {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": f"{parameter}: {detail}",
        "parameter": parameter,
    }
    assert answer.json() == (expected if hint is None else {**expected, "hint": hint})


def test_a_column_of_objects_has_no_order_and_only_null_as_a_filter(client: httpx.Client) -> None:
    assert client.get("/api/tables/every?sort=object").json()["detail"] == (
        "sort: column 'object' has no order: it holds objects or arrays"
    )
    assert client.get("/api/tables/every?filter[words]=a").json()["hint"] == "allowed: null"
    found = client.get("/api/tables/every?columns=id&filter[object]null=true").json()
    assert found == [{"id": 2}]


def test_a_cursor_of_another_query_is_refused(client: httpx.Client) -> None:
    first = client.get("/api/tables/item?limit=3&sort=size")
    link = NEXT.fullmatch(first.headers["link"])
    assert link is not None
    cursor = httpx.URL(link[1]).params["cursor"]
    for other in ("item?limit=3&sort=-size", "item?limit=3", "loose?limit=3&sort=size", "item?sort=size&filter[id]=3"):
        answer = client.get(
            f"/api/tables/{other}", params={**httpx.URL(f"/x?{other.partition('?')[2]}").params, "cursor": cursor}
        )
        assert (answer.status_code, answer.json()["detail"]) == (400, "cursor: it belongs to another query")


def test_an_unknown_table_is_not_found_with_the_closest_one(client: httpx.Client) -> None:
    for path in ("tables", "schema"):
        answer = client.get(f"/api/{path}/itm")
        assert (answer.status_code, answer.json()["detail"]) == (404, "there is no table 'itm'")
        assert answer.json()["hint"] == "did you mean 'item'?"


def test_a_table_that_is_not_loaded_yet_is_retried_later(client: httpx.Client) -> None:
    answer = client.get("/api/tables/absent")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["detail"] == "the table is not loaded yet"


def test_an_empty_answer_is_right_in_every_format(client: httpx.Client) -> None:
    nothing = "/api/tables/item?filter[id]=-5"

    def read(accept: str) -> httpx.Response:
        return client.get(nothing, headers={"Accept": accept})

    assert client.get(nothing).json() == client.get(f"{nothing}&limit=5").json() == []
    assert client.get("/api/tables/item?limit=0").json() == []
    assert read("application/x-ndjson").text == ""
    assert read("text/csv").text == "id,name,size,seen\n"
    arrow = pa.ipc.open_stream(read("application/vnd.apache.arrow.stream").content).read_all()
    parquet = pq.read_table(io.BytesIO(read("application/vnd.apache.parquet").content))
    assert arrow.schema == parquet.schema
    assert (arrow.num_rows, parquet.num_rows) == (0, 0)
    assert str(arrow.schema.field("seen").type) == "timestamp[us, tz=UTC]"


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
        ("application/csv", "text/csv; charset=utf-8; header=present"),  # roapi's name
        ("application/parquet", "application/vnd.apache.parquet"),  # roapi's name
        ("text/*", "text/csv; charset=utf-8; header=present"),
        ("application/json;q=0.5, application/x-ndjson", "application/x-ndjson"),
        ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
    ],
)
def test_the_client_chooses_the_format(client: httpx.Client, accept: str | None, answered: str) -> None:
    headers = {} if accept is None else {"Accept": accept}
    assert client.get("/api/tables/item?limit=1", headers=headers).headers["content-type"] == answered


def test_a_format_that_is_not_offered_is_refused_with_those_that_are(client: httpx.Client) -> None:
    answer = client.get("/api/tables/item", headers={"Accept": "application/xml"})
    assert answer.status_code == 406
    assert answer.json()["hint"] == (
        "accept one of application/json, application/x-ndjson, text/csv, application/vnd.apache.arrow.stream, "
        "application/vnd.apache.parquet"
    )


def test_every_format_takes_filters_sort_and_limit(client: httpx.Client) -> None:
    asked = "/api/tables/item?columns=id&filter[name]=item 9&filter[id]gt=0&sort=-id&limit=2"
    arrow = client.get(asked, headers={"Accept": "application/vnd.apache.arrow.stream"})
    assert pa.ipc.open_stream(arrow.content).read_all().to_pylist() == [{"id": 9}]
    assert client.get(asked, headers={"Accept": "text/csv"}).text == "id\n9\n"
    assert client.get(asked, headers={"Accept": "application/x-ndjson"}).text == '{"id":9}\n'


@pytest.mark.parametrize(
    "accept", ["application/json", "application/x-ndjson", "text/csv", "application/vnd.apache.arrow.stream"]
)
def test_the_number_of_rows_follows_a_stream(data_api: Serving, accept: str) -> None:
    """Metering reads it. Before, nobody could say how many rows a stream had."""

    def ends(request: str, body: str = "") -> tuple[bytes, bytes]:
        headers = f"Accept: {accept}\r\nConnection: close\r\nContent-Length: {len(body)}"
        head, _, answer = data_api.said(request, headers, body).partition(b"\r\n\r\n")
        return head.lower(), answer[-40:]

    for request, body, rows in (
        ("GET /api/tables/item HTTP/1.1", "", ITEMS),
        ("GET /api/tables/item?filter[id]lt=0 HTTP/1.1", "", 0),
        ("POST /api/sql HTTP/1.1", "SELECT generate_series(1, 7) AS n", 7),
    ):
        head, end = ends(request, body)
        assert b"\r\ntrailer: alchemesh-rows" in head
        assert end.endswith(f"0\r\nalchemesh-rows: {rows}\r\n\r\n".encode()), (request, end)
    for request in ("HEAD /api/tables/item HTTP/1.1", "GET /api/tables/item HTTP/1.0"):
        assert b"alchemesh-rows" not in b"".join(ends(request))


def test_a_head_request_has_no_body(client: httpx.Client) -> None:
    for path in ("/api/tables/item?limit=2", "/api/tables/item", "/api/schema/item"):
        answer = client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")


def test_the_openapi_document_describes_each_table(client: httpx.Client) -> None:
    from fastapi.openapi.models import OpenAPI

    document = client.get("/api/openapi.json").json()
    OpenAPI.model_validate(document)
    assert document["info"] == {"title": "shop/orders/sales", "version": "1.2.0"}
    operation = document["paths"]["/api/tables/item"]["get"]
    names = [each["name"] for each in operation["parameters"]]
    assert {"columns", "sort", "limit", "offset", "cursor", "decimals", "filter[id]", "filter[name]like"} <= set(names)
    row = operation["responses"]["200"]["content"]["application/json"]["schema"]["items"]
    assert row["required"] == ["id", "name", "size", "seen"]
    assert row["properties"]["id"] == {"type": "integer", "format": "int64"}
    assert row["properties"]["seen"] == {"type": ["string", "null"], "format": "date-time"}
    assert set(operation["responses"]["200"]["content"]) == {
        "application/json",
        "application/x-ndjson",
        "text/csv",
        "application/vnd.apache.arrow.stream",
        "application/vnd.apache.parquet",
    }


def test_rows_fit_the_schema_of_the_openapi_document(client: httpx.Client) -> None:
    import jsonschema

    document = client.get("/api/openapi.json").json()
    for table in ("every", "item", "loose", "measured"):
        described = document["paths"][f"/api/tables/{table}"]["get"]["responses"]["200"]["content"]
        jsonschema.validate(client.get(f"/api/tables/{table}").json(), described["application/json"]["schema"])


def test_the_schema_of_a_table_names_its_columns(client: httpx.Client) -> None:
    answer = client.get("/api/schema/item").json()
    assert [field["name"] for field in answer["fields"]] == ["id", "name", "size", "seen"]
    assert answer["fields"][3]["type"] == "timestamp with time zone"
    assert list(client.get("/api/schema").json()) == ["every", "item", "loose", "slow", "measured", "absent"]


def test_the_health_check_of_a_consumer_needs_a_grant_at_the_database_only(data_api: Serving) -> None:
    with data_api.client(CONSUMER) as granted, data_api.client(STRANGER) as stranger:
        assert granted.get("/api/health").json() == {"status": "ok"}
        assert stranger.get("/api/tables/item?limit=1").status_code == 403


def test_limits_have_clear_errors(small_api: Serving) -> None:
    with small_api.client() as client:
        slow = client.get("/api/tables/slow?filter[id]=30&limit=1")
        assert (slow.status_code, slow.json()["detail"]) == (504, "the statement took longer than 0.5 s")
        for accept in ("application/x-ndjson", "application/vnd.apache.arrow.stream", "text/csv"):
            assert client.get("/api/tables/slow", headers={"Accept": accept}).status_code == 504
        assert client.post("/api/sql", content="SELECT pg_sleep(30)").status_code == 504
        large = client.get("/api/tables/item")
        assert (large.status_code, large.json()["detail"]) == (413, "the answer has more than 1000 rows")
        arrow = client.get("/api/tables/item", headers={"Accept": "application/vnd.apache.arrow.stream"})
        assert arrow.status_code == 413
        assert client.get("/api/tables/item?filter[id]lt=900").status_code == 200
        wide = client.get("/api/tables/item?limit=900")
        assert (wide.status_code, wide.json()["detail"]) == (413, "the rows have more than 4000 bytes")
        body = client.post("/api/sql", content=f"SELECT '{'x' * 3000}'")
        assert (body.status_code, body.json()["detail"]) == (413, "the body has more than 2000 bytes")
        sql = client.post("/api/sql", content="SELECT generate_series(1, 2000)")
        assert (sql.status_code, sql.json()["detail"]) == (413, "the answer has more than 1000 rows")


def test_the_server_starts_before_postgresql_and_says_that_it_does_not_answer(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    import subprocess
    import sys

    from tests.systems.local.http.serving import CONFIGURED
    from tests.waiting import until

    folder = tmp_path_factory.mktemp("early")
    serving = Serving(folder / "web.sock", "", "")
    configured = {"dsn": f"postgresql://alchemesh_http@/nowhere?host={folder}", "socket": str(serving.socket)}
    path = folder / "http.json"
    path.write_text(json.dumps({**configured, "tables": CONFIGURED}))
    command = [sys.executable, "-m", "alchemesh_platform.systems.local.data_api.http", "--config", str(path)]
    with subprocess.Popen(command) as process:
        try:
            until(serving.socket.exists, "it listens")
            with serving.client() as client:
                answer = client.get("/api/tables/item?limit=1")
                assert (answer.status_code, answer.json()["detail"]) == (503, "the serving copy does not answer")
                assert client.get("/health").status_code == 503
        finally:
            process.terminate()
            process.wait(30)
