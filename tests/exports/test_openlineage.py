"""Run events of measurements and test runs, checked with OpenLineage's published schemas."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import ValidationError
from referencing import Registry as Schemas
from referencing import Resource

from alchemesh_platform.app.mesh import lineage_events
from alchemesh_platform.app.mesh.lineage_events import send_measurement, send_verification
from alchemesh_platform.app.probing.recording import folder_of
from alchemesh_platform.app.product.measure import Measured
from alchemesh_platform.app.product.verify import VerifiedPort
from alchemesh_platform.app.where import Where, read_platform
from alchemesh_platform.exports.openlineage import Dataset, MeasuredValue, TestResult, run_events
from alchemesh_platform.exports.waiting import WaitingEvents
from alchemesh_platform.levels.commitment import Commitment
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.platform_file.openlineage import OpenLineage
from alchemesh_platform.quality.rules import Verdict
from alchemesh_platform.registry.records import AssetRecord, ContractRecord
from tests.incidents.receivers import hook

FOLDER = Path(__file__).parent / "schemas"
MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRODUCT = "aviation/flights"
PORT = f"{PRODUCT}/flights-table"
ASSET = f"{PORT}/flight"


def documents() -> dict[str, Any]:
    return {name.stem: json.loads(name.read_text()) for name in FOLDER.glob("*.json")}


SCHEMAS = Schemas().with_resources((each["$id"], Resource.from_contents(each)) for each in documents().values())
FACETS = {
    "dataQualityAssertions": "DataQualityAssertionsDatasetFacet",
    "dataQualityMetrics": "DataQualityMetricsInputDatasetFacet",
    "errorMessage": "ErrorMessageRunFacet",
}


def check(event: dict[str, Any]) -> None:
    """Check an event and each of its facets with the schema that it names."""
    known = documents()
    validate(known["OpenLineage"], event)
    inputs = [facets for each in event["inputs"] for facets in each.get("inputFacets", {}).items()]
    for name, facet in [*inputs, *event["run"]["facets"].items()]:
        schema = known[FACETS[name]]
        assert facet["_schemaURL"] == f"{schema['$id']}#/$defs/{FACETS[name]}"
        validate(schema, {name: facet})


def validate(schema: Any, document: Any) -> None:
    checker = jsonschema.FormatChecker()
    jsonschema.Draft202012Validator(schema, registry=SCHEMAS, format_checker=checker).validate(document)


def test_a_measurement_is_a_run_with_metrics_and_assertions() -> None:
    values = (
        MeasuredValue("completeness", "value", 0.99, 1980, 2000),
        MeasuredValue("uniqueness", "value", 1, 1000, 1000),
        MeasuredValue("validity", "unknown"),
        MeasuredValue("change_age", "value", 90.0),
    )
    dataset = Dataset(ASSET, values, required=2, keys=["flight_id"])
    start, end = run_events("prod", PRODUCT, "observe", MOMENT, MOMENT + timedelta(seconds=3), [dataset])
    for event in (start, end):
        check(event)
    assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == end["run"]["runId"]
    assert end["job"] == {"namespace": "alchemesh://prod", "name": f"{PRODUCT}.observe", "facets": {}}
    facets = end["inputs"][0]["inputFacets"]
    metrics = facets["dataQualityMetrics"]
    assert (metrics["rowCount"], metrics["lastUpdated"]) == (1000, "2026-03-01T11:58:30+00:00")
    assert metrics["columnMetrics"] == {"flight_id": {"distinctCount": 1000, "count": 1000}}
    found = {
        each["name"]: (each["assertion"], each["success"]) for each in facets["dataQualityAssertions"]["assertions"]
    }
    assert found == {"completeness": ("not_null", False), "uniqueness": ("unique", True)}


def test_an_unknown_value_is_in_no_facet_and_a_failure_is_a_failed_run_without_its_reason() -> None:
    values = (MeasuredValue("completeness", "unknown"), MeasuredValue("change_age", "error"))
    events = run_events("prod", PRODUCT, "observe", MOMENT, MOMENT, [Dataset(ASSET, values, required=2)], [ASSET])
    for event in events:
        check(event)
    end = events[1]
    assert (end["eventType"], end["run"]["facets"]["errorMessage"]["message"]) == ("FAIL", f"no result for {ASSET}")
    assert set(end["inputs"][0]["inputFacets"]["dataQualityMetrics"]) == {"_producer", "_schemaURL", "columnMetrics"}
    assert "dataQualityAssertions" not in end["inputs"][0]["inputFacets"]


def test_business_tests_are_assertions_and_those_without_a_result_are_none() -> None:
    tests = (
        TestResult("rows", "passed", "rowCount", expected="mustBeGreaterThan 0", actual="7"),
        TestResult("nulls", "failed", "nullValues", "warning", "carrier", "mustBe 0", "3", "each has a carrier"),
        TestResult("query", "error", "custom_sql"),
        TestResult("prose", "not executable", "custom_sql"),
        TestResult("empty", "unknown", "rowCount"),
    )
    events = run_events("prod", PRODUCT, "verify", MOMENT, MOMENT, [Dataset(PORT, tests=tests)])
    for event in events:
        check(event)
    rows, nulls = events[1]["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (rows["assertion"], rows["success"], rows["severity"]) == ("rowCount", True, "error")
    assert nulls == {
        "assertion": "nullValues",
        "name": "nulls",
        "success": False,
        "severity": "warn",
        "column": "carrier",
        "expected": "mustBe 0",
        "actual": "3",
        "description": "each has a carrier",
    }


def test_the_same_run_has_the_same_id_and_another_one_another() -> None:
    def name(moment: datetime) -> str:
        return str(run_events("prod", PRODUCT, "observe", moment, moment, [])[0]["run"]["runId"])

    assert name(MOMENT) == name(MOMENT)
    assert name(MOMENT) != name(MOMENT + timedelta(seconds=1))


def platform(folder: Path, **openlineage: Any) -> Platform:
    environment = {"extends": "builtin/local", "observations": {"openlineage": openlineage}}
    file = folder / "platform.yaml"
    file.write_text(yaml.safe_dump({"kind": "Platform", "name": "acme", "environments": {"office": environment}}))
    return read_platform(Where(folder, "office", file)).model_copy(update={"home": str(folder / "home")})


def measure(receiver: Platform, notes: list[str]) -> None:
    asset = AssetRecord(
        environment="office",
        address=ASSET,
        product=PRODUCT,
        port=PORT,
        model="flight",
        definition={"properties": {"flight_id": {"type": "string", "key": True, "required": True}}},
    )
    values = [Measured(ASSET, "completeness", "value", 0.5, 5, 10)]
    send_measurement(receiver, PRODUCT, MOMENT, [asset], values, notes.append)


def test_events_are_sent_with_the_token_and_appended_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAGE_TOKEN", "t0ken-of-marquez")
    notes: list[str] = []
    with hook() as received:
        receiver = platform(
            tmp_path, url=received.url, token={"secret": "LINEAGE_TOKEN"}, file=str(tmp_path / "events.jsonl")
        )
        measure(receiver, notes)
        measure(receiver, notes)
    for got in received.received:
        check(got.event)
        assert got.headers["authorization"] == "Bearer t0ken-of-marquez"
    assert [got.event["eventType"] for got in received.received] == ["START", "COMPLETE"] * 2
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [line["inputs"][0]["name"] for line in lines] == [ASSET] * 4
    assert lines[1]["inputs"][0]["inputFacets"]["dataQualityMetrics"]["rowCount"] == 10
    assert notes == []


def test_a_receiver_that_is_down_fails_no_measurement_and_shows_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAGE_TOKEN", "t0ken-of-marquez")
    notes: list[str] = []
    with hook() as received:
        received.status = 503
        measure(platform(tmp_path, url=received.url, token={"secret": "LINEAGE_TOKEN"}), notes)
    measure(platform(tmp_path, url="http://127.0.0.1:9/lineage", file=str(tmp_path / "missing" / "e.jsonl")), notes)
    monkeypatch.delenv("LINEAGE_TOKEN")
    measure(platform(tmp_path, url="http://127.0.0.1:9/lineage", token={"secret": "LINEAGE_TOKEN"}), notes)
    assert [note.partition(": ")[0] for note in notes] == ["note"] * 4
    assert notes[0].endswith("did not accept an OpenLineage event: status 503; 2 events wait for the next command")
    assert notes[1].endswith("e.jsonl: No such file or directory")
    assert notes[3].endswith("secret LINEAGE_TOKEN has no value here; 6 events wait for the next command")
    assert "t0ken-of-marquez" not in "".join(notes)


def test_events_wait_for_a_receiver_that_is_down_and_the_next_command_sends_each_once_in_order(tmp_path: Path) -> None:
    """The events of a receiver that did not answer were lost."""
    notes: list[str] = []
    with hook() as received:
        receiver = platform(tmp_path, url=received.url)
        received.status = 503
        measure(receiver, notes)
        received.status = 204
        measure(receiver, notes)
        measure(receiver, notes)
    assert [got.event["eventType"] for got in received.received] == ["START", "COMPLETE"] * 3
    assert len(notes) == 1


def test_an_event_that_the_receiver_refuses_for_good_holds_up_no_other(tmp_path: Path) -> None:
    notes: list[str] = []
    with hook() as received:
        receiver = platform(tmp_path, url=received.url)
        received.status = 422
        measure(receiver, notes)
        received.status = 204
        measure(receiver, notes)
    assert notes == [f"note: {received.url} refuses an OpenLineage event, which is dropped: status 422"] * 2
    assert len(received.received) == 2


def test_events_that_wait_are_bounded_and_the_oldest_are_dropped(tmp_path: Path) -> None:
    waiting = WaitingEvents(tmp_path / "observe" / "events.db", most=3)
    assert waiting.keep([{"n": 1}, {"n": 2}]) == 0
    assert waiting.keep([{"n": 3}, {"n": 4}]) == 1
    numbers = []
    while (found := waiting.first()) is not None:
        numbers.append(found[1]["n"])
        waiting.done(found[0])
    assert (numbers, len(waiting)) == ([2, 3, 4], 0)


def test_events_that_cannot_wait_are_lost_with_a_note_and_the_measurement_succeeds(tmp_path: Path) -> None:
    notes: list[str] = []
    with hook() as received:
        receiver = platform(tmp_path, url=received.url)
        folder_of(receiver).parent.mkdir(parents=True)
        folder_of(receiver).write_text("a file in the place of the folder")
        measure(receiver, notes)
    assert [note.partition(", since")[0] for note in notes] == ["note: OpenLineage events are lost"]


def test_tests_of_a_port_are_those_of_their_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [
        {"name": "rows", "metric": "rowCount", "model": "airport", "mustBeGreaterThan": 0},
        {"name": "sums", "type": "sql", "query": "select 1", "mustBe": 1},
    ]
    contract = ContractRecord(
        environment="office",
        address=PORT,
        product=PRODUCT,
        version="1.0.0",
        lifecycle="active",
        access="public",
        document={"quality": rules},
        models={"flight": {}, "airport": {}},
    )
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(lineage_events, "_send", lambda _platform, events, _note: sent.extend(events))
    verdicts = (Verdict("rows", "passed", "7", "mustBeGreaterThan 0"), Verdict("sums", "error", reason="secret"))
    levels = (
        Commitment(PORT, ASSET, "freshness", "5m", "broken", "12 min"),
        Commitment(PORT, "", "uptime", "99% over 30d", "at_risk", "99.2%"),
        Commitment(PORT, "", "response_time", "p95 1s over 30d", "unknown", reason="secret"),
    )
    verified = VerifiedPort(PORT, "1.0.0", verdicts, levels)
    send_verification(platform(tmp_path, file="e.jsonl"), PRODUCT, MOMENT, [contract], [verified], print)
    for event in sent:
        check(event)
    inputs = {each["name"]: each["inputFacets"] for each in sent[1]["inputs"]}
    asserted = {
        name: [(each["name"], each["success"]) for each in facets["dataQualityAssertions"]["assertions"]]
        for name, facets in inputs.items()
    }
    assert asserted == {f"{PORT}/airport": [("rows", True)], PORT: [("uptime", True)], ASSET: [("freshness", False)]}
    assert sent[1]["eventType"] == "FAIL"
    assert "secret" not in json.dumps(sent)


def test_a_receiver_needs_an_address_or_a_file_and_an_address_https() -> None:
    with pytest.raises(ValidationError, match="expected `url`, `file` or both"):
        OpenLineage()
    with pytest.raises(ValidationError, match="expected an address that begins with https://"):
        OpenLineage(url="http://lineage.example/api/v1/lineage")
    with pytest.raises(ValidationError, match="`token` needs `url`"):
        OpenLineage(file="e.jsonl", token={"secret": "X"})
