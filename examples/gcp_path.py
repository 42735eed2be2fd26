"""The path of an event, step by step: from a Kafka topic through NiFi and a bucket into BigQuery, and to a consumer.

Kafka and NiFi are real, and of this machine; Google Cloud is emulated. Each step types what a person would.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import data
import yaml
from terminal import REPOSITORY, DemoFailed, Row, alchemesh

from alchemesh_platform.base.home import HOME_VARIABLE
from alchemesh_platform.clouds.gcp.emulation.api.bigquery import BigQueryRest
from alchemesh_platform.clouds.gcp.emulation.api.storage import StorageRest
from alchemesh_platform.clouds.gcp.emulation.environment import emulate, emulators_of
from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
from alchemesh_platform.connections import BIGQUERY_SCHEME, Connections
from alchemesh_platform.platform_file.load import load_platform
from parts.kafka import ADMINISTRATOR, Broker, broker
from parts.nifi import SUBSTITUTES, Nifi, nifi

PRODUCT = "examples/departures"
MESH = "examples/mesh"
DOMAIN = "aviation"
TOPIC = "ops.departures"
PORT = "aviation/departures/departures-table"
READER = "technical_team:operations/punctuality-desk"
READER_MEMBER = "operations-punctuality-desk@acme.example"  # as platforms/gcp.yaml says that groups are called
OWNER, READER_OWNER = "amelia@airport.example", "bessie@airport.example"
ENVIRONMENT = "demo"
WHERE = ("-e", ENVIRONMENT, "--emulate")
PASSWORD_VARIABLE = "KAFKA_PASSWORD"  # noqa: S105 - its name, as platforms/gcp.yaml has it
PLATFORM_VARIABLE = "ALCHEMESH_PLATFORM"

TOLD_TWICE = 50  # every so many events comes twice, as at-least-once delivery allows
PROJECT = "acme-mesh"
STANDARD = {"useLegacySql": False, "maxResults": 100_000}
READ: dict[str, Callable[[str], Any]] = {
    "INTEGER": int,
    "INT64": int,
    "FLOAT": float,
    "FLOAT64": float,
    "BOOLEAN": lambda text: str(text).lower() == "true",
    "BOOL": lambda text: str(text).lower() == "true",
    "TIMESTAMP": lambda text: datetime.fromtimestamp(float(text), UTC),
}

NO_EVENT = b"dispatch: line noise"
LANDED_WITHIN_SECONDS = 300.0
LOOK_EVERY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """The servers of a tour, and the folder with its platform file and its home."""

    kafka: Broker
    nifi: Nifi
    emulators: Emulators


@dataclass(frozen=True, slots=True)
class Told:
    """What was produced: departures by their keys, and messages in all; some came twice, and one is no event."""

    departures: Mapping[str, Row]
    messages: int

    @property
    def events(self) -> int:
        """Messages that are events."""
        return self.messages - 1


@contextmanager
def servers(folder: Path) -> Iterator[Place]:
    """Start broker and NiFi, and point the commands at them; everything is stopped at the end, whatever happens.

    Args:
        folder: Emptied, then filled: platform file, state, records, the emulated cloud.
    """
    names = (HOME_VARIABLE, PLATFORM_VARIABLE, PASSWORD_VARIABLE)
    before = {name: os.environ.get(name) for name in names}
    emulators = None
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with broker() as kafka, nifi() as server:
            print(f"Kafka {kafka.bootstrap}, NiFi {server.url}", flush=True)
            file = folder / "platform.yaml"
            file.write_text(platform_file(kafka.bootstrap, server.url), "utf-8")
            home = folder / "home"
            settings = (str(home), str(file), kafka.password)
            os.environ.update(zip(names, settings, strict=True))
            emulators = emulators_of(emulate(load_platform(file, ENVIRONMENT, home)))
            yield Place(kafka, server, emulators)
    finally:
        if emulators is not None:
            emulators.stop()
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ.update({name: value} if value is not None else {})


def platform_file(bootstrap: str, url: str) -> str:
    """platforms/gcp.yaml as it is shipped, with an environment that extends its `prod` by servers of this machine."""
    shipped: dict[str, Any] = yaml.safe_load((REPOSITORY / "platforms" / "gcp.yaml").read_text("utf-8"))
    security = {"protocol": "SASL_PLAINTEXT", "mechanism": "PLAIN", "username": ADMINISTRATOR}
    shipped["environments"][ENVIRONMENT] = {
        "extends": "prod",
        "settings": {
            "kafka": {"bootstrap_servers": [bootstrap], "security": security},
            "nifi": {"url": url, "username": None, "password": None, "substitutes": SUBSTITUTES, "drain": "2m"},
        },
    }
    return yaml.safe_dump(shipped, sort_keys=False)


def deploy() -> None:
    """Record the mesh, and deploy what the product stands on and the product."""
    alchemesh("platform", "up", "--yes", *WHERE)
    alchemesh("mesh", "apply", MESH, "--yes", *WHERE)
    alchemesh("domain", "up", DOMAIN, "--yes", *WHERE)
    alchemesh("up", "--yes", "-C", PRODUCT, *WHERE, user=OWNER)


def report(kafka: Broker, count: int) -> Told:
    """Produce departures as events, some of them twice, and one message that is none."""
    departures = {row["departure_id"]: row for row in islice(told_departures(), count)}
    messages = [json.dumps(row).encode() for row in departures.values()]
    messages += [*messages[::TOLD_TWICE], NO_EVENT]
    kafka.produce(TOPIC, messages)
    return Told(departures, len(messages))


def told_departures() -> Iterator[Row]:
    """Departures of 2013, in the order and the words in which dispatch tells them."""
    flights = data.TABLES[0]
    with data.opened(data.package_data() / flights.packed, flights) as file:
        for row in csv.DictReader(io.TextIOWrapper(file, "utf-8")):
            scheduled = f"{row['time_hour'][:13]}:{int(row['minute']):02}:00Z"
            compact = scheduled.replace("-", "").replace(":", "")
            yield {
                "departure_id": f"{row['carrier']}-{row['flight']}-{row['origin']}-{compact[:13]}Z",
                "carrier": row["carrier"],
                "origin": row["origin"],
                "destination": row["dest"],
                "scheduled_departure": scheduled,
                "delay_minutes": None if row["dep_delay"] in ("", "NA") else int(float(row["dep_delay"])),
                "cancelled": row["dep_time"] in ("", "NA"),
            }


def landed(emulators: Emulators, bucket: str) -> dict[str, list[bytes]]:
    """Object of a bucket: its lines, but for empty ones, which stand between batches."""
    storage = buckets(emulators)
    names = sorted(storage.objects(bucket))
    return {name: [line for line in (storage.read(bucket, name) or b"").splitlines() if line] for name in names}


def wait_until_landed(emulators: Emulators, reported: Told) -> dict[str, list[bytes]]:
    """Wait until NiFi has written every message; returns the objects with their lines.

    Raises:
        DemoFailed: when some are still missing after the time limit.
    """
    bucket = urlsplit(connections().input("told").files.url).netloc
    deadline = time.monotonic() + LANDED_WITHIN_SECONDS
    objects: dict[str, list[bytes]] = {}
    while (count := sum(len(lines) for lines in objects.values())) < reported.messages:
        if time.monotonic() > deadline:
            raise DemoFailed(f"gs://{bucket} has {count:,} of {reported.messages:,} messages in {len(objects)} objects")
        time.sleep(LOOK_EVERY_SECONDS)
        objects = landed(emulators, bucket)
    return objects


def run_code() -> None:
    """Run the product's code, as its job on Cloud Run says."""
    alchemesh("run", "-C", PRODUCT, *WHERE, user=OWNER)


def let_in() -> str:
    """A team of another domain asks, the owner approves, and just that is deployed; returns the request."""
    purpose = ("--purpose", "how late departures are")
    reported = alchemesh(
        "access", "request", PORT, "--as", READER, *purpose, "--json", *WHERE, user=READER_OWNER, capture=True
    )
    request = str(json.loads(reported)["request"])
    alchemesh("access", "approve", request, *WHERE, user=OWNER)
    alchemesh("access", "apply", "aviation/departures", *WHERE, user=OWNER)
    return request


def status() -> str:
    """How the product is doing, as one JSON document."""
    return alchemesh("status", "--json", "-C", PRODUCT, *WHERE, capture=True)


def connections() -> Connections:
    """The product's connections, as `alchemesh env` tells them."""
    reported = alchemesh("env", "--json", "-C", PRODUCT, *WHERE, capture=True, quiet=True)
    return Connections.model_validate_json(reported)


def views() -> tuple[str, str]:
    """Project and dataset of the authorised views, as consumers are told."""
    project, dataset = (
        (connections().output("departures-table").data_api.sql or "").removeprefix(BIGQUERY_SCHEME).split("/")
    )
    return project, dataset


def readers(emulators: Emulators) -> list[Row]:
    """Who is on the access list of the dataset of views, beside its owners."""
    project, dataset = views()
    found = (warehouse(emulators).dataset(project, dataset) or {}).get("access", ())
    members = [{name: text for name, text in entry.items() if name not in ("role", "condition")} for entry in found]
    return [
        {"kind": kind, "who": str(who), "until": entry.get("condition", {}).get("expression")}
        for entry, member in zip(found, members, strict=True)
        if entry.get("role") == "READER"
        for kind, who in member.items()
    ]


def ask(emulators: Emulators, member: str, query: str) -> list[Row]:
    """Ask the views as somebody: held here against their access list, which the emulator keeps and does not enforce.

    Args:
        query: SQL, in which {views} stands for the dataset of the views.

    Raises:
        PermissionError: when the member is not on the list.
    """
    if member not in {reader["who"] for reader in readers(emulators)}:
        raise PermissionError(f"{member} is not on the access list of the views")
    project, dataset = views()
    return rows(emulators, query.format(views=f"{project}.{dataset}"))


def rows(emulators: Emulators, query: str) -> list[Row]:
    """Rows that BigQuery answers."""
    answer = warehouse(emulators).json("POST", f"/bigquery/v2/projects/{PROJECT}/queries", {"query": query} | STANDARD)
    if "pageToken" in answer:
        raise DemoFailed("the answer has more rows than fit on a page")
    fields = answer["schema"]["fields"]
    return [
        {field["name"]: value_of(field["type"], cell["v"]) for field, cell in zip(fields, row["f"], strict=True)}
        for row in answer.get("rows", ())
    ]


def value_of(kind: str, text: Any) -> Any:
    """A value of an answer, which has all of them as texts; times in seconds since 1970."""
    if text is None:
        return None
    return READ.get(kind, str)(text)


def table() -> str:
    """The product's table, as SQL names it."""
    return connections().output("departures-table").tables.table_id("departure")


def take_down(requests: Sequence[str]) -> None:
    """Take the consumer out, and the product down: its dataflow is drained first."""
    for request in requests:
        alchemesh("access", "revoke", request, "--reason", "the tour is over", "--apply", *WHERE, user=OWNER)
    alchemesh("destroy", "--yes", "--delete-data", "-C", PRODUCT, *WHERE, user=OWNER)


def buckets(emulators: Emulators) -> StorageRest:
    """The emulated buckets."""
    return StorageRest("storage", emulators.addresses()["storage"])


def warehouse(emulators: Emulators) -> BigQueryRest:
    """The emulated warehouse."""
    return BigQueryRest("bigquery", emulators.addresses()["bigquery"])


def dataflows(server: Nifi) -> list[str]:
    """Names of the dataflows that NiFi has."""
    with urlopen(f"{server.url}/flow/process-groups/root", timeout=30) as answer:
        groups = json.load(answer)["processGroupFlow"]["flow"]["processGroups"]
    return [group["component"]["name"] for group in groups]
