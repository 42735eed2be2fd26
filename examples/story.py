"""Two parts of the tour: a consumer receives access, and a contract protects it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import psycopg
import yaml
from asking import ANSWER_WITHIN_SECONDS, data_api
from terminal import REPOSITORY, DemoFailed, Row, alchemesh, show

from alchemesh_platform.connections import DataApiConnection

FLIGHTS = "examples/flights"
PUNCTUALITY = "examples/punctuality"
READ = "aviation/flights/flights-table"  # the port that punctuality reads; its contract is restricted
READER = "data_product:operations/punctuality"
FLIGHTS_OWNER, PUNCTUALITY_OWNER = "amelia@airport.example", "bessie@airport.example"
OWNERS = {FLIGHTS: FLIGHTS_OWNER, PUNCTUALITY: PUNCTUALITY_OWNER}  # only they, their teams and platform owners deploy
PLATFORM_OWNER = "katherine@airport.example"
DROPPED = "visibility_miles"  # the property of a flight that its team wants to remove
FORBIDDEN = 4  # exit code when a policy, a contract or a missing grant forbids something


def grant_access() -> None:
    """Request access to flights, see `up` refused without it, approve the request, and deploy the grant alone."""
    if any(request["state"] == "granted" for request in open_requests()):
        print("punctuality has access from an earlier tour")
        return
    refused(data_api(FLIGHTS))
    if not open_requests():
        purpose = ("--purpose", "how punctual carriers and airports are")
        alchemesh("access", "request", READ, "--as", READER, *purpose, user=PUNCTUALITY_OWNER)
    alchemesh("up", "--yes", "-C", PUNCTUALITY, user=PUNCTUALITY_OWNER, exits_with=FORBIDDEN)
    for request in open_requests():
        if request["state"] == "requested":
            alchemesh("access", "approve", request["request"], user=FLIGHTS_OWNER)
    alchemesh("preview", "-C", FLIGHTS)
    alchemesh("access", "apply", "aviation/flights", user=FLIGHTS_OWNER)


def open_requests() -> list[Row]:
    """Open requests of punctuality for flights."""
    states = [word for state in ("requested", "approved", "granted") for word in ("--state", state)]
    reported = alchemesh(
        "access", "list", "--port", READ, "--requester", READER, *states, "--json", capture=True, quiet=True
    )
    requests: list[Row] = json.loads(reported)["requests"]
    return requests


def refused(api: DataApiConnection) -> None:
    """Query without a credential over each protocol, and check that all of them refuse.

    Raises:
        DemoFailed: when one of them returns data.
    """
    reported = []
    for protocol, url, body in (
        ("REST", f"{api.rest}/tables/flight?limit=1", None),
        ("GraphQL", f"{api.graphql}", b"{ flight(limit: 1) { carrier } }"),
    ):
        try:
            urllib.request.urlopen(urllib.request.Request(url, body), timeout=ANSWER_WITHIN_SECONDS).close()
        except urllib.error.HTTPError as error:
            reported.append({"protocol": protocol, "answer without a credential": f"{error.code} {error.reason}"})
    if api.sql is not None:
        try:
            psycopg.connect(f"{api.sql}/flights-table?user=nobody&password=guessed").close()
        except psycopg.OperationalError as error:
            reason = str(error).rpartition("FATAL:")[2].strip()
            reported.append({"protocol": "SQL", "answer without a credential": reason})
    show("Answers without access", reported)
    if len(reported) != (3 if api.sql is not None else 2):
        raise DemoFailed("a data API answered a request without a credential")


def drop_a_property() -> None:
    """Try to remove a property that a consumer may read: refused, also after notice until the period is over."""
    notice = ("contract", "notice", "flights-table", "breaking-change", "-C", FLIGHTS)
    following = REPOSITORY / FLIGHTS / "following.yaml"
    try:
        write_following(following)
        product = str(following.relative_to(REPOSITORY))
        alchemesh("preview", "-C", product, user=FLIGHTS_OWNER)
        alchemesh("up", "--yes", "-C", product, user=FLIGHTS_OWNER, exits_with=FORBIDDEN)
        alchemesh(*notice, "--message", f"{DROPPED} will be removed: its instruments are sold", user=FLIGHTS_OWNER)
        alchemesh("up", "--yes", "-C", product, user=FLIGHTS_OWNER, exits_with=FORBIDDEN)
        alchemesh("preview", "-C", PUNCTUALITY, user=PUNCTUALITY_OWNER)
        alchemesh(*notice, "--withdraw", user=FLIGHTS_OWNER)
    finally:
        following.unlink(missing_ok=True)


def write_following(manifest: Path) -> None:
    """Write the manifest of flights without one property, which the table can follow only by replacement."""
    product = yaml.safe_load((REPOSITORY / FLIGHTS / "alchemesh.yaml").read_text("utf-8"))
    del product["models"]["flight"]["properties"][DROPPED]
    port = next(port for port in product["output_ports"] if port["name"] == "flights-table")
    port["storage"].setdefault("args", {})["on_incompatible_change"] = "replace"
    port["contract"]["version"] = "3.0.0"
    manifest.write_text(yaml.safe_dump(product, sort_keys=False, allow_unicode=True), "utf-8")
