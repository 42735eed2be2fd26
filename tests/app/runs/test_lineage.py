"""The inputs of a run, and the OpenLineage events of its start and end."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from alchemesh_platform.app.product.run import run
from alchemesh_platform.app.runs.engines import engine_of, record_engine_run
from alchemesh_platform.app.runs.history import list_runs
from alchemesh_platform.exports.openlineage import CodeRunFacts, code_event
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.platform_file.openlineage import OpenLineage
from alchemesh_platform.registry.records import AssetRecord, Deployment, PortRecord, ProductRecord, RunInput
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.sdk.code.engine import EngineRun
from tests.app.runs.deployed import ADA, PRODUCT, deploy_code
from tests.app.runs.test_engines import Scripted, engine
from tests.exports.test_openlineage import check

__all__ = ["engine"]
ACTOR = Identity(ADA, "local")
UP = "met/weather"
AT = datetime(2026, 11, 30, 6, tzinfo=UTC)


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def deployed(folder: Path, sent: Path, code: str) -> Platform:
    """A product that reads a table of another product and a landing area, with a receiver of lineage."""
    platform, _ = deploy_code(folder, code)
    table = folder / "observation"
    write_deltalake(str(table), pa.table({"id": [1]}))
    write_deltalake(str(table), pa.table({"id": [2]}), mode="append")
    (folder / "landed").mkdir()
    (folder / "landed" / ".alchemesh-landing.json").write_text(json.dumps({"landed_at": AT.isoformat()}))
    fields: dict[str, Any] = {"environment": "local", "product": PRODUCT, "direction": "input"}
    tables = {"kind": "tables", "format": "delta", "tables": {"observation": table.as_uri()}}
    with Registry.open(platform.registry) as registry:
        registry.put(
            ProductRecord(environment="local", address=UP, team="t", owner=ADA, version="3.1.0", lifecycle="active")
        )
        registry.put(
            PortRecord(
                **fields,
                address=f"{PRODUCT}/weather",
                origin=f"{UP}/weather-table",
                from_product=True,
                connections={"storage": tables},
            )
        )
        files = {"kind": "files", "url": (folder / "landed").as_uri()}
        registry.put(
            PortRecord(**fields, address=f"{PRODUCT}/sales", origin="shop/till", connections={"storage": files})
        )
        for port, model in ((f"{UP}/weather-table", "observation"), (f"{PRODUCT}/table", "sale")):
            registry.put(
                AssetRecord(
                    environment="local",
                    address=f"{port}/{model}",
                    product=port.rpartition("/")[0],
                    port=port,
                    model=model,
                    definition={"properties": {"id": {"type": "integer"}}},
                )
            )
        registry.add_run(
            Deployment(
                id="5" * 32,
                environment="local",
                product=UP,
                operation="run",
                started_at=AT,
                finished_at=AT,
                outcome="succeeded",
                actor=ADA,
                written={"weather-table/observation": 2},
            )
        )
    observations = platform.observations.model_copy(update={"openlineage": OpenLineage(file=str(sent))})
    return platform.model_copy(update={"observations": observations})


def events(sent: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in sent.read_text().splitlines()]
    for each in found:
        check(each)
    return found


WRITES = """
import json, os
with open(os.environ["ALCHEMESH_RECEIPTS"], "a") as file:
    file.write(json.dumps({"port": "table", "model": "sale", "rows": 7}) + "\\n")
"""


def test_a_run_records_the_versions_that_it_reads_and_sends_its_start_and_end(tmp_path: Path, sent: Path) -> None:
    platform = deployed(tmp_path, sent, WRITES)
    done = run(platform, PRODUCT, ACTOR)
    assert isinstance(done, Deployment)
    assert done.inputs == {
        "weather": RunInput(
            origin=f"{UP}/weather-table", versions={"observation": "1"}, run="5" * 32, product_version="3.1.0"
        ),
        "sales": RunInput(origin="shop/till", versions={"files": AT.isoformat()}),
    }
    start, end = events(sent)
    assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == end["run"]["runId"] == str(UUID(hex=done.id))
    assert start["job"] == {"namespace": "alchemesh://local", "name": "shop/orders.run", "facets": {}}
    names = {f"{UP}/weather-table/observation", f"{PRODUCT}/sales"}
    assert {each["name"] for each in start["inputs"]} == {each["name"] for each in end["inputs"]} == names
    versions = {each["name"]: each["facets"]["version"]["datasetVersion"] for each in end["inputs"]}
    assert versions == {f"{UP}/weather-table/observation": "1", f"{PRODUCT}/sales": AT.isoformat()}
    [output] = end["outputs"]
    assert (output["name"], output["outputFacets"]["outputStatistics"]["rowCount"]) == (f"{PRODUCT}/table/sale", 7)
    assert start["outputs"][0]["outputFacets"] == {}


def test_failed_code_is_a_failed_run_with_its_reason(tmp_path: Path, sent: Path) -> None:
    platform = deployed(tmp_path, sent, "raise SystemExit(3)")
    run(platform, PRODUCT, ACTOR)
    _, end = events(sent)
    assert end["eventType"] == "FAIL"
    assert end["run"]["facets"]["errorMessage"]["message"] == "the code ended with exit status 3"


def test_a_receiver_that_is_down_fails_no_run(tmp_path: Path, sent: Path) -> None:
    platform = deployed(tmp_path, sent, WRITES)
    dead = OpenLineage(url="http://127.0.0.1:9/lineage", file=str(tmp_path / "missing" / "events"))
    observations = platform.observations.model_copy(update={"openlineage": dead})
    lines = list[str]()
    done = run(platform.model_copy(update={"observations": observations}), PRODUCT, ACTOR, report=lines.append)
    assert isinstance(done, Deployment)
    assert done.outcome == "succeeded"
    assert any("did not accept an OpenLineage event" in line for line in lines)


def test_a_run_that_an_engine_reports_is_sent_once(tmp_path: Path, sent: Path, engine: Scripted) -> None:
    platform = deployed(tmp_path, sent, "")
    engine.own = [EngineRun("e-9", "failed", started_at=AT, finished_at=AT, problem="out of memory")]
    for _ in range(2):
        list_runs(platform, PRODUCT)
    assert [each["eventType"] for each in events(sent)] == ["START", "FAIL"]
    with Registry.open(platform.registry) as registry:
        record = registry.get(ProductRecord, "local", PRODUCT)
        assert record is not None
        of = engine_of(record)
        assert of is not None
        news = list[Deployment]()
        record_engine_run(registry, "local", of, engine.own[0], ADA, on_new=news.append)
    assert news == []


def test_events_say_the_interval_and_whether_the_run_was_cancelled() -> None:
    facts = CodeRunFacts("5" * 32, "prod", PRODUCT, "cancelled", AT, AT, "cancelled by ada", interval=(AT, AT))
    event = code_event(facts)
    assert event["eventType"] == "ABORT"
    assert event["run"]["facets"] == {
        "nominalTime": {
            "_producer": event["producer"],
            "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet",
            "nominalStartTime": AT.isoformat(),
            "nominalEndTime": AT.isoformat(),
        }
    }
    unknown = code_event(replace(facts, inputs={"a/b/c": ""}, outputs={"a/b/d/e": None}))
    assert unknown["inputs"] == [{"namespace": "alchemesh://prod", "name": "a/b/c", "facets": {}}]
    assert unknown["outputs"] == [
        {"namespace": "alchemesh://prod", "name": "a/b/d/e", "facets": {}, "outputFacets": {}}
    ]
