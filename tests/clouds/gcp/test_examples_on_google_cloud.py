"""The examples' code on emulated Google Cloud: the same code as on a laptop, and the same rows."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.clouds.gcp.own_process import OwnProcess, own_process

if TYPE_CHECKING:
    from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
    from alchemesh_platform.connections import Connections

pytestmark = [pytest.mark.slow]

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def code(emulators: Emulators) -> Iterator[OwnProcess]:
    for service in ("bigquery", "storage"):
        emulators.address_of(service)
    with own_process(emulators.variables()) as process:
        yield process


def test_departures_loads_each_departure_once_from_events_of_a_bucket(code: OwnProcess) -> None:
    printed, rows = code.run(_departures)
    assert printed == [
        "3 events: 2 departures are new",
        "4 events: 1 departures are new",
        "4 events: 0 departures are new",
    ]
    assert [row["departure_id"] for row in rows] == ["A", "B", "C"]
    assert rows[0] == {
        "departure_id": "A",
        "carrier": "UA",
        "origin": "EWR",
        "destination": "IAH",
        "scheduled_departure": datetime(2013, 1, 1, 10, 15, tzinfo=UTC),
        "delay_minutes": -2,
        "cancelled": False,
    }


def _departures() -> tuple[list[str], list[dict[str, Any]]]:
    from tests.clouds.gcp.typed_code import buckets, table

    models = _models("departures")
    table("departures", models["departure"], "departure")
    bucket = buckets().create_bucket("departures-events")
    here = _product(
        inputs={"events": {"storage": _events("gs://departures-events")}},
        outputs={"departures-table": {"storage": _tables("departures", "departure")}},
        schemas={
            "events": {"declared": models["departure"]},
            "departures-table": {"models": {"departure": models["departure"]}},
        },
    )
    bucket.blob("ops.departures/date=2013-01-01/1.jsonl").upload_from_string(
        "\n".join(json.dumps(each) for each in (_event("A", -2), _event("B", None), _event("A", -2)))
    )
    bucket.blob("dead-letter/1.txt").upload_from_string("dispatch: line noise")
    printed = [_run("departures", "departures.load", here)]
    bucket.blob("ops.departures/date=2013-01-02/2.jsonl").upload_from_string(json.dumps(_event("C", 5)))
    printed += [_run("departures", "departures.load", here), _run("departures", "departures.load", here)]
    rows = here.output("departures-table").read("departure").pylist()
    return printed, sorted(rows, key=lambda row: str(row["departure_id"]))


def _event(key: str, delay: int | None) -> dict[str, Any]:
    return {
        "departure_id": key,
        "carrier": "UA",
        "origin": "EWR",
        "destination": "IAH",
        "scheduled_departure": "2013-01-01T10:15:00Z",
        "delay_minutes": delay,
        "cancelled": delay is None,
    }


def _events(url: str) -> dict[str, Any]:
    return {"kind": "files", "url": url, "format": "json", "reading": {"folder": "ops.departures/"}}


def _tables(dataset: str, *models: str) -> dict[str, Any]:
    tables = {model: f"bigquery://acme-mesh/{dataset}/{model}" for model in models}
    return {"kind": "tables", "format": "bigquery", "tables": tables}


def _models(product: str) -> dict[str, dict[str, Any]]:
    from alchemesh_platform.manifest.load import load_manifest

    models = load_manifest(EXAMPLES / product / "alchemesh.yaml").product.models
    return {name: model.model_dump(mode="json", exclude_defaults=True)["properties"] for name, model in models.items()}


def _product(**known: Any) -> Connections:
    from tests.clouds.gcp.typed_code import product

    return product(**known)


def _run(product: str, module: str, here: Connections) -> str:
    """Run the code of a product as its job does, and return its last line."""
    import importlib
    import os

    from alchemesh_platform.connections import CONNECTIONS_VARIABLE

    os.environ[CONNECTIONS_VARIABLE] = here.model_dump_json()
    sys.path.insert(0, str(EXAMPLES / product))
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        importlib.import_module(module).main()
    sys.path.remove(str(EXAMPLES / product))
    return out.getvalue().splitlines()[-1]
