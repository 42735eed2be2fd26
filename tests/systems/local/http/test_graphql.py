"""GraphQL with standard clients: variables, introspection, errors, pages, and bodies in the form of roapi."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import gql
import httpx
import pytest
from gql.transport.exceptions import TransportQueryError
from graphql import build_client_schema, get_introspection_query, parse, print_schema, validate

from tests.systems.local.http.serving import STRANGER, Serving

pytestmark = pytest.mark.slow


@pytest.fixture
def session(data_api: Serving) -> Iterator[Any]:
    """A client that reads the schema first, as code generators do."""
    with gql.Client(transport=data_api.graphql(), fetch_schema_from_transport=True) as session:
        yield session


def ask(client: httpx.Client, query: str, **variables: Any) -> dict[str, Any]:
    answer = client.post("/api/graphql", json={"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_variables_filters_sort_and_limit_work_with_a_client_library(session: Any) -> None:
    asked = gql.gql("""
        query Items($size: BigInt, $since: DateTime, $first: Int!) {
          found: item(
            filter: {size: {gte: $size}, seen: {gt: $since}, name: {like: "item 1%"}}
            sort: [{field: size, order: desc}, {field: id}]
            limit: $first
          ) { id name size seen }
        }
    """)
    asked.variable_values = {"size": 3, "since": "2024-01-01T00:00:00Z", "first": 2}
    assert session.execute(asked) == {
        "found": [
            {"id": 14 + 5, "name": "item 19", "size": 4, "seen": "2024-01-01T00:19:00Z"},
            {"id": 104, "name": "item 104", "size": 4, "seen": "2024-01-01T01:44:00Z"},
        ]
    }


def test_several_fields_fragments_and_aliases_read_one_snapshot(session: Any) -> None:
    asked = gql.gql("""
        { a: item(limit: 1) { ...names } b: item(limit: 1, offset: 1) { ...names } loose(limit: 1) { __typename color }
        }
        fragment names on item { key: id name }
    """)
    assert session.execute(asked) == {
        "a": [{"key": 1, "name": "item 1"}],
        "b": [{"key": 2, "name": "item 2"}],
        "loose": [{"__typename": "loose", "color": "blue"}],
    }


def test_pages_end_and_hold_each_row_once(client: httpx.Client) -> None:
    query = """
        query Page($cursor: String) {
          item_page(limit: 900, cursor: $cursor, sort: [{field: size, order: desc}]) { rows { id size } next }
        }
    """
    rows: list[dict[str, Any]] = []
    cursor, count = None, 0
    while count == 0 or cursor is not None:
        page = ask(client, query, cursor=cursor)["data"]["item_page"]
        rows, cursor, count = rows + page["rows"], page["next"], count + 1
    rest = client.get("/api/tables/item?columns=id,size&sort=-size&limit=3000").json()
    assert (count, rows) == (3, rest)


@pytest.fixture
def whole_number() -> str:
    """The type of the column `size` in GraphQL."""
    return "Int"


def test_introspection_gives_the_schema_that_the_server_prints(client: httpx.Client, whole_number: str) -> None:
    """GraphiQL and code generators send this query first."""
    answer = ask(client, get_introspection_query(descriptions=True, input_value_deprecation=True))
    schema = build_client_schema(answer["data"])
    printed = client.get("/api/graphql/schema")
    assert print_schema(schema) == printed.text
    row = schema.get_type("item")
    assert row is not None
    assert {name: str(field.type) for name, field in row.fields.items()} == {  # type: ignore[attr-defined]
        "id": "BigInt!",
        "name": "String",
        "size": whole_number,
        "seen": "DateTime",
    }
    assert validate(schema, parse("{ item(limit: 1) { id } }")) == []


def test_errors_are_in_the_form_of_graphql(client: httpx.Client) -> None:
    (error,) = ask(client, "{ item(limit: 1) { nam } }")["errors"]
    assert error == {
        "message": "Cannot query field 'nam' on type 'item'. Did you mean 'name'?",
        "locations": [{"line": 1, "column": 20}],
    }
    (error,) = ask(client, "{ item(limit: 1 { id } }")["errors"]
    assert error["message"].startswith("Syntax Error")
    answer = ask(client, "{ item(limit: -1) { id } loose(limit: 1) { size } }")
    assert answer["errors"][0]["message"] == "limit: expected a number of rows, found -1"
    assert answer["errors"][0]["extensions"] == {"title": "Bad Request", "status": 400, "parameter": "limit"}
    answer = ask(client, '{ item(filter: {id: {eq: "x"}}) { id } }')
    assert "BigInt: expected an integer, found 'x'" in answer["errors"][0]["message"]
    answer = ask(client, "query($n: BigInt) { item(filter: {id: {eq: $n}}) { id } }", n="9223372036854775808")
    assert "expected an integer of at most 64 bits" in answer["errors"][0]["message"]
    answer = ask(client, "{ item(filter: {id: {eq: null}}) { id } }")
    assert answer["errors"][0]["extensions"]["hint"] == "use `null: true`"


def test_a_client_library_raises_the_error(session: Any) -> None:
    with pytest.raises(TransportQueryError, match="limit: expected a number of rows, found -1"):
        session.execute(gql.gql("{ item(limit: -1) { id } }"))


def test_status_codes_follow_the_media_type_that_the_client_accepts(client: httpx.Client) -> None:
    own = {"Accept": "application/graphql-response+json"}
    wrong, right = {"query": "{ nothing }"}, {"query": "{ item(limit: 1) { id } }"}
    refused = client.post("/api/graphql", json=wrong, headers=own)
    assert (refused.status_code, refused.headers["content-type"]) == (400, own["Accept"])
    assert client.post("/api/graphql", json=wrong).status_code == 200
    answer = client.post("/api/graphql", json=right, headers=own)
    assert (answer.status_code, answer.headers["content-type"]) == (200, own["Accept"])
    assert client.get("/api/graphql").status_code == 405


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "the body is not JSON"),
        ("[]", 'expected an object with a text `query`: {"query": "{ … }"}'),
        ('{"query": 1}', 'expected an object with a text `query`: {"query": "{ … }"}'),
        ('{"query": "{ item { id } }", "variables": []}', "expected an object in `variables`"),
        ('{"query": "{ item { id } }", "operationName": 1}', "expected a text in `operationName`"),
    ],
)
def test_a_malformed_body_is_refused(client: httpx.Client, body: str, message: str) -> None:
    answer = client.post("/api/graphql", content=body, headers={"Content-Type": "application/json; charset=utf-8"})
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (400, message)


def test_bodies_in_the_form_of_roapi_keep_working(client: httpx.Client) -> None:
    def raw(query: str) -> httpx.Response:
        return client.post("/api/graphql", content=query)

    query = '{ item(filter: {name: "item 9"}, sort: [{field: "id", order: "desc"}], limit: 2) { id name } }'
    assert raw(query).json() == [{"id": 9, "name": "item 9"}]
    assert raw("{ item(filter: {id: {gteq: 2499}}) { id } }").json() == [{"id": 2499}, {"id": 2500}]
    assert raw("{ item(filter: {id: {eq: -5}}) { id } }").json() == []
    refused = raw("{ nowhere { nothing } }")
    assert (refused.status_code, list(refused.json())) == (400, ["errors"])
    two = raw("{ a: item(limit: 1) { id } b: loose(limit: 1) { size } }").json()
    assert two == {"data": {"a": [{"id": 1}], "b": [{"size": 0}]}}


def test_a_consumer_without_a_grant_reads_nothing(data_api: Serving) -> None:
    with data_api.client(STRANGER) as client:
        answer = ask(client, "{ item(limit: 1) { id } }")
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["status"] == 403


def test_large_queries_are_refused_before_they_run(data_api: Serving, small_api: Serving) -> None:
    deep = "{ __schema { types " + "{ ofType " * 40 + "{ name } " + "} " * 40 + "} }"
    nested = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }"
    wide = "{ " + " ".join(f"a{n}: item(limit: 1) {{ id name size seen }}" for n in range(200)) + " }"
    same = "{ item(limit: 1) { " + "id " * 2000 + "} }"
    bomb = "{ ...f0 } " + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(40))
    bomb += " fragment f40 on Query { loose(limit: 1) { size } }"
    loop = "{ ...f } fragment f on Query { ...g } fragment g on Query { ...f }"
    brackets = "{" * 2900
    many = "{ item(limit: 1) { " + "id " * 4000 + "} }"
    expected = {
        deep: "the query has more than 20 levels",
        nested: "Maximum introspection depth exceeded",
        wide: "the query has more than 500 fields",
        same: "the query has more than 500 fields",
        bomb: "the query has more than 500 fields",
        loop: "Cannot spread fragment",
        brackets: "",
        many: "Syntax Error",
    }
    with data_api.client() as client:
        for query, message in expected.items():
            answer = client.post("/api/graphql", json={"query": query})
            assert answer.elapsed.total_seconds() < 5, query[:80]
            assert message in answer.json()["errors"][0]["message"]
            assert "data" not in answer.json()
    with small_api.client() as client:
        answer = ask(client, "{ a: item(limit: 20) { id name size } b: item(limit: 20) { id name size } }")
        assert answer["errors"][0]["message"] == (
            "the query may read 120 values, more than 100: give each field a smaller `limit`, or select fewer columns"
        )
        answer = ask(client, "query($n: Int) { item(limit: $n) { id name size seen } }", n=26)
        assert answer["errors"][0]["message"] == "limit: expected at most 20 rows, found 26"
        answer = ask(client, "{ item { id name } }")
        assert answer["errors"][0]["message"] == "the field has more than 20 rows"
        assert answer["errors"][0]["extensions"]["hint"] == "give it a `limit`, or use item_page"
        slow = ask(client, "{ slow(limit: 1) { id waited } }")
        assert slow["errors"][0]["message"] == "the statement took longer than 0.5 s"
        large = client.post("/api/graphql", content=json.dumps({"query": "{ item { id } }", "x": "y" * 3000}))
        assert large.status_code == 413
