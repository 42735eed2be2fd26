"""Every type of a column is right in every format of REST and in GraphQL, and null is null."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import gql
import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alchemesh_platform.systems.local.data_api.http.configuration import ServedTable
from alchemesh_platform.systems.local.data_api.http.kinds import Kind, kind_of
from tests.systems.local.http.matrix import CASES, Case, as_page
from tests.systems.local.http.serving import CONFIGURED, EVERY, Serving

pytestmark = pytest.mark.slow

by_column = pytest.mark.parametrize("column", [case.column for case in CASES])


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    """The expected values of each column."""
    return {case.column: case for case in CASES}


@pytest.fixture
def case(cases: dict[str, Case], column: str) -> Case:
    """The expected values of a column."""
    return cases[column]


class Exact(str):
    """A number of JSON with its digits."""

    __slots__ = ()


def digits(text: str) -> Any:
    """JSON, with numbers as they are written: `19.90` is not `19.9`."""
    return json.loads(text, parse_float=Exact, parse_int=Exact)


@pytest.fixture(scope="module")
def answers(data_api: Serving, cases: dict[str, Case]) -> dict[str, Any]:
    """The rows in each format, read once."""
    with data_api.client() as client:
        plain = client.get("/api/tables/every").text
        paged = client.get("/api/tables/every?limit=3").text
        texts = client.get("/api/tables/every?decimals=text").text
        lines = client.get("/api/tables/every", headers={"Accept": "application/x-ndjson"}).text
        csv_text = client.get("/api/tables/every", headers={"Accept": "text/csv"}).text
        arrow = client.get("/api/tables/every", headers={"Accept": "application/vnd.apache.arrow.stream"}).content
        parquet = client.get("/api/tables/every", headers={"Accept": "application/vnd.apache.parquet"}).content
        statement = client.post("/api/sql", content="SELECT * FROM every ORDER BY id").text
        selected = " ".join(cases)
        graphql = client.post("/api/graphql", json={"query": f"{{ every(limit: 3) {{ {selected} }} }}"}).text
    return {
        "json": digits(plain),
        "page": digits(paged),
        "text": digits(texts),
        "ndjson": [digits(line) for line in lines.splitlines()],
        "csv": list(csv.DictReader(io.StringIO(csv_text))),
        "csv text": csv_text,
        "arrow": pa.ipc.open_stream(arrow).read_all().to_pylist(),
        "parquet": pq.read_table(io.BytesIO(parquet)).to_pylist(),
        "sql": digits(statement),
        "graphql": digits(graphql)["data"]["every"],
    }


def test_the_matrix_has_every_kind_of_column_and_every_column() -> None:
    table = ServedTable.model_validate(CONFIGURED[0])
    assert {kind_of(column.type).kind for column in table.columns} == set(Kind)
    assert tuple(case.column for case in CASES) == table.names


def test_the_docs_have_the_matrix() -> None:
    from tests.clouds.gcp.emulation.cloud_run.running import CASES_ON_CLOUD_RUN, bigquery_types

    page = Path(__file__).parents[4] / "docs" / "query-a-port.md"
    table = as_page(EVERY, bigquery_types(), CASES_ON_CLOUD_RUN)
    assert table in page.read_text("utf-8"), f"write this table into {page.name}:\n{table}"


@by_column
@pytest.mark.parametrize("form", ["json", "page", "ndjson"])
def test_json_has_every_digit_and_null(answers: dict[str, Any], case: Case, form: str) -> None:
    values = [row[case.column] for row in answers[form]]
    assert values == [digits(case.json[0]), digits(case.null), digits(case.json[1])]


@by_column
def test_decimals_are_texts_on_request(answers: dict[str, Any], case: Case) -> None:
    first, _, last = (row[case.column] for row in answers["text"])
    expected = case.as_text or case.json
    assert (first, last) == (digits(expected[0]), digits(expected[1]))
    assert isinstance(first, Exact) == isinstance(digits(expected[0]), Exact)


@by_column
def test_graphql_has_the_same_values_with_decimals_as_texts(answers: dict[str, Any], case: Case) -> None:
    first, null, last = (row[case.column] for row in answers["graphql"])
    expected = case.graphql or case.json
    assert (first, last) == (digits(expected[0]), digits(expected[1]))
    assert isinstance(first, Exact) == isinstance(digits(expected[0]), Exact)
    assert null == digits(case.null)


@by_column
def test_csv_has_the_same_values_and_nothing_for_null(answers: dict[str, Any], case: Case) -> None:
    assert (answers["csv"][0][case.column], answers["csv"][2][case.column]) == case.csv
    assert answers["csv"][1][case.column] == ("" if case.null == "null" else case.null)


def test_csv_tells_null_from_the_empty_text(answers: dict[str, Any]) -> None:
    assert answers["csv text"].splitlines()[3] == "2" + "," * (len(CASES) - 1)
    assert answers["csv text"].splitlines()[4].startswith('3,"",9223372036854775807,')


@by_column
@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_arrow_and_parquet_have_the_types_of_the_model(answers: dict[str, Any], case: Case, form: str) -> None:
    first, null, last = (row[case.column] for row in answers[form])
    assert (first, last) == case.arrow
    assert (type(first), type(last)) == (type(case.arrow[0]), type(case.arrow[1]))
    assert null == (case.arrow[1] if case.null == "[]" else json.loads(case.null))


def test_sql_over_rest_has_the_same_values(answers: dict[str, Any], cases: dict[str, Case]) -> None:
    differing = {"amount", "clock", "moment"}  # PostgreSQL's own JSON leaves out zeros at the end of a second
    for got, expected in zip(answers["sql"], answers["json"], strict=True):
        assert list(got) == list(expected)
        same = {name: value for name, value in got.items() if name not in differing}
        assert same == {name: value for name, value in expected.items() if name not in differing}
    first = answers["sql"][0]
    assert (first["amount"], first["clock"]) == (cases["amount"].json[0], "13:45:00.500000")
    assert first["moment"] == "2024-03-31T02:30:00.250000Z"


def test_every_row_has_every_key_in_the_order_of_the_model(answers: dict[str, Any], cases: dict[str, Case]) -> None:
    for form in ("json", "page", "ndjson", "graphql"):
        assert [tuple(row) for row in answers[form]] == [tuple(cases)] * 3


def test_numbers_that_json_cannot_write_are_texts(client: httpx.Client) -> None:
    rows = client.get("/api/tables/measured").json()
    assert [row["value"] for row in rows] == ["NaN", "-Infinity", 2.5]
    refused = client.post("/api/graphql", json={"query": "{ measured { value } }"}).json()
    assert refused["data"] == {"measured": [{"value": None}, {"value": None}, {"value": 2.5}]}
    assert [error["path"] for error in refused["errors"]] == [["measured", 0, "value"], ["measured", 1, "value"]]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("integer", "9007199254740993"),
        ("small", "7"),
        ("number", "0.1"),
        ("amount", None),
        ("price", "19.9"),
        ("flag", "true"),
        ("day", "2024-03-31"),
        ("clock", "13:45:00.5"),
        ("moment", "2024-03-31T04:30:00.25+02:00"),
        ("local", "2024-03-31T02:30:00"),
        ("bytes", "AP8Q"),
        ("text", 'naïve ☃ 😀 "q" \\ ,;\n'),
        ("region", "'north'"),
        ("year", "2024"),
        ("shipped", "'2024-01-01'"),
    ],
)
def test_each_type_can_be_filtered_and_sorted_by(
    data_api: Serving, client: httpx.Client, cases: dict[str, Case], column: str, value: str | None
) -> None:
    value = value or cases[column].json[0]
    for operator, expected in (("", [1]), ("eq", [1]), ("gte", [1]), ("in", [1])):
        if operator == "in" and column == "text":
            continue
        asked = {"columns": "id", "sort": f"-{column},id", f"filter[{column}]{operator}": value, "limit": "5"}
        answer = client.get("/api/tables/every", params=asked)
        assert answer.status_code == 200, answer.text
        found = [row["id"] for row in answer.json()]
        assert found == expected if operator != "gte" else expected[0] in found
    literal = {"flag": "true", "number": "0.1", "year": "2024", "small": "7"}.get(column, json.dumps(value.strip("'")))
    with gql.Client(transport=data_api.graphql(), fetch_schema_from_transport=True) as session:
        asked_query = gql.gql(f"{{ every(filter: {{{column}: {{eq: {literal}}}}}) {{ id }} }}")
        assert session.execute(asked_query) == {"every": [{"id": 1}]}
