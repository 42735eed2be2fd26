"""The tour that `make demo-gcp` takes: events of a real Kafka topic, through a real NiFi, to an answer of BigQuery.

    python examples/demo_gcp.py                  # 3,000 departures
    python examples/demo_gcp.py --events 20000

Google Cloud is emulated on this machine: no account, no network. Broker, NiFi and emulators are stopped at the end,
whatever happens. What was written is in .demo/gcp until the next tour.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time

from gcp_path import (
    NO_EVENT,
    PRODUCT,
    READER_MEMBER,
    TOPIC,
    WHERE,
    Place,
    ask,
    deploy,
    let_in,
    readers,
    report,
    rows,
    run_code,
    servers,
    table,
    take_down,
    wait_until_landed,
)
from terminal import REPOSITORY, alchemesh, heading, show, taken

from alchemesh_platform.base.failure import Failure
from parts.java import PartFailed, missing

FOLDER = REPOSITORY / ".demo" / "gcp"
STRANGER = "somebody@elsewhere.example"
QUESTION = """
SELECT carrier, COUNT(*) AS departures, ROUND(AVG(delay_minutes), 1) AS mean_delay_minutes,
       COUNTIF(cancelled) AS cancelled
FROM `{views}.departure` GROUP BY carrier ORDER BY departures DESC LIMIT 5
"""


def tour(place: Place, count: int) -> None:
    """Everything, in the order in which an event goes."""
    emulators = place.emulators
    place.kafka.create_topic(TOPIC, partitions=3)
    heading(f"Up: {PRODUCT}, on Google Cloud as platforms/gcp.yaml says, emulated")
    deploy()
    heading("Dispatch tells of departures")
    started = time.monotonic()
    reported = report(place.kafka, count)
    twice = reported.events - len(reported.departures)
    print(
        f"{reported.messages:,} messages on {TOPIC}: {len(reported.departures):,} departures, {twice} of them "
        "sent twice,"
    )
    print(f"and one that is no event: {NO_EVENT.decode()!r}", flush=True)
    objects = wait_until_landed(emulators, reported)
    show(
        f"Objects in the bucket, {time.monotonic() - started:.0f} s later",
        [{"object": name, "lines": len(lines)} for name, lines in objects.items()],
    )
    heading("The code of the product: from the bucket into BigQuery")
    run_code()
    run_code()
    show("Rows in the table", rows(emulators, f"SELECT COUNT(*) AS departures FROM `{table()}`"))
    show("The first of them", rows(emulators, f"SELECT * FROM `{table()}` ORDER BY departure_id LIMIT 3"))
    heading("Access: a team of another domain asks, and is let in")
    request = let_in_and_ask(place)
    heading("What stands")
    alchemesh("status", "-C", PRODUCT, *WHERE)
    heading("Down again: access taken back, the dataflow drained, everything removed")
    take_down([request])


def let_in_and_ask(place: Place) -> str:
    """Ask as somebody who was not let in, then as who was; returns the request."""
    emulators = place.emulators
    request = let_in()
    show(f"Who may read the views, by {request}", readers(emulators))
    for member in (STRANGER, READER_MEMBER):
        try:
            show(f"The authorised view, asked by {member}", ask(emulators, member, QUESTION))
        except PermissionError as error:
            print(f"\nrefused: {error}", flush=True)
    return request


def main(arguments: list[str] | None = None) -> int:
    """Take the tour."""
    parser = argparse.ArgumentParser(description="Events from Kafka through NiFi into BigQuery, to a consumer.")
    parser.add_argument("--events", type=int, default=3_000, help="departures; default: 3000")
    count = parser.parse_args(arguments).events
    if (lacking := missing()) is not None:
        print(f"error: {lacking}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers are stopped as after Ctrl-C

    def with_servers() -> None:
        heading("Servers: Kafka, NiFi")
        with servers(FOLDER) as place:
            tour(place, count)

    return taken(with_servers, PartFailed, Failure)


if __name__ == "__main__":
    sys.exit(main())
