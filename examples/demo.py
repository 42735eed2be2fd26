"""The tour of `make demo`: two data products from setup to answers, on real data, with the real commands.

    python examples/demo.py          # deploy both products, run their code, query them; a second run changes nothing
    python examples/demo.py --down   # remove them, including their data

State, registry and tables are in ALCHEMESH_HOME, by default .demo/home in this repository.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import data
from asking import PORTS, answer, ask_graphql, ask_rest, ask_sql, connections_of, data_api
from deltalake import DeltaTable
from promises import ANY, PAGE, bill_and_page, break_a_test, stop_the_api
from story import (
    FLIGHTS,
    FLIGHTS_OWNER,
    OWNERS,
    PLATFORM_OWNER,
    PUNCTUALITY,
    PUNCTUALITY_OWNER,
    drop_a_property,
    grant_access,
    open_requests,
)
from terminal import REPOSITORY, DemoFailed, alchemesh, heading, run_tour, show

from alchemesh_platform.base.files.home import HOME_VARIABLE
from alchemesh_platform.connections import DataApiConnection

MESH = "examples/mesh"
SERVED_WITHIN_SECONDS = 120  # a data API looks for new rows every few seconds
UNCHANGED = {"same", "read"}


def tour() -> None:
    """All steps, in the order of a newcomer."""
    heading("The data: departures from New York in 2013")
    prepare_data()
    heading("The mesh: domains, teams, users and source systems")
    alchemesh("mesh", "apply", MESH, "--yes", user=PLATFORM_OWNER)
    deploy_product(FLIGHTS)
    heading("Access: punctuality requests access to flights, is refused, and receives a grant")
    grant_access()
    deploy_product(PUNCTUALITY)
    heading("Answers of aviation/flights")
    ask_flights(data_api(FLIGHTS))
    heading("Answers of operations/punctuality")
    ask_punctuality(data_api(PUNCTUALITY))
    heading("Promise and truth: the measured quality of the data, and the business tests of the contracts")
    for product in (FLIGHTS, PUNCTUALITY):
        alchemesh("observe", "-C", product, user=OWNERS[product])
        alchemesh("contract", "verify", "-C", product, user=OWNERS[product], exits_with=ANY)
    heading("A broken promise: a flight is written twice, and a business test opens an incident")
    break_a_test()
    heading("A broken promise: the data API stops")
    stop_the_api()
    heading("The bill of punctuality, and the page of flights")
    bill_and_page()
    heading("A contract at work: flights wants to remove a property that punctuality may read")
    drop_a_property()
    heading("Deployed products, and their lineage")
    for product in (FLIGHTS, PUNCTUALITY):
        alchemesh("status", "-C", product)
    alchemesh("mesh", "show")
    heading("Again: nothing changes")
    for product in (FLIGHTS, PUNCTUALITY):
        repeat(product)
    print(f"\nOpen {PAGE} in a browser: promise and truth of flights, with plots.")
    print("Remove it with `make demo-down`; look around with:")
    print(f"  export {HOME_VARIABLE}={os.environ[HOME_VARIABLE]}", flush=True)


def deploy_product(product: str) -> None:
    """Deploy a product, run its code, and wait until the data API serves the result."""
    heading(f"Up: {product}")
    alchemesh("up", "--yes", "-C", product, user=OWNERS[product])
    alchemesh("run", "-C", product, user=OWNERS[product])
    wait_until_served(product)


def take_down() -> None:
    """Remove both products: the consumer, its access, and the product that it read."""
    alchemesh("destroy", "--yes", "--delete-data", "-C", PUNCTUALITY, user=PUNCTUALITY_OWNER)
    for request in open_requests():
        alchemesh("access", "revoke", request["request"], "--reason", "the tour is over", "--apply", user=FLIGHTS_OWNER)
    alchemesh("destroy", "--yes", "--delete-data", "-C", FLIGHTS, user=FLIGHTS_OWNER)


def prepare_data() -> None:
    """Unpack the files that the input ports read."""
    print("$ python examples/data.py", flush=True)
    if data.main([]) != 0:
        raise DemoFailed("the data is missing")


def repeat(product: str) -> None:
    """Deploy a product and run its code again, and check that nothing changes.

    Raises:
        DemoFailed: when a resource or a table changed.
    """
    before = versions(product)
    outcome = json.loads(alchemesh("up", "--yes", "--json", "-C", product, capture=True, user=OWNERS[product]))
    counts: dict[str, int] = outcome["changes"]
    changes = {operation: count for operation, count in counts.items() if operation not in UNCHANGED and count}
    print(f"{sum(changes.values())} changes, {counts.get('same', 0)} resources the same, {outcome['seconds']} s")
    if changes:
        raise DemoFailed(f"a second `up` of {product} changed something: {changes}")
    alchemesh("run", "-C", product, user=OWNERS[product])
    if versions(product) != before:
        raise DemoFailed(f"a second run of {product} wrote: table versions {before} became {versions(product)}")


def ask_flights(api: DataApiConnection) -> None:
    """Three queries about flights, one over each protocol."""
    show(
        "SQL: does bad visibility delay departures?",
        ask_sql(
            api,
            """
            SELECT CASE WHEN visibility_miles < 1 THEN 'below 1 mile'
                        WHEN visibility_miles < 10 THEN '1 to 10 miles' ELSE '10 miles or more' END AS visibility,
                   count(*) AS flights,
                   round(avg(departure_delay_minutes), 1) AS mean_delay_minutes,
                   round(100.0 * sum(CASE WHEN cancelled THEN 1 ELSE 0 END) / count(*), 1) AS cancelled_percent
            FROM flight WHERE visibility_miles IS NOT NULL GROUP BY 1 ORDER BY 3 DESC
            """,
        ),
    )
    show(
        "SQL by psycopg, with parameters and a decimal: who leaves JFK late?",
        ask_sql(
            api,
            """
            SELECT carrier, count(*) AS flights, avg(departure_delay_minutes)::numeric(6, 2) AS mean_delay_minutes
            FROM flight WHERE origin = %s AND scheduled_departure >= %s GROUP BY carrier ORDER BY 3 DESC LIMIT 3
            """,
            "JFK",
            datetime(2013, 1, 1, tzinfo=UTC),
        ),
    )
    show(
        "REST: the latest departures for Anchorage",
        ask_rest(
            api,
            "flight",
            {
                "columns": "flight_id,tail_number,departure_delay_minutes,arrival_delay_minutes",
                "filter[destination]": "'ANC'",
                "sort": "-departure_delay_minutes",
                "limit": "3",
            },
        ),
    )
    show(
        "GraphQL: a flight that reached Florida just after the clocks went forward, in UTC",
        ask_graphql(
            api,
            """
            { flight(filter: {flight_id: "B6-35-JFK-20130310T0245Z"}) {
                carrier flight_number destination scheduled_departure actual_departure actual_arrival } }
            """,
        ),
    )


def ask_punctuality(api: DataApiConnection) -> None:
    """Three queries about punctuality, one over each protocol."""
    show(
        "SQL: the five most punctual carriers",
        ask_sql(
            api,
            """
            SELECT carrier, name, flights, on_time_percent, cancelled_percent, median_delay_minutes
            FROM carrier_punctuality ORDER BY on_time_percent DESC LIMIT 5
            """,
        ),
    )
    show(
        "REST: the three best hours to leave",
        ask_rest(
            api,
            "hour_punctuality",
            {
                "columns": "hour,flights,on_time_percent,mean_delay_minutes",
                "sort": "-on_time_percent",
                "limit": "3",
            },
        ),
    )
    show(
        "GraphQL: New York's airports",
        ask_graphql(
            api,
            """
            { airport_punctuality(filter: {direction: "from"}, sort: [{field: "on_time_percent", order: "desc"}]) {
                airport name flights on_time_percent cancelled_percent } }
            """,
        ),
    )


def wait_until_served(product: str) -> None:
    """Wait until the data API serves as many rows as the tables have, so that answers are those of the last run."""
    api, expected = data_api(product), rows(product)
    deadline = time.monotonic() + SERVED_WITHIN_SECONDS
    while (served := {model: served_rows(api, model) for model in expected}) != expected:
        if time.monotonic() > deadline:
            raise DemoFailed(f"{api.rest} still serves {served} rows of {expected}")
        time.sleep(0.2)


def served_rows(api: DataApiConnection, model: str) -> int:
    """Rows of a table, as its data API counts them."""
    return int(answer(api, f"{api.rest}/sql", f"SELECT count(*) AS rows FROM {model}")[0]["rows"])


def rows(product: str) -> dict[str, int]:
    """Model: rows of its table."""
    return per_table(product, lambda table: table.count())


def versions(product: str) -> dict[str, int]:
    """Model: version of its table."""
    return per_table(product, lambda table: table.version())


def per_table(product: str, measure: Callable[[DeltaTable], int]) -> dict[str, int]:
    """Model: a measure of its table."""
    tables = connections_of(product).output(PORTS[product]).tables
    return {model: measure(DeltaTable(tables.path(model))) for model in tables.tables}


def main(arguments: list[str] | None = None) -> int:
    """Run the tour, or remove its products."""
    parser = argparse.ArgumentParser(description="Two data products from setup to answers.")
    parser.add_argument("--down", action="store_true", help="destroy the products of the demo, including their data")
    down = parser.parse_args(arguments).down
    os.environ.setdefault(HOME_VARIABLE, str(REPOSITORY / ".demo" / "home"))
    return run_tour(take_down if down else tour)


if __name__ == "__main__":
    sys.exit(main())
