"""Observations: the status of a product with a year of them, and a day of 10,000 products written and rolled up."""

from __future__ import annotations

import math
import os
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from alchemesh_platform.measures.report import Report
from alchemesh_platform.registry.observations.probe_hours import ALL, MINUTES, keep_probes
from alchemesh_platform.registry.observations.roll_up import Keeping, roll_up
from alchemesh_platform.registry.observations.series import add_reports
from alchemesh_platform.registry.records import AssetRecord, ContractRecord, PortRecord, ProductRecord, Record
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.tables import (
    TABLES,
    changes,
    latest_observations,
    observation_summaries,
    observations,
    probe_hours,
)
from benchmarks.measure import Measured, Ratio, against, measure
from benchmarks.mesh_records import change_of, row_of
from benchmarks.sections.mesh import LINEAR, Grown

HEAD = "| Measurement | 1,000 products | 10,000 products | Factor | Limit | Met |\n|---|---|---|---|---|---|"
ALCHEMESH = str(Path(sys.executable).with_name("alchemesh"))
ENVIRONMENT = "local"
RUNS = 9
STATUS_LIMIT = 1.3
PRODUCT = "bench/product"
PORT, ASSET = f"{PRODUCT}/table", f"{PRODUCT}/table/row"
PROTOCOLS = ("rest", "sql")
FEW, MANY = 1_000, 10_000  # products
TOGETHER = 20  # products in one request
BATCH = 5_000
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RAW = timedelta(days=30)
LEVELS = {"freshness": "5m", "update_frequency": "1d", "uptime": "99.5%", "response_time": "300ms"}
TESTS = [{"name": f"test-{n}", "metric": "rowCount", "model": "row", "mustBeGreaterThan": n} for n in range(3)]


def ratios() -> Iterator[Ratio]:
    """`status` with a year of observations against the same product with an hour of them."""
    with tempfile.TemporaryDirectory(prefix="alchemesh-observations-") as folder:
        now = datetime.now(UTC).replace(microsecond=0)
        homes = {}
        for name, age in (("new", HOUR), ("year", 365 * DAY)):
            homes[name] = Path(folder, name)
            _fill(homes[name], age, now)
        year: list[Measured] = []
        new: list[Measured] = []
        for _ in range(RUNS + 1):  # the first run of each fills its cache
            year.append(_status(homes["year"]))
            new.append(_status(homes["new"]))
        what = "`status` of a product with a year of observations"
        yield against(what, year[1:], "the same with an hour of them", new[1:], limit=STATUS_LIMIT)


def grown() -> Iterator[Grown]:
    """A day of observations, one of two measures each hour, of 1,000 and of 10,000 products."""
    seconds = {}
    for products in (FEW, MANY):
        with tempfile.TemporaryDirectory(prefix="alchemesh-observations-") as folder:
            seconds[products] = _day(f"sqlite:///{folder}/registry.db", products)
    for place, what in enumerate(("written", "rolled up by hour", "rolled up by day")):
        yield Grown(f"a day of observations, {what}, processor time", seconds[FEW][place], seconds[MANY][place], LINEAR)


def _status(home: Path) -> Measured:
    environ = {**os.environ, "ALCHEMESH_HOME": str(home), "ALCHEMESH_USER": "bench@bench.example", "NO_COLOR": "1"}
    return measure([ALCHEMESH, "status", PRODUCT], environ=environ, cwd=home)


def _records(product: str) -> list[Record]:
    of_it: dict[str, Any] = {"environment": ENVIRONMENT, "product": product}
    port, asset = f"{product}/table", f"{product}/table/row"
    document = {
        "version": "1.0.0",
        "lifecycle": "active",
        "access": "internal",
        "service_levels": LEVELS,
        "quality": TESTS,
    }
    return [
        ProductRecord(
            environment=ENVIRONMENT,
            address=product,
            team="benchers",
            owner="bench@bench.example",
            version="1.0.0",
            lifecycle="stable",
        ),
        PortRecord(
            **of_it,
            address=port,
            direction="output",
            models=("row",),
            connections={
                "proxy": {"kind": "data-api", "rest": "http://127.0.0.1:1/", "sql": "postgresql://127.0.0.1:1/"}
            },
        ),
        AssetRecord(**of_it, address=asset, port=port, model="row", definition={}),
        ContractRecord(
            **of_it,
            address=port,
            version="1.0.0",
            lifecycle="active",
            access="internal",
            document=document,
            protocols=PROTOCOLS,
        ),
    ]


def _fill(home: Path, age: timedelta, now: datetime) -> None:
    """A registry with a product and observations of a span: raw ones of 30 days, hours before."""
    home.mkdir()
    url = f"sqlite:///{home / ENVIRONMENT / 'registry.db'}"
    with Registry.open(url) as registry, registry.writing() as connection:
        for record in _records(PRODUCT):
            connection.execute(insert(TABLES[type(record)]), row_of(record))
            connection.execute(insert(changes), change_of(record, now - age))
        raw = _raw(min(age, RAW), now)
        while batch := list(islice(raw, BATCH)):
            connection.execute(insert(observations), batch)
            keep_probes(connection, batch)
        for rows, table in ((_hours(age, now), observation_summaries), (_probe_hours(age, now), probe_hours)):
            while batch := list(islice(rows, BATCH)):
                connection.execute(insert(table), batch)
        connection.execute(insert(latest_observations), _latest(now))
        connection.exec_driver_sql("ANALYZE")


def _series() -> list[tuple[str, str, str, timedelta, float, int | None]]:
    """Subject, kind, measure, interval, value and total of each series."""
    probes = [
        (PORT, "contract", f"{name}:{protocol}", MINUTE, value, total)
        for protocol in PROTOCOLS
        for name, value, total in (("uptime", 1.0, 1), ("response_time", 0.02, None))
    ]
    qualities = [(ASSET, "asset", name, HOUR, 1.0, 100) for name in ("completeness", "validity", "uniqueness")]
    ages = [(ASSET, "asset", name, HOUR, 30.0, None) for name in ("change_age", "lag")]
    tests = [(PORT, "contract", f"test:{test['name']}", HOUR, 1.0, None) for test in TESTS]
    return [*probes, *qualities, *ages, *tests]


def _raw(age: timedelta, now: datetime) -> Iterator[dict[str, Any]]:
    for number, (subject, kind, measured, every, value, total) in enumerate(_series()):
        for place in range(int(age / every)):
            at = now - place * every
            yield {**_row(subject, kind, measured, at, value, total), "id": f"{number}-{place}", "digest": "0"}


def _latest(now: datetime) -> list[dict[str, Any]]:
    return [_row(subject, kind, name, now, value, total) for subject, kind, name, _, value, total in _series()]


def _row(subject: str, kind: str, measured: str, at: datetime, value: float, total: int | None) -> dict[str, Any]:
    return {
        "environment": ENVIRONMENT,
        "subject": subject,
        "measure": measured,
        "subject_kind": kind,
        "product": PRODUCT,
        "measured_at": at,
        "received_at": at,
        "window_seconds": 60.0,
        "outcome": "value",
        "value": value,
        "good": total,
        "total": total,
        "state": None,
        "note": "",
        "reported_by": "platform",
    }


def _hours(age: timedelta, now: datetime) -> Iterator[dict[str, Any]]:
    first = (now - RAW).replace(minute=0, second=0)
    for subject, _, measured, every, value, total in _series():
        for place in range(1, int((age - RAW) / HOUR)):
            count = int(HOUR / every)
            yield {
                "environment": ENVIRONMENT,
                "subject": subject,
                "measure": measured,
                "grain": "hour",
                "start": first - place * HOUR,
                "count": count,
                "unknown": 0,
                "failed": 0,
                "sum": value * count,
                "minimum": value,
                "maximum": value,
                "good": total and total * count,
                "total": total and total * count,
                "worst_state": None,
            }


def _probe_hours(age: timedelta, now: datetime) -> Iterator[dict[str, Any]]:
    first = (now - RAW).replace(minute=0, second=0)
    for subject, _, measured, every, value, total in _series():
        for place in range(1, int((age - RAW) / HOUR) if every == MINUTE else 0):
            yield {
                "environment": ENVIRONMENT,
                "subject": subject,
                "measure": measured,
                "start": first - place * HOUR,
                "up": ALL if total else 0,
                "down": 0,
                "minutes": b"" if total else bytes(range(MINUTES)),
                "seconds": b"" if total else array("d", [value] * MINUTES).tobytes(),
            }


def _day(url: str, products: int) -> tuple[float, float, float]:
    """Seconds of processor time to write a day of observations, to roll them up by hour, and by day."""
    now = datetime.now(UTC)
    names = [f"bench/product-{number:05}" for number in range(products)]
    with Registry.open(url) as registry:
        for start in range(0, products, 500):
            registry.write([each for name in names[start : start + 500] for each in _records(name)])
        started = time.process_time()
        for start in range(0, products, TOGETHER):
            reports = [each for name in names[start : start + TOGETHER] for each in _reports(name, now)]
            added = add_reports(registry, ENVIRONMENT, reports, "platform", now)
            if len(added.accepted) != len(reports):
                raise RuntimeError(f"refused: {added.refused[:3]}")
        written = time.process_time()
        hours = roll_up(registry, ENVIRONMENT, now + 2 * DAY, Keeping(raw=DAY, hourly=30 * DAY))
        by_hour = time.process_time()
        days = roll_up(registry, ENVIRONMENT, now + 40 * DAY, Keeping(raw=DAY, hourly=30 * DAY))
        by_day = time.process_time()
        if hours.observations != products * 48 or not days.hours >= products * 2:
            raise RuntimeError(f"rolled up {hours} and {days}")
    return written - started, by_hour - written, by_day - by_hour


def _reports(product: str, now: datetime) -> Iterator[Report]:
    asset = f"{product}/table/row"
    for hour in range(24):
        at = now - hour * HOUR - MINUTE
        good = 90 + math.floor(hour / 3)
        yield Report(product=product, subject=asset, measure="validity", measured_at=at, good=good, total=100)
        yield Report(product=product, subject=asset, measure="change_age", measured_at=at, value=float(hour))
