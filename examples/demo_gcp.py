"""The tour of `make demo-gcp`: events of a real Kafka topic, through a real NiFi, to an answer of BigQuery.

    python examples/demo_gcp.py                  # 3,000 departures
    python examples/demo_gcp.py --events 20000

Google Cloud is emulated on this machine: no account, no network. The tour always stops broker, NiFi and emulators
at its end. Its files stay in .demo/gcp until the next tour.
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
    grant_access,
    readers,
    report,
    rows,
    run_code,
    servers,
    table,
    take_down,
    wait_until_landed,
)
from terminal import REPOSITORY, alchemesh, heading, run_tour, show

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
    """All steps, in the order of an event's path."""
    emulators = place.emulators
    place.kafka.create_topic(TOPIC, partitions=3)
    heading(f"Up: {PRODUCT}, on emulated Google Cloud, with platforms/gcp.yaml")
    deploy()
    heading("Dispatch sends departures")
    started = time.monotonic()
    reported = report(place.kafka, count)
    twice = reported.events - len(reported.departures)
    print(
        f"{reported.messages:,} messages on {TOPIC}: {len(reported.departures):,} departures, {twice} of them "
        "sent twice,"
    )
    print(f"and one that is not an event: {NO_EVENT.decode()!r}", flush=True)
    objects = wait_until_landed(emulators, reported)
    show(
        f"Objects in the bucket, {time.monotonic() - started:.0f} s later",
        [{"object": name, "lines": len(lines)} for name, lines in objects.items()],
    )
    heading("The product's code: from the bucket into BigQuery")
    run_code()
    run_code()
    show("Rows in the table", rows(emulators, f"SELECT COUNT(*) AS departures FROM `{table()}`"))
    show("The first rows", rows(emulators, f"SELECT * FROM `{table()}` ORDER BY departure_id LIMIT 3"))
    heading("Access: a team of another domain requests access, and receives a grant")
    request = grant_and_query(place)
    heading("Deployed ports and their health")
    alchemesh("status", "-C", PRODUCT, *WHERE)
    heading("Down: access revoked, the dataflow drained, everything removed")
    take_down([request])


def grant_and_query(place: Place) -> str:
    """Query as a user without access, then as a member of the team with a grant; returns the request."""
    emulators = place.emulators
    request = grant_access()
    show(f"Readers of the views, by {request}", readers(emulators))
    for member in (STRANGER, READER_MEMBER):
        try:
            show(f"The authorised view, queried by {member}", ask(emulators, member, QUESTION))
        except PermissionError as error:
            print(f"\nrefused: {error}", flush=True)
    return request


def main(arguments: list[str] | None = None) -> int:
    """Run the tour."""
    parser = argparse.ArgumentParser(description="Events from Kafka through NiFi into BigQuery, to a consumer.")
    parser.add_argument("--events", type=int, default=3_000, help="departures; default: 3000")
    count = parser.parse_args(arguments).events
    if (lacking := missing()) is not None:
        print(f"error: {lacking}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stops the servers, like Ctrl-C

    def with_servers() -> None:
        heading("Servers: Kafka, NiFi")
        with servers(FOLDER) as place:
            tour(place, count)

    return run_tour(with_servers, PartFailed, Failure)


if __name__ == "__main__":
    sys.exit(main())
