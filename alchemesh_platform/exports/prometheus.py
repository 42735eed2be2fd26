"""Measures, commitments and incidents as Prometheus metrics, each value with the time of its measurement beside it.

A value that is unknown, stale or an error has no sample: 0 would be a lie. It has a sample of another metric, with its
outcome. Labels take their values from manifests and fixed lists only, so their number is bounded; a reason or a note is
never a label.

Source: https://prometheus.io/docs/practices/naming and https://prometheus.io/docs/instrumenting/exposition_formats
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.extras import PACKAGE, install_command
from alchemesh_platform.incidents.store import open_incidents
from alchemesh_platform.levels.read import read_commitments
from alchemesh_platform.levels.stale import stale_after
from alchemesh_platform.manifest.models import ServiceLevels
from alchemesh_platform.measures.measure import MEASURES, measure_of
from alchemesh_platform.observed.measured import product_state, state_status
from alchemesh_platform.observed.promises import incident_statuses
from alchemesh_platform.registry.observations.series import Observation, latest
from alchemesh_platform.registry.records import ContractRecord, MaintenanceRecord

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from alchemesh_platform.levels.commitment import Commitment
    from alchemesh_platform.registry.store import Registry

EXTRA = f"{PACKAGE}[server]"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SERIES_MAX = 100_000  # products after this number of series are left out, and counted
SUBJECT = ("environment", "product", "port", "model", "measure")
COMMITMENT = ("environment", "product", "port", "model", "commitment")

# Name: labels and help. Metrics of `_TIMED` have one with the time of the measurement beside them.
_TIMED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "alchemesh_measure_ratio": (SUBJECT, "Newest value of a measure that is a ratio, 0 to 1."),
    "alchemesh_measure_seconds": (SUBJECT, "Newest value of a measure in seconds."),
    "alchemesh_measure_without_value": (
        (*SUBJECT, "outcome"),
        "1 for a measure that has no value now: unknown, stale or error.",
    ),
    "alchemesh_commitment_verdict": (
        (*COMMITMENT, "verdict"),
        "1 for the verdict of a commitment: kept, at_risk, broken, unknown, stale or error.",
    ),
    "alchemesh_commitment_value_ratio": (COMMITMENT, "Measured value of a commitment that is a ratio, 0 to 1."),
    "alchemesh_commitment_value_seconds": (COMMITMENT, "Measured value of a commitment in seconds."),
    "alchemesh_business_test_passed": (COMMITMENT, "1 if a business test passed, 0 if it failed."),
}
_OTHERS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "alchemesh_error_budget_remaining_ratio": (
        COMMITMENT,
        "Share of the error budget that is left; below 0: overspent.",
    ),
    "alchemesh_product_state": (
        ("environment", "product", "state"),
        "1 for the state of a product: down, in_incident, maintenance, unknown or operational.",
    ),
    "alchemesh_open_incidents": (("environment", "product"), "Number of open incidents."),
    "alchemesh_products_left_out": (("environment",), "Products without metrics, as there are too many series."),
}
_BY_UNIT = {"ratio": "alchemesh_measure_ratio", "seconds": "alchemesh_measure_seconds"}
_COMMITMENT_BY_UNIT = {
    "ratio": "alchemesh_commitment_value_ratio",
    "seconds": "alchemesh_commitment_value_seconds",
    "verdict": "alchemesh_business_test_passed",
}
TIMESTAMP = "_timestamp_seconds"
_VALUED = frozenset({"kept", "at_risk", "broken"})
_PROTOCOLS = ("uptime:", "response_time:")  # measures of one protocol; only the platform takes them


class MetricsMissing(Failure):
    """Raised when the library for metrics is not installed."""

    def __init__(self) -> None:
        super().__init__("metrics need a library that is not installed", hint=f"`{install_command(EXTRA)}`")


@dataclass(slots=True)
class Samples:
    """Samples by metric: the values of its labels, and the value."""

    found: dict[str, list[tuple[tuple[str, ...], float]]] = field(default_factory=dict)
    number: int = 0

    def add(self, name: str, labels: Sequence[str], value: float, at: datetime | None = None) -> None:
        """Add a sample, and the time of its measurement beside it."""
        self.found.setdefault(name, []).append((tuple(labels), value))
        self.number += 1
        if at is not None:
            self.add(f"{name}{TIMESTAMP}", labels, at.timestamp())


def collect(registry: Registry, environment: str, products: Iterable[str], now: datetime) -> Samples:
    """The samples of products.

    Args:
        products: Addresses of deployed products.
        now: Time of the registry.
    """
    samples, left_out = Samples(), 0
    incidents = Counter(each.product for each in open_incidents(registry, environment))
    for product in products:
        if samples.number >= SERIES_MAX:
            left_out += 1
            continue
        contracts = {each.address: each for each in registry.all(ContractRecord, environment, product)}
        newest = latest(registry, environment, [product])
        for each in newest:
            _add_measure(samples, environment, each, contracts.get(_port(each.subject)), now)
        for commitment in read_commitments(registry, environment, product, now):
            _add_commitment(samples, environment, product, commitment)
        found = incident_statuses(registry, environment, contracts)
        maintenance = registry.all(MaintenanceRecord, environment, product)
        opened = [each for own in found.values() for each in own]
        state = product_state(state_status(newest, product), opened, maintenance, now)
        samples.add("alchemesh_product_state", (environment, product, state.state), 1)
        samples.add("alchemesh_open_incidents", (environment, product), incidents[product])
    samples.add("alchemesh_products_left_out", (environment,), left_out)
    return samples


def exposition(samples: Samples) -> bytes:
    """The samples in the text format of Prometheus.

    Raises:
        MetricsMissing: when the library is not installed.
    """
    registry = _registry(samples)
    from prometheus_client import generate_latest

    text: bytes = generate_latest(registry)
    return text


def write_textfile(samples: Samples, file: Path) -> None:
    """Write a file for the textfile collector of Prometheus' node exporter: whole, or not at all.

    Raises:
        MetricsMissing: when the library is not installed.
        Failure: when the file cannot be written.
    """
    registry = _registry(samples)
    from prometheus_client import write_to_textfile

    from alchemesh_platform.machine.files import storage_errors

    with storage_errors(f"write {file}"):
        write_to_textfile(str(file), registry)


def _registry(samples: Samples) -> CollectorRegistry:
    try:
        from prometheus_client import CollectorRegistry
        from prometheus_client.core import GaugeMetricFamily
    except ImportError:
        raise MetricsMissing from None

    class Collected:
        def collect(self) -> Iterator[Any]:
            for name, (labels, text) in _all_metrics().items():
                family = GaugeMetricFamily(name, text, labels=labels)
                for values, value in samples.found.get(name, ()):
                    family.add_metric(values, value)
                if family.samples:
                    yield family

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collected())
    return registry


def _all_metrics() -> Mapping[str, tuple[tuple[str, ...], str]]:
    timed = {}
    for name, (labels, text) in _TIMED.items():
        timed[name] = (labels, text)
        timed[f"{name}{TIMESTAMP}"] = (labels, f"Time of the measurement of {name}, in seconds since 1970.")
    return {**timed, **_OTHERS}


def _add_measure(
    samples: Samples, environment: str, each: Observation, contract: ContractRecord | None, now: datetime
) -> None:
    """The newest value of a measure. Those of business tests are in the commitments: reports can name any test."""
    measure = measure_of(each.measure)
    name = _BY_UNIT.get(measure.unit) if measure is not None else None
    if name is None or not (each.measure in MEASURES or each.measure.startswith(_PROTOCOLS)):
        return
    labels = (environment, each.product, *_place(each.subject), each.measure)
    outcome: str = each.outcome
    if outcome == "value" and now - each.measured_at > stale_after(_levels(contract)):
        outcome = "stale"
    if outcome != "value":
        samples.add("alchemesh_measure_without_value", (*labels, outcome), 1, each.measured_at)
    elif each.value is not None:
        samples.add(name, labels, each.value, each.measured_at)


def _add_commitment(samples: Samples, environment: str, product: str, each: Commitment) -> None:
    labels = (environment, product, *_place(each.asset or each.port), each.name)
    samples.add("alchemesh_commitment_verdict", (*labels, each.verdict), 1, each.measured_at)
    name = _COMMITMENT_BY_UNIT.get(each.unit)
    if name is not None and each.number is not None and each.verdict in _VALUED:
        samples.add(name, labels, each.number, each.measured_at)
    if each.budget is not None and each.verdict in _VALUED:
        samples.add("alchemesh_error_budget_remaining_ratio", labels, each.budget.remaining)


def _levels(contract: ContractRecord | None) -> ServiceLevels:
    return ServiceLevels.model_validate((contract.document.get("service_levels") if contract else None) or {})


def _port(subject: str) -> str:
    return "/".join(subject.split("/")[:3])


def _place(subject: str) -> tuple[str, str]:
    """Port and model of a subject; empty where it has none."""
    _, _, port, model, *_ = (*subject.split("/"), "", "")
    return port, model
