"""Runs of code, measurements and test runs as OpenLineage run events. No side effects.

A measurement or a test without a result is in no facet: it neither succeeded nor failed. Reasons stay in the registry,
since they may quote values of a table.

Source: https://openlineage.io/spec/2-0-2/OpenLineage.json, and the facets named below.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from alchemesh_platform import __version__
from alchemesh_platform.measures.measure import CHANGE_AGE

PRODUCER = f"https://github.com/alchemesh/alchemesh-platform/tree/v{__version__}"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = "https://openlineage.io/spec/facets"
ASSERTIONS = f"{_FACETS}/1-1-0/DataQualityAssertionsDatasetFacet.json#/$defs/DataQualityAssertionsDatasetFacet"
METRICS = f"{_FACETS}/1-0-3/DataQualityMetricsInputDatasetFacet.json#/$defs/DataQualityMetricsInputDatasetFacet"
ERROR = f"{_FACETS}/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet"

VERSION = f"{_FACETS}/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
STATISTICS = f"{_FACETS}/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet"
NOMINAL_TIME = f"{_FACETS}/1-0-1/NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet"

Work = Literal["observe", "verify"]
Document = dict[str, Any]
# Measure: the classification that OpenLineage's readers know.
_CLASSES = {"completeness": "not_null", "uniqueness": "unique", "validity": "valid_values"}
_SEVERITIES = {"warning": "warn"}


@dataclass(frozen=True, slots=True)
class MeasuredValue:
    """One measured value of an asset.

    Args:
        outcome: ``value``, ``unknown`` or ``error``.
    """

    measure: str
    outcome: str
    value: float | None = None
    good: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class TestResult:
    """The result of one business test.

    Args:
        outcome: ``passed`` or ``failed``; others have no assertion.
        kind: The metric of the test, or ``custom_sql``.
        column: The property that it tests; empty for none.
    """

    __test__ = False  # no test of pytest

    name: str
    outcome: str
    kind: str
    severity: str = "error"
    column: str = ""
    expected: str = ""
    actual: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A model of a port, or a port, with what was measured and tested.

    Args:
        name: Its address.
        required: The number of required properties of the model.
        keys: The key properties of the model.
    """

    name: str
    values: Sequence[MeasuredValue] = ()
    tests: Sequence[TestResult] = ()
    required: int = 0
    keys: Sequence[str] = field(default=())


def run_events(
    environment: str,
    product: str,
    work: Work,
    started_at: datetime,
    ended_at: datetime,
    datasets: Iterable[Dataset],
    failed: Sequence[str] = (),
) -> list[Document]:
    """The two events of one measurement or test run: its start and its end. The same run gives the same id.

    Args:
        datasets: The measured or tested datasets.
        failed: Names of assets and tests without a result; if there are any, the run failed.
    """
    name = f"{product}.{work}"
    run_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"alchemesh:{environment}/{name}/{started_at.isoformat()}"))
    shared = {
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
        "job": {"namespace": namespace_of(environment), "name": name, "facets": {}},
    }
    inputs = [_input(environment, each, started_at) for each in datasets]
    names = [{"namespace": each["namespace"], "name": each["name"]} for each in inputs]
    start = {
        **shared,
        "eventType": "START",
        "eventTime": started_at.isoformat(),
        "run": {"runId": run_id, "facets": {}},
        "inputs": names,
        "outputs": [],
    }
    message = {
        **_facet(ERROR),
        "message": f"no result for {', '.join(failed)}",
        "programmingLanguage": "PYTHON",
    }
    end = {
        **shared,
        "eventType": "FAIL" if failed else "COMPLETE",
        "eventTime": max(ended_at, started_at).isoformat(),
        "run": {"runId": run_id, "facets": {"errorMessage": message} if failed else {}},
        "inputs": inputs,
        "outputs": [],
    }
    return [start, end]


@dataclass(frozen=True, slots=True)
class CodeRunFacts:
    """A run of a product's code.

    Args:
        id: Its id in the history: a UUID, as 32 digits.
        outcome: ``running``, ``succeeded``, ``failed`` or ``cancelled``.
        interval: The interval of time that it is about.
        inputs: Address of each asset or port that it reads: the version of its data; empty for an unknown one.
        outputs: Address of each asset that it may write: the number of written rows; None for an unknown one.
    """

    id: str
    environment: str
    product: str
    outcome: str
    started_at: datetime
    finished_at: datetime | None = None
    problem: str | None = None
    interval: tuple[datetime, datetime] | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, int | None] = field(default_factory=dict)


_ENDS = {"succeeded": "COMPLETE", "failed": "FAIL", "cancelled": "ABORT"}


def code_event(run: CodeRunFacts) -> Document:
    """The event of a run of code: START while it runs, and COMPLETE, FAIL or ABORT at its end."""
    facets: Document = {}
    if run.interval is not None:
        begin, end = (moment.isoformat() for moment in run.interval)
        facets["nominalTime"] = {**_facet(NOMINAL_TIME), "nominalStartTime": begin, "nominalEndTime": end}
    if run.problem is not None and run.outcome == "failed":
        facets["errorMessage"] = {**_facet(ERROR), "message": run.problem, "programmingLanguage": "PYTHON"}
    moment = run.started_at if run.outcome == "running" else max(run.finished_at or run.started_at, run.started_at)
    return {
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
        "job": {"namespace": namespace_of(run.environment), "name": f"{run.product}.run", "facets": {}},
        "eventType": _ENDS.get(run.outcome, "START"),
        "eventTime": moment.isoformat(),
        "run": {"runId": str(uuid.UUID(hex=run.id)), "facets": facets},
        "inputs": [_read(run.environment, name, version) for name, version in run.inputs.items()],
        "outputs": [_written(run.environment, name, rows) for name, rows in run.outputs.items()],
    }


def _read(environment: str, name: str, version: str) -> Document:
    facets = {"version": {**_facet(VERSION), "datasetVersion": version}} if version else {}
    return {"namespace": namespace_of(environment), "name": name, "facets": facets}


def _written(environment: str, name: str, rows: int | None) -> Document:
    statistics = {} if rows is None else {"outputStatistics": {**_facet(STATISTICS), "rowCount": rows}}
    return {"namespace": namespace_of(environment), "name": name, "facets": {}, "outputFacets": statistics}


def namespace_of(environment: str) -> str:
    """The namespace of jobs and datasets of an environment."""
    return f"alchemesh://{environment}"


def _input(environment: str, dataset: Dataset, measured_at: datetime) -> Document:
    facets: Document = {}
    if dataset.values:
        facets["dataQualityMetrics"] = _metrics(dataset, measured_at)
    assertions = [*_assertions_of_values(dataset.values), *_assertions_of_tests(dataset.tests)]
    if assertions:
        facets["dataQualityAssertions"] = {**_facet(ASSERTIONS), "assertions": assertions}
    return {"namespace": namespace_of(environment), "name": dataset.name, "facets": {}, "inputFacets": facets}


def _metrics(dataset: Dataset, measured_at: datetime) -> Document:
    """Rows, distinct keys and the time of the last change, as far as the measured values give them."""
    values = {each.measure: each for each in dataset.values if each.outcome == "value"}
    columns: dict[str, Document] = {}
    found: Document = {**_facet(METRICS), "columnMetrics": columns}
    complete, unique, age = values.get("completeness"), values.get("uniqueness"), values.get(CHANGE_AGE)
    if complete is not None and complete.total is not None and dataset.required:
        found["rowCount"] = complete.total // dataset.required
    if unique is not None and unique.good is not None and unique.total is not None and len(dataset.keys) == 1:
        columns[dataset.keys[0]] = {"distinctCount": unique.good, "count": unique.total}
    if age is not None and age.value is not None:
        found["lastUpdated"] = (measured_at - timedelta(seconds=age.value)).isoformat()
    return found


def _assertions_of_values(values: Iterable[MeasuredValue]) -> Iterable[Document]:
    """A ratio asserts that everything counted is good. It is a warning, as no contract promises it."""
    for each in values:
        if each.outcome == "value" and each.good is not None and each.total is not None:
            yield {
                "assertion": _CLASSES.get(each.measure, each.measure),
                "name": each.measure,
                "success": each.good == each.total,
                "severity": "warn",
                "expected": str(each.total),
                "actual": str(each.good),
            }


def _assertions_of_tests(tests: Iterable[TestResult]) -> Iterable[Document]:
    for each in tests:
        if each.outcome in ("passed", "failed"):
            texts = {
                "column": each.column,
                "expected": each.expected,
                "actual": each.actual,
                "description": each.description,
            }
            yield {
                "assertion": each.kind,
                "name": each.name,
                "success": each.outcome == "passed",
                "severity": _SEVERITIES.get(each.severity, each.severity),
                **{name: text for name, text in texts.items() if text},
            }


def _facet(schema: str) -> Mapping[str, str]:
    return {"_producer": PRODUCER, "_schemaURL": schema}
