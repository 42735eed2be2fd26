"""A part of the tour: promises are measured, broken on purpose, and kept again; then a bill and a page."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from asking import PORTS, ask_rest, connections_of
from deltalake import CommitProperties, DeltaTable, write_deltalake
from story import FLIGHTS, FLIGHTS_OWNER, PUNCTUALITY, READER
from terminal import REPOSITORY, DemoFailed, Row, alchemesh, show

from alchemesh_platform.base.files.home import HOME_VARIABLE
from alchemesh_platform.machine.servers.processes import halt, restart

ADDRESS = "aviation/flights"
PORT = PORTS[FLIGHTS]
TEST = "flights-are-counted-once"
BILLED = 100  # requests, so that the bill has an amount
OPENS_AFTER, CLOSES_AFTER = 2, 3  # measurements
PAGE = REPOSITORY / ".demo" / "flights.html"
ANY = (0, 1)  # exit codes of a verification: a service level may be unknown so early, or broken by an earlier tour


def break_a_test() -> None:
    """Write a flight twice: the business test fails, and opens an incident. Restore the table: it closes.

    Raises:
        DemoFailed: when the test, or the incident, has another state.
    """
    with a_flight_twice():
        for _ in range(OPENS_AFTER):
            expect("failed")
        incident("open")
    for _ in range(CLOSES_AFTER):
        expect("passed")
    incident("closed")


@contextmanager
def a_flight_twice() -> Iterator[None]:
    """Add a copy of a flight to the table while the block runs."""
    path = connections_of(FLIGHTS).output(PORT).tables.path("flight")
    table = DeltaTable(path)
    before = table.version()
    # The code's own notes on the version, by which it knows that it wrote these inputs already.
    notes = {name: value for name, value in table.history(1)[0].items() if name.startswith("alchemesh.")}
    write_deltalake(path, table.to_pyarrow_dataset().head(1), mode="append")
    print(f"\na flight was written twice: version {before + 1} of the table", flush=True)
    try:
        yield
    finally:
        DeltaTable(path).restore(before, commit_properties=CommitProperties(custom_metadata=notes))
        print(f"\nthe table was restored to version {before}", flush=True)


def expect(outcome: str) -> None:
    """Run the business tests, and check the outcome of the one that is about rows that occur twice."""
    verify = ("contract", "verify", PORT, "-C", FLIGHTS, "--json")
    found = json.loads(alchemesh(*verify, capture=True, user=FLIGHTS_OWNER, exits_with=ANY))
    tests: list[Row] = [test for port in found["products"][0]["ports"] for test in port["tests"]]
    (own,) = (test for test in tests if test["test"] == TEST)
    show("Business test", [{name: own[name] for name in ("test", "outcome", "found", "expected")}])
    if own["outcome"] != outcome:
        raise DemoFailed(f"{TEST} {own['outcome']}, and should have {outcome}")


def incident(state: str) -> None:
    """Show the incidents of the business test, and check that the newest one has a state."""
    reported = alchemesh("incidents", "list", ADDRESS, "--all", "--json", capture=True, user=FLIGHTS_OWNER)
    found = [each for each in json.loads(reported)["incidents"] if each["name"] == f"test:{TEST}"]
    shown = ("id", "name", "state", "opened_at", "closed_at")
    show("Incidents", [{name: each[name] for name in shown} for each in found])
    newest = max(found, key=lambda each: str(each["opened_at"]))
    if newest["state"] != state:
        raise DemoFailed(f"the incident {newest['id']} is {newest['state']}, and should be {state}")


def stop_the_api() -> None:
    """Stop the gateway of the data API: the next probe breaks the promised uptime. Start it again.

    Raises:
        DemoFailed: when the status does not show it.
    """
    folder = Path(os.environ[HOME_VARIABLE], "local", "run", *ADDRESS.split("/"))
    halt(folder, PORT)
    print("\nthe gateway of the data API was stopped", flush=True)
    try:
        alchemesh("observe", "-C", FLIGHTS, user=FLIGHTS_OWNER)
    finally:
        restart(folder, PORT)
        print("\nthe gateway of the data API was started again", flush=True)
    shown = alchemesh("status", "-C", FLIGHTS, capture=True)
    print(shown, flush=True)
    if not re.search(r"uptime .*✗ broken", shown):
        raise DemoFailed("the status shows no broken uptime")


def bill_and_page() -> None:
    """The consumer reads more. Its bill for this month, and the page of the product with its plots."""
    api = connections_of(PUNCTUALITY).input("flights").data_api
    for place in range(BILLED):
        ask_rest(api, "flight", {"limit": "1", "offset": str(place)})
    month = f"{datetime.now(UTC):%Y-%m}"
    alchemesh("usage", PORT, "-C", FLIGHTS, user=FLIGHTS_OWNER)
    alchemesh("contract", "bill", PORT, "-C", FLIGHTS, "--consumer", READER, "--period", month, user=FLIGHTS_OWNER)
    alchemesh("report", "--html", str(PAGE), "-C", FLIGHTS, user=FLIGHTS_OWNER)
