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

from tests.clouds.gcp.rows.own_process import OwnProcess, own_process
from tests.compose.three_platforms import operational_files

if TYPE_CHECKING:
    from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
    from alchemesh_platform.connections import Connections

pytestmark = [pytest.mark.slow]

EXAMPLES = Path(__file__).parents[4] / "examples"


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


def test_flights_and_punctuality_write_the_same_rows_on_a_laptop_on_google_cloud_and_on_aws(
    code: OwnProcess, tmp_path: Path
) -> None:
    laptop, cloud, amazon = code.run(_flights_and_punctuality, tmp_path)
    assert {model: len(rows) for model, rows in laptop.items()} == {
        "flight": 2_000,
        "airline": 16,
        "airport": 1_458,
        "departure": 2_000,
        "weather_observation": 283,
        "carrier_punctuality": 14,
        "airport_punctuality": 91,
        "hour_punctuality": 19,
    }
    for model, rows in laptop.items():
        assert cloud[model] == rows, model
        assert amazon[model] == rows, model


def _departures() -> tuple[list[str], list[dict[str, Any]]]:
    from tests.clouds.gcp.rows.typed_code import buckets, table

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


def test_departures_loads_the_same_rows_on_a_laptop(code: OwnProcess, tmp_path: Path) -> None:
    printed, rows = code.run(_departures_on_a_laptop, tmp_path)
    assert printed == ["3 events: 2 departures are new", "3 events: 0 departures are new"]
    assert [(row["departure_id"], row["delay_minutes"]) for row in rows] == [("A", -2), ("B", None)]


def _departures_on_a_laptop(folder: Path) -> tuple[list[str], list[dict[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from alchemesh_platform.data.types import arrow_schema
    from alchemesh_platform.manifest.load import load_manifest
    from tests.data.products import create

    models = _models("departures")
    create(folder / "departure", models["departure"])
    properties = load_manifest(EXAMPLES / "departures" / "alchemesh.yaml").product.models["departure"].properties
    known = [_event("A", -2), _event("B", None), _event("A", -2)]
    rows = [{**each, "scheduled_departure": datetime(2013, 1, 1, 10, 15, tzinfo=UTC)} for each in known]
    landed = pa.Table.from_pylist(rows, arrow_schema(properties)).append_column("_offset", pa.array([0, 1, 2]))
    (folder / "landed").mkdir()
    pq.write_table(landed, folder / "landed" / "events.parquet")
    tables = {"kind": "tables", "format": "delta", "tables": {"departure": (folder / "departure").as_uri()}}
    here = _product(
        inputs={"events": {"storage": {"kind": "files", "url": (folder / "landed").as_uri(), "format": "parquet"}}},
        outputs={"departures-table": {"storage": tables}},
        schemas={
            "events": {"declared": models["departure"]},
            "departures-table": {"models": {"departure": models["departure"]}},
        },
    )
    printed = [_run("departures", "departures.load", here) for _each in range(2)]
    found = here.output("departures-table").read("departure").pylist()
    return printed, sorted(found, key=lambda row: str(row["departure_id"]))


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
    from tests.clouds.gcp.rows.typed_code import product

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


RAW = {"departure": "departures", "weather_observation": "weather"}


def _flights_and_punctuality(folder: Path) -> tuple[dict[str, list[str]], dict[str, list[str]], dict[str, list[str]]]:
    """Run both products in all three environments; returns the rows of each model as text."""
    operational_files(folder / "operations")
    return _on_a_laptop(folder), _on_google_cloud(folder), _on_aws(folder)


def _on_a_laptop(folder: Path) -> dict[str, list[str]]:
    from alchemesh_components.input_ports.local_files.models import Args
    from alchemesh_platform.manifest.load import load_manifest
    from alchemesh_platform.systems.local.landing.ingestion import ingest
    from alchemesh_platform.systems.local.landing.on_read import reading_of
    from tests.data.products import create

    def tables(product: str, names: tuple[str, ...]) -> dict[str, Any]:
        for name in names:
            create(folder / product / name, models[product][name])
        known = {name: (folder / product / name).as_uri() for name in names}
        return {"kind": "tables", "format": "delta", "tables": known}

    models = {name: _models(name) for name in ("flights", "punctuality")}
    declared = load_manifest(EXAMPLES / "flights" / "alchemesh.yaml").product
    inputs = {}
    for port in declared.input_ports:
        args = Args.model_validate(port.args)
        landed = folder / "landed" / port.name
        landed.mkdir(parents=True)
        source = f"{Path(args.path).parent.name}/*.csv"
        ingest(
            source, folder / "operations", landed, reading_of(args.format, args.reading(), _declared(declared, port))
        )
        inputs[port.name] = {"storage": {"kind": "files", "url": landed.as_uri(), "format": "parquet"}}
    raw = {"kind": "files", "url": (folder / "raw").as_uri(), "format": "parquet"}
    space = {"kind": "files", "url": (folder / "workspace").as_uri()}
    (folder / "workspace").mkdir()
    flights = tables("flights", ("flight", "airline", "airport"))
    mine = tables("punctuality", tuple(models["punctuality"]))
    api = {"kind": "data-api", "rest": "http://127.0.0.1:8080/api"}  # named only: the files are here to read
    return _rows_of(inputs, flights, raw, space, {"storage": flights, "proxy": api}, mine)


def _on_google_cloud(folder: Path) -> dict[str, list[str]]:
    from alchemesh_components.input_ports.storage_transfer.models import Args
    from alchemesh_platform.manifest.load import load_manifest
    from tests.clouds.gcp.rows.typed_code import buckets, table, warehouse

    client, models = buckets(), {name: _models(name) for name in ("flights", "punctuality")}
    declared = load_manifest(EXAMPLES / "flights" / "alchemesh.yaml", "prod").product
    local = {port.name: port for port in load_manifest(EXAMPLES / "flights" / "alchemesh.yaml").product.input_ports}
    inputs = {}
    for port in declared.input_ports:
        args = Args.model_validate(port.args)
        name = Path(str(local[port.name].args["path"])).parent.name
        bucket = client.create_bucket(f"flights-{port.name}")
        bucket.blob(f"{name}.csv").upload_from_filename(str(folder / "operations" / name / f"{name}.csv"))
        files = {"kind": "files", "url": f"gs://{bucket.name}", "format": args.format, "reading": args.reading()}
        inputs[port.name] = {"storage": files}
    for name in ("raw", "workspace"):
        client.create_bucket(f"flights-{name}")
    for product, known in models.items():
        for name, properties in known.items():
            table(product, properties, name)
    warehouse().create_dataset("views")
    for name in ("flight", "airline", "airport"):
        warehouse().query(f"CREATE VIEW views.{name} AS SELECT * FROM flights.{name}").result()
    views = {"kind": "data-api", "sql": "bigquery://acme-mesh/views", "tables": ["flight", "airline", "airport"]}
    raw = {"kind": "files", "url": "gs://flights-raw"}
    space = {"kind": "files", "url": "gs://flights-workspace"}
    flights = _tables("flights", "flight", "airline", "airport")
    return _rows_of(inputs, flights, raw, space, {"proxy": views}, _tables("punctuality", *models["punctuality"]))


def _on_aws(folder: Path) -> dict[str, list[str]]:
    """The same on AWS: moto has S3 and the Glue catalog."""
    import os

    import boto3
    from moto import mock_aws

    from alchemesh_components.input_ports.s3_files.models import Args
    from alchemesh_platform.manifest.load import load_manifest

    place = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    os.environ.update(place)
    declared = load_manifest(EXAMPLES / "flights" / "alchemesh.yaml", "aws").product
    local = {port.name: port for port in load_manifest(EXAMPLES / "flights" / "alchemesh.yaml").product.input_ports}
    inputs = {}
    with mock_aws():
        s3, glue = boto3.client("s3", region_name="us-east-1"), boto3.client("glue", region_name="us-east-1")
        for port in declared.input_ports:
            args = Args.model_validate(port.args)
            name = Path(str(local[port.name].args["path"])).parent.name
            bucket = f"flights-{port.name}"
            s3.create_bucket(Bucket=bucket)
            s3.upload_file(str(folder / "operations" / name / f"{name}.csv"), bucket, f"{name}.csv")
            files = {"kind": "files", "url": f"s3://{bucket}", "format": args.format, "reading": args.reading()}
            inputs[port.name] = {"storage": files}
        for bucket in ("flights-raw", "flights-workspace", "flights-tables"):
            s3.create_bucket(Bucket=bucket)

        def tables(*names: str) -> dict[str, Any]:
            known = {name: f"s3://flights-tables/{name}" for name in names}
            return {"kind": "tables", "format": "parquet", "tables": known}

        glue.create_database(DatabaseInput={"Name": "flights"})
        for name in ("flight", "airline", "airport"):
            at = {"Location": f"s3://flights-tables/{name}/"}
            glue.create_table(DatabaseName="flights", TableInput={"Name": name, "StorageDescriptor": at})
        athena = {"kind": "data-api", "sql": "athena://us-east-1/flights?workgroup=x", "tables": ["flight"]}
        raw = {"kind": "files", "url": "s3://flights-raw"}
        space = {"kind": "files", "url": "s3://flights-workspace"}
        flights = tables("flight", "airline", "airport")
        return _rows_of(inputs, flights, raw, space, {"proxy": athena}, tables(*_models("punctuality")))


def _rows_of(
    inputs: dict[str, Any],
    flights: dict[str, Any],
    raw: dict[str, Any],
    space: dict[str, Any],
    theirs: dict[str, Any],
    mine: dict[str, Any],
) -> dict[str, list[str]]:
    """Run the code of both products on these ports, and read what it wrote."""
    from alchemesh_platform.manifest.load import load_manifest

    models = {name: _models(name) for name in ("flights", "punctuality")}
    declared = load_manifest(EXAMPLES / "flights" / "alchemesh.yaml").product
    schemas: dict[str, Any] = {
        port.name: {"declared": _plain(_declared(declared, port))} for port in declared.input_ports
    }
    schemas["flights-table"] = {"models": {name: models["flights"][name] for name in ("flight", "airline", "airport")}}
    schemas["raw-files"] = {"models": {name: models["flights"][name] for name in RAW}}
    first = _product(
        inputs=inputs,
        outputs={"flights-table": {"storage": flights}, "raw-files": {"storage": raw}},
        infrastructure={"workspace": {"storage": space}},
        schemas=schemas,
    )
    _run("flights", "flights.clean", first)
    second = _product(
        inputs={"flights": theirs},
        outputs={"punctuality-table": {"storage": mine}},
        schemas={"flights": schemas["flights-table"], "punctuality-table": {"models": models["punctuality"]}},
    )
    _run("punctuality", "punctuality.measure", second)
    ports = [(first.output("flights-table"), name) for name in ("flight", "airline", "airport")]
    ports += [(first.output("raw-files"), name) for name in RAW]
    ports += [(second.output("punctuality-table"), name) for name in models["punctuality"]]
    return {name: sorted(json.dumps(row, default=str) for row in port.read(name).pylist()) for port, name in ports}


def _declared(product: Any, port: Any) -> Any:
    """The properties of the schema of an input port."""
    schema = port.declared_schema
    return product.models[schema].properties if isinstance(schema, str) else schema


def _plain(properties: Any) -> dict[str, Any] | None:
    if properties is None:
        return None
    return {name: each.model_dump(mode="json", exclude_defaults=True) for name, each in properties.items()}
