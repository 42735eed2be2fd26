"""A product with promises, in a registry on each database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from alchemesh_platform.incidents.evaluate import add_measurements
from alchemesh_platform.incidents.incident import Incident
from alchemesh_platform.incidents.store import find_incidents
from alchemesh_platform.measures.report import Report
from alchemesh_platform.registry.store import Registry
from tests.levels.promised import NOW, PORT, measured, promise
from tests.registry.conftest import environment, fresh_url, registry, registry_url

__all__ = ["environment", "fresh_url", "registry", "registry_url"]

RULES = [
    {"name": "rows", "type": "library", "metric": "rowCount", "mustBeGreaterThan": 0},
    {"name": "nulls", "type": "library", "metric": "rowCount", "mustBeGreaterThan": 1},
    {"name": "hint", "type": "library", "metric": "rowCount", "mustBeGreaterThan": 2, "severity": "warning"},
]
VALUES = {"b": 0, "k": 1}


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def reported(letter: str, minutes: float, test: str = "rows") -> Report:
    """A verdict of a business test: b is failed, k is passed, u is unknown, e is an error."""
    moment, measure = at(minutes), f"test:{test}"
    if letter in VALUES:
        return measured(measure, moment, PORT, value=VALUES[letter])
    outcome = {"u": "unknown", "e": "error"}[letter]
    return measured(measure, moment, PORT, outcome=outcome, note="no rows")


@dataclass(frozen=True)
class Story:
    """A product whose business tests are reported about, a minute apart."""

    registry: Registry
    environment: str

    def report(self, verdicts: str, *, start: float = 0, every: float = 1, test: str = "rows") -> None:
        """Add a report for each letter, one after the other."""
        for place, letter in enumerate(verdicts):
            self.add([reported(letter, start + place * every, test)])

    def add(self, reports: Sequence[Report], now: datetime | None = None) -> None:
        received = now or max(at(600), *(report.measured_at for report in reports))
        done = add_measurements(self.registry, self.environment, reports, "platform", received)
        assert done.refused == ()

    def incidents(self) -> list[Incident]:
        return find_incidents(self.registry, self.environment)

    def states(self) -> list[str]:
        return [each.state for each in self.incidents()]

    def kinds(self) -> list[list[str]]:
        return [[change.kind for change in each.changes] for each in self.incidents()]


@pytest.fixture
def story(registry: Registry, environment: str) -> Story:
    promise(registry, environment=environment, quality=RULES)
    return Story(registry, environment)
