"""The tour that `make demo` takes: two data products from nothing to answers, on real data, with the real commands.

    python examples/demo.py          # bring both products up, run their code, query them; again: nothing changes
    python examples/demo.py --down   # take them down again, data and all

State, registry and tables live in ALCHEMESH_HOME, which is .demo/home in this repository unless it is set.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import data
import psycopg
from deltalake import DeltaTable

from alchemesh_platform.connections import Connections, DataApiConnection
from alchemesh_platform.home import HOME_VARIABLE
from alchemesh_platform.identity.machine import USER_VARIABLE

REPOSITORY = Path(__file__).resolve().parent.parent
FLIGHTS = "examples/flights"
PUNCTUALITY = "examples/punctuality"
PORTS = {FLIGHTS: "flights-table", PUNCTUALITY: "punctuality-table"}
READ = "aviation/flights/flights-table"  # what punctuality reads of flights; its contract is restricted
READER = "data_product:operations/punctuality"
FLIGHTS_OWNER, PUNCTUALITY_OWNER = "amelia@airport.example", "bessie@airport.example"

SERVED_WITHIN_SECONDS = 30  # a data API looks for new rows every few seconds
ANSWER_WITHIN_SECONDS = 30
UNCHANGED = {"same", "read"}

Row = dict[str, Any]


class DemoFailed(Exception):
    """Raised when the tour cannot go on; says at which step."""


def tour() -> None:
    """Everything, in the order in which a newcomer would do it."""
    heading("The data: what left New York in 2013")
    prepare_data()
    for product in (FLIGHTS, PUNCTUALITY):
        if product == PUNCTUALITY:
            heading("Access: punctuality asks to read flights, and the owner of flights lets it in")
            let_in()
        heading(f"Up: {product}")
        alchemesh("up", "--yes", "-C", product)
        alchemesh("run", "-C", product)
        wait_until_served(product)
    heading("Answers of aviation/flights")
    ask_flights(data_api(FLIGHTS))
    heading("Answers of operations/punctuality")
    ask_punctuality(data_api(PUNCTUALITY))
    heading("What stands, and where its data comes from")
    for product in (FLIGHTS, PUNCTUALITY):
        alchemesh("status", "-C", product)
    alchemesh("mesh", "show")
    heading("Again: nothing changes")
    for product in (FLIGHTS, PUNCTUALITY):
        repeat(product)
    print("\nTake it down with `make demo-down`; look around with:")
    print(f"  export {HOME_VARIABLE}={os.environ[HOME_VARIABLE]}", flush=True)


def take_down() -> None:
    """Remove both products: the consumer, its access, and what it read."""
    alchemesh("destroy", "--yes", "--delete-data", "-C", PUNCTUALITY)
    for request in open_requests():
        alchemesh("access", "revoke", request["request"], "--reason", "the tour is over", "--apply", user=FLIGHTS_OWNER)
    alchemesh("destroy", "--yes", "--delete-data", "-C", FLIGHTS)


def let_in() -> None:
    """Ask for access to flights where nobody has, approve it where nobody has, and deploy just that."""
    if not open_requests():
        purpose = ("--purpose", "how punctual carriers and airports are")
        alchemesh("access", "request", READ, "--as", READER, *purpose, user=PUNCTUALITY_OWNER)
    for request in open_requests():
        if request["state"] == "requested":
            alchemesh("access", "approve", request["request"], "--apply", user=FLIGHTS_OWNER)
        else:
            alchemesh("access", "apply", "aviation/flights")


def open_requests() -> list[Row]:
    """Requests of punctuality for flights that are not over."""
    states = [word for state in ("requested", "approved", "granted") for word in ("--state", state)]
    told = alchemesh(
        "access", "list", "--port", READ, "--requester", READER, *states, "--json", capture=True, quiet=True
    )
    requests: list[Row] = json.loads(told)["requests"]
    return requests


def prepare_data() -> None:
    """Unpack the files that the input ports read."""
    print("$ python examples/data.py", flush=True)
    if data.main([]) != 0:
        raise DemoFailed("the data is not there")


def repeat(product: str) -> None:
    """Bring a product up and run its code once more, and hold both to changing nothing.

    Raises:
        DemoFailed: when a resource or a table changed.
    """
    before = versions(product)
    outcome = json.loads(alchemesh("up", "--yes", "--json", "-C", product, capture=True))
    counts: dict[str, int] = outcome["changes"]
    changes = {operation: count for operation, count in counts.items() if operation not in UNCHANGED and count}
    print(f"{sum(changes.values())} changes, {counts.get('same', 0)} resources the same, {outcome['seconds']} s")
    if changes:
        raise DemoFailed(f"a second `up` of {product} changed something: {changes}")
    alchemesh("run", "-C", product)
    if versions(product) != before:
        raise DemoFailed(f"a second run of {product} wrote: table versions {before} became {versions(product)}")


def ask_flights(api: DataApiConnection) -> None:
    """Three questions about flights, one by each protocol."""
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
    """Three questions about punctuality, one by each protocol."""
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


def ask_sql(api: DataApiConnection, query: str) -> list[Row]:
    """Ask by the PostgreSQL protocol. A simple query: the server takes no bound parameters."""
    if api.sql is None:
        raise DemoFailed("the data API offers no SQL")
    try:
        with psycopg.connect(api.dsn(), autocommit=True, row_factory=psycopg.rows.dict_row) as connection:
            return connection.execute(query.encode()).fetchall()
    except psycopg.Error as error:
        raise DemoFailed(f"{api.sql}: {error}") from error


def ask_rest(api: DataApiConnection, table: str, options: dict[str, str]) -> list[Row]:
    """Ask for rows of a table by REST."""
    return answer(api, f"{api.rest}/tables/{table}?{urllib.parse.urlencode(options)}")


def ask_graphql(api: DataApiConnection, query: str) -> list[Row]:
    """Ask by GraphQL: the query itself is the body."""
    return answer(api, f"{api.graphql}", query)


def answer(api: DataApiConnection, url: str, body: str | None = None) -> list[Row]:
    """The rows of a JSON answer, asked for with the credential of the product."""
    headers = {"Accept": "application/json", **api.headers()}
    request = urllib.request.Request(url, body.encode() if body else None, headers)
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_WITHIN_SECONDS) as response:
            rows: list[Row] = json.load(response)
    except urllib.error.HTTPError as error:
        raise DemoFailed(f"{request.full_url}: {error.read().decode()}") from error
    except OSError as error:
        raise DemoFailed(f"{request.full_url}: {error}") from error
    return rows


def wait_until_served(product: str) -> None:
    """Wait until the data API shows as many rows as the tables hold, so that answers are those of the last run."""
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
    """Model: a number taken of its table."""
    tables = connections_of(product).output(PORTS[product]).tables
    return {model: measure(DeltaTable(tables.path(model))) for model in tables.tables}


def data_api(product: str) -> DataApiConnection:
    """The data API of a product's port."""
    return connections_of(product).output(PORTS[product]).data_api


def connections_of(product: str) -> Connections:
    """The connections of a product, as `alchemesh env` tells them."""
    return Connections.model_validate_json(alchemesh("env", "--json", "-C", product, capture=True, quiet=True))


def alchemesh(*arguments: str, capture: bool = False, quiet: bool = False, user: str = "") -> str:
    """Run a command as a person would, and show the line; returns what it printed where that is captured.

    Args:
        user: Who acts; by default whoever runs the tour.

    Raises:
        DemoFailed: when the command fails.
    """
    if not quiet:
        as_user = f"{USER_VARIABLE}={user} " if user else ""
        print(f"\n$ {as_user}alchemesh {' '.join(arguments)}", flush=True)
    try:
        done = subprocess.run(
            [Path(sys.executable).parent / "alchemesh", *arguments],
            cwd=REPOSITORY,
            env={**os.environ, **({USER_VARIABLE: user} if user else {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else None,
            text=True,
            check=False,
        )
    except OSError as error:
        raise DemoFailed(f"alchemesh cannot be started ({error}): `make setup` installs it") from error
    if done.returncode != 0:
        raise DemoFailed(f"`alchemesh {' '.join(arguments)}` ended with exit code {done.returncode}")
    return done.stdout or ""


def heading(text: str) -> None:
    """A line that says what comes."""
    print(f"\n── {text} ".ljust(100, "─"), flush=True)


def show(title: str, answers: Sequence[Row]) -> None:
    """Print rows as a small table: numbers to the right, texts to the left."""
    print(f"\n{title}\n", flush=True)
    if not answers:
        raise DemoFailed(f"no answer to: {title}")
    columns = list(answers[0])
    cells = [[text_of(row[column]) for column in columns] for row in answers]
    widths = [max(len(column), *(len(row[at]) for row in cells)) for at, column in enumerate(columns)]
    numeric = [all(isinstance(row[column], int | float) for row in answers) for column in columns]
    for line in [columns, ["─" * width for width in widths], *cells]:
        aligned = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        )
        print("  " + "  ".join(aligned).rstrip())
    sys.stdout.flush()


def text_of(value: object) -> str:
    """A value as a person reads it."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def main(arguments: list[str] | None = None) -> int:
    """Take the tour, or take it down."""
    parser = argparse.ArgumentParser(description="Two data products from nothing to answers.")
    parser.add_argument("--down", action="store_true", help="destroy what the demo brought up, data and all")
    down = parser.parse_args(arguments).down
    os.environ.setdefault(HOME_VARIABLE, str(REPOSITORY / ".demo" / "home"))
    started = time.monotonic()
    try:
        take_down() if down else tour()
    except DemoFailed as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    print(f"\ndone in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
