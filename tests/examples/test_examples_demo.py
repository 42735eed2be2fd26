"""The demo prints answers of the data APIs, and stops at the first error."""

from __future__ import annotations

from pathlib import Path

import demo
import pytest
from staging import Product, serving

from alchemesh_platform.connections import DataApiConnection
from alchemesh_platform.machine.servers.ports import free_port


def words(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_flights_answer_by_all_three_protocols(
    flights_api: DataApiConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.ask_flights(flights_api)

    said = words(capsys)
    assert "below 1 mile 3,975 29.7 8.9" in said
    assert "UA-887-EWR-20130817T2025Z N528UA 75 39" in said
    assert "B6 35 PBI 2013-03-10T02:45:00Z 2013-03-10T04:06:00Z 2013-03-10T07:03:00Z" in said


def test_punctuality_answers_by_all_three_protocols(
    punctuality: Product, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path, punctuality.tables("punctuality-table")) as api:
        demo.ask_punctuality(api)

    said = words(capsys)
    first = said.index("SQL: the five most punctual carriers")
    assert [line.split()[0] for line in said[first + 4 : first + 9]] == ["HA", "AS", "US", "DL", "AA"]
    assert "HA Hawaiian Airlines Inc. 342 92.98 0.0 -4.0" in said
    assert "5 1,953 93.24 0.69" in said
    assert "LGA La Guardia 104,662 78.08 3.01" in said


def test_a_table_aligns_numbers_to_the_right_and_texts_to_the_left(capsys: pytest.CaptureFixture[str]) -> None:
    demo.show("Two airports", [{"airport": "JFK", "flights": 1234}, {"airport": "A", "flights": None}])
    demo.show("Counted", [{"flights": 1234}, {"flights": 5}])

    assert capsys.readouterr().out.splitlines() == [
        "",
        "Two airports",
        "",
        "  airport  flights",
        "  ───────  ───────",
        "  JFK      1,234",
        "  A        –",
        "",
        "Counted",
        "",
        "  flights",
        "  ───────",
        "    1,234",
        "        5",
    ]


def test_no_answer_stops_the_demo() -> None:
    with pytest.raises(demo.DemoFailed, match="no answer to: Nothing"):
        demo.show("Nothing", [])


def test_a_server_that_does_not_answer_stops_the_demo() -> None:
    port = free_port("127.0.0.1")
    api = DataApiConnection(
        sql=f"postgresql://127.0.0.1:{port}/flights",
        rest=f"http://127.0.0.1:{port}/api",
        graphql=f"http://127.0.0.1:{port}/api/graphql",
    )
    for ask in (demo.ask_sql, demo.ask_graphql):
        with pytest.raises(demo.DemoFailed, match=str(port)):
            ask(api, "SELECT 1")
    with pytest.raises(demo.DemoFailed, match=str(port)):
        demo.ask_rest(api, "flight", {"limit": "1"})


def test_a_query_that_is_refused_stops_the_demo_with_the_reason(flights_api: DataApiConnection) -> None:
    with pytest.raises(demo.DemoFailed, match="nowhere"):
        demo.ask_sql(flights_api, "SELECT 1 FROM nowhere")
    with pytest.raises(demo.DemoFailed, match="nowhere"):
        demo.ask_rest(flights_api, "nowhere", {"limit": "1"})
    with pytest.raises(demo.DemoFailed, match="nowhere"):
        demo.ask_graphql(flights_api, "{ nowhere { nothing } }")
