"""The path of an event, step by step: from a Kafka topic through NiFi and a bucket into BigQuery, and to a consumer.

Kafka and NiFi are real servers on this machine; Google Cloud is emulated. Each step runs the commands of a person.
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

from alchemesh_platform.base.files.home import HOME_VARIABLE
from alchemesh_platform.clouds.gcp.emulation.api.bigquery import BigQueryRest
from alchemesh_platform.clouds.gcp.emulation.api.storage import StorageRest
from alchemesh_platform.clouds.gcp.emulation.environment import emulators_of
from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
from alchemesh_platform.connections import BIGQUERY_SCHEME, Connections
from alchemesh_platform.deployment.emulation import emulate
from alchemesh_platform.platform_file.load import load_platform
from parts.kafka import ADMINISTRATOR, Broker, broker
from parts.nifi import SUBSTITUTES, Nifi, nifi

PRODUCT = "examples/departures"
MESH = "examples/mesh"
DOMAIN = "aviation"
TOPIC = "ops.departures"
PORT = "aviation/departures/departures-table"
READER = "technical_team:operations/punctuality-desk"
READER_MEMBER = "operations-punctuality-desk@acme.example"  # the group of the team, as platforms/gcp.yaml maps it
OWNER, READER_OWNER = "amelia@airport.example", "bessie@airport.example"
PLATFORM_OWNER = "katherine@airport.example"
ENVIRONMENT = "demo"
WHERE = ("-e", ENVIRONMENT, "--emulate")
PASSWORD_VARIABLE = "KAFKA_PASSWORD"  # noqa: S105 - its name, as platforms/gcp.yaml has it
PLATFORM_VARIABLE = "ALCHEMESH_PLATFORM"

SENT_TWICE = 50  # one in so many events is sent twice, as at-least-once delivery allows
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
class Produced:
    """Produced departures by their keys, and the number of messages: some are sent twice, and one is not an event."""

    departures: Mapping[str, Row]
    messages: int

    @property
    def events(self) -> int:
        """Messages that are events."""
        return self.messages - 1


@contextmanager
def servers(folder: Path) -> Iterator[Place]:
    """Start broker and NiFi, and configure the commands for them; the servers always stop at the end.

    Args:
        folder: Is emptied first; receives platform file, state, records and the emulated cloud.
    """
    with broker() as kafka, nifi() as server, configured(folder, kafka, server) as place:
        print(f"Kafka {kafka.bootstrap}, NiFi {server.url}", flush=True)
        yield place


@contextmanager
def configured(folder: Path, kafka: Broker, server: Nifi) -> Iterator[Place]:
    """Configure the commands for running servers, with an emulated cloud that stops at the end.

    Args:
        folder: Is emptied first; receives platform file, state, records and the emulated cloud.
        kafka: The broker.
        server: The NiFi.
    """
    names = (HOME_VARIABLE, PLATFORM_VARIABLE, PASSWORD_VARIABLE)
    before = {name: os.environ.get(name) for name in names}
    emulators = None
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
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
    """The shipped platforms/gcp.yaml, with an environment that extends its `prod` with servers of this machine."""
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
    """Record the mesh, and deploy the foundations and the product."""
    alchemesh("platform", "up", "--yes", *WHERE, user=PLATFORM_OWNER)
    alchemesh("mesh", "apply", MESH, "--yes", *WHERE, user=PLATFORM_OWNER)
    alchemesh("domain", "up", DOMAIN, "--yes", *WHERE, user=OWNER)
    alchemesh("up", "--yes", "-C", PRODUCT, *WHERE, user=OWNER)


def report(kafka: Broker, count: int) -> Produced:
    """Produce departures as events, some of them twice, and one message that is not an event."""
    departures = {row["departure_id"]: row for row in islice(departures_of_2013(), count)}
    messages = [json.dumps(row).encode() for row in departures.values()]
    messages += [*messages[::SENT_TWICE], NO_EVENT]
    kafka.produce(TOPIC, messages)
    return Produced(departures, len(messages))


def departures_of_2013() -> Iterator[Row]:
    """Departures of 2013, in the order and format of the dispatch system."""
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
    """Objects of a bucket with their lines, without the empty lines between batches."""
    storage = buckets(emulators)
    names = sorted(storage.objects(bucket))
    return {name: [line for line in (storage.read(bucket, name) or b"").splitlines() if line] for name in names}


def wait_until_landed(emulators: Emulators, reported: Produced) -> dict[str, list[bytes]]:
    """Wait until NiFi has written every message; returns the objects with their lines.

    Raises:
        DemoFailed: when some are still missing after the time limit.
    """
    bucket = urlsplit(connections().input("events").files.url).netloc
    deadline = time.monotonic() + LANDED_WITHIN_SECONDS
    objects: dict[str, list[bytes]] = {}
    while (count := sum(len(lines) for lines in objects.values())) < reported.messages:
        if time.monotonic() > deadline:
            raise DemoFailed(f"gs://{bucket} has {count:,} of {reported.messages:,} messages in {len(objects)} objects")
        time.sleep(LOOK_EVERY_SECONDS)
        objects = landed(emulators, bucket)
    return objects


def run_code() -> None:
    """Run the product's code with the settings of its Cloud Run job."""
    alchemesh("run", "-C", PRODUCT, *WHERE, user=OWNER)


def grant_access() -> str:
    """A team of another domain requests access, the owner approves and deploys the grant alone; returns the request."""
    purpose = ("--purpose", "how late departures are")
    reported = alchemesh(
        "access", "request", PORT, "--as", READER, *purpose, "--json", *WHERE, user=READER_OWNER, capture=True
    )
    request = str(json.loads(reported)["request"])
    alchemesh("access", "approve", request, *WHERE, user=OWNER)
    alchemesh("access", "apply", "aviation/departures", *WHERE, user=OWNER)
    return request


def status() -> str:
    """The status of the product, as one JSON document."""
    return alchemesh("status", "--json", "-C", PRODUCT, *WHERE, capture=True)


def connections() -> Connections:
    """The product's connections, as `alchemesh env` prints them."""
    reported = alchemesh("env", "--json", "-C", PRODUCT, *WHERE, capture=True, quiet=True)
    return Connections.model_validate_json(reported)


def views() -> tuple[str, str]:
    """Project and dataset of the authorised views, from the connection that consumers get."""
    project, dataset = (
        (connections().output("departures-table").data_api.sql or "").removeprefix(BIGQUERY_SCHEME).split("/")
    )
    return project, dataset


def readers(emulators: Emulators) -> list[Row]:
    """Readers on the access list of the dataset of views."""
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
    """Query the views as a member, checked here against their access list, which the emulator does not enforce.

    Args:
        query: SQL with {views} in the place of the dataset of the views.

    Raises:
        PermissionError: when the member is not on the list.
    """
    if member not in {reader["who"] for reader in readers(emulators)}:
        raise PermissionError(f"{member} is not on the access list of the views")
    project, dataset = views()
    return rows(emulators, query.format(views=f"{project}.{dataset}"))


def rows(emulators: Emulators, query: str) -> list[Row]:
    """Rows of a query's answer from BigQuery."""
    answer = warehouse(emulators).json("POST", f"/bigquery/v2/projects/{PROJECT}/queries", {"query": query} | STANDARD)
    if "pageToken" in answer:
        raise DemoFailed("the answer has more rows than fit on a page")
    fields = answer["schema"]["fields"]
    return [
        {field["name"]: value_of(field["type"], cell["v"]) for field, cell in zip(fields, row["f"], strict=True)}
        for row in answer.get("rows", ())
    ]


def value_of(kind: str, text: Any) -> Any:
    """A typed value: answers have all values as texts, and times in seconds since 1970."""
    if text is None:
        return None
    return READ.get(kind, str)(text)


def table() -> str:
    """The product's table, as SQL names it."""
    return connections().output("departures-table").tables.table_id("departure")


def take_down(requests: Sequence[str]) -> None:
    """Revoke the access and destroy the product, which drains its dataflow first."""
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
    """Names of the dataflows in NiFi."""
    with urlopen(f"{server.url}/flow/process-groups/root", timeout=30) as answer:
        groups = json.load(answer)["processGroupFlow"]["flow"]["processGroups"]
    return [group["component"]["name"] for group in groups]
