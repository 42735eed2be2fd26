"""Measure the quality and freshness of a product's assets, and add the values to the time series."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.measures.measure import CHANGE_AGE, DATA_AGE, LAG, TIMELINESS

if TYPE_CHECKING:
    from alchemesh_platform.app.probing.once import Probing
    from alchemesh_platform.app.probing.recording import Recorded
    from alchemesh_platform.app.usage.meter import Metered
    from alchemesh_platform.catalog.discover import Catalog
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.manifest.models import SemanticModel
    from alchemesh_platform.measures.report import Report
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.quality.tables import Limits, Tables
    from alchemesh_platform.registry.records import AssetRecord, PortRecord
    from alchemesh_platform.sdk.connections.ports import Connections


class MeasurementFailed(Failure):
    """Raised when an asset could not be measured; the others are."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One measured value of an asset, or the reason why there is none."""

    asset: str
    measure: str
    outcome: str
    value: float | None = None
    good: int | None = None
    total: int | None = None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The value as one JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Measurement:
    """The measured values of a product.

    Args:
        measured_at: Time of the measurement.
        values: The values by asset and measure.
        unmeasured: Port: the reason why its assets were not measured.
        probing: The results of probing its ports; None if they were not probed.
        recorded: Whether the registry has the values, or they wait.
        metered: The usage of its ports since the last metering; None if it was not metered.
    """

    environment: str
    product: str
    measured_at: datetime
    values: tuple[Measured, ...]
    unmeasured: Mapping[str, str]
    probing: Probing | None = None
    recorded: Recorded | None = None
    metered: Metered | None = None

    def as_json(self) -> dict[str, Any]:
        """The measurement as one JSON object."""
        return {
            "environment": self.environment,
            "product": self.product,
            "measured_at": self.measured_at.isoformat(),
            "values": [each.as_json() for each in self.values],
            "unmeasured": dict(self.unmeasured),
            "usage": self.metered.as_json() if self.metered is not None else [],
            "probes": self.probing.as_json() if self.probing is not None else [],
            "waiting": self.recorded.waiting if self.recorded is not None else 0,
            "reason": self.recorded.reason if self.recorded is not None else "",
        }


def measure(
    platform: Platform,
    product: str,
    actor: Identity | None,
    *,
    limits: Limits | None = None,
    note: Callable[[str], None] = lambda _line: None,
) -> Measurement:
    """Measure the assets of a deployed product now and meter its ports, and record the values.

    Args:
        platform: The environment.
        product: ``domain/product``.
        actor: The identity that measures. It needs the right to report about the product. None for the platform's own
            process.
        limits: The most that each asset may cost; by default ten minutes and 10 GiB.
        note: Receives a line before each asset, and the size of a query that costs money before it runs.

    Raises:
        NotAllowed: when the actor may not report about the product.
        NotDeployed: when the product is not deployed.
        RegistryUnavailable: when the registry cannot be used.
    """
    from alchemesh_platform.app.mesh.lineage_events import send_measurement
    from alchemesh_platform.app.probing.recording import record
    from alchemesh_platform.app.product.bill import keep_bills
    from alchemesh_platform.app.rights import check_right_to_report
    from alchemesh_platform.app.usage.meter import meter_product
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.deployment.code.connections import product_record, read_connections
    from alchemesh_platform.deployment.emulation import emulator_variables, resume
    from alchemesh_platform.observed.measuring import unmeasured_reason
    from alchemesh_platform.quality.tables import Limits
    from alchemesh_platform.registry.observations.roll_up import Keeping, roll_up
    from alchemesh_platform.registry.records import AssetRecord, PortRecord
    from alchemesh_platform.registry.store import Registry

    environment = platform.environment
    with Registry.open(platform.registry) as registry:
        product_record(registry, environment, product)
        check_right_to_report(registry, environment, actor, product)
        connections = read_connections(registry, environment, product)
        ports = {port.address: port for port in registry.all(PortRecord, environment, product)}
        assets = registry.all(AssetRecord, environment, product)
        moment = registry.now()
    resume(platform)
    catalog, environ = discover(), {**os.environ, **emulator_variables(platform)}
    reports: list[Report] = []
    unmeasured: dict[str, str] = {}
    for address, held in _by_port(assets).items():
        port = ports[address]
        reason = unmeasured_reason(port.storage, catalog)
        if reason:
            unmeasured[address] = reason
        else:
            reports += _reports(connections, held, port, moment, limits or Limits(), catalog, note, environ)
    recorded = record(platform, reports)
    metered = None
    if not recorded.reason:
        with Registry.open(platform.registry) as registry:
            metered = meter_product(registry, environment, product, platform=platform)
            keep_bills(registry, environment, product, note)
            keeping = Keeping(platform.observations.raw, platform.observations.hourly)
            roll_up(registry, environment, registry.now(), keeping)
    # A refused value: the product was removed meanwhile.
    values = tuple(_measured(report, recorded.refused.get(report.key)) for report in reports)
    send_measurement(platform, product, moment, assets, values, note)
    return Measurement(environment, product, moment, values, unmeasured, recorded=recorded, metered=metered)


def check_measured(done: Iterable[Measurement]) -> None:
    """Raise MeasurementFailed if a value could not be measured. The other values are recorded."""
    failed = [each.asset for one in done for each in one.values if each.outcome == "error"]
    if failed:
        assets = ", ".join(dict.fromkeys(failed))
        raise MeasurementFailed(f"could not measure {assets}", hint="the values have the reasons")


def _by_port(assets: Iterable[AssetRecord]) -> dict[str, list[AssetRecord]]:
    found: dict[str, list[AssetRecord]] = {}
    for asset in assets:
        found.setdefault(asset.port, []).append(asset)
    return found


def _reports(
    connections: Connections,
    assets: Sequence[AssetRecord],
    port: PortRecord,
    moment: datetime,
    limits: Limits,
    catalog: Catalog,
    note: Callable[[str], None],
    environ: Mapping[str, str],
) -> Iterator[Report]:
    """The measures of the assets of one port. A measure that cannot be taken has an outcome with its reason."""
    from alchemesh_platform.engine.install.cache import cache_folder
    from alchemesh_platform.measures.report import read_report
    from alchemesh_platform.observed.measuring import open_tables

    product, _, name = port.address.rpartition("/")
    models = {asset.model: _model(asset).properties for asset in assets}
    output, kept = connections.output(name), cache_folder("quality")
    with ExitStack() as opened:
        tables: Tables | Exception
        try:
            tables = opened.enter_context(
                open_tables(port.storage, catalog, product, name, output, models, limits, note, kept, environ)
            )
        except Exception as error:  # noqa: BLE001 - a storage can fail in any way, and the other ports are measured
            tables = error
        for asset in assets:
            note(f"measuring {asset.address}")
            shared = {"product": asset.product, "subject": asset.address, "measured_at": moment}
            for document in _measures(tables, connections, asset, port, moment, limits, environ):
                yield read_report({**shared, **document})


_QUALITY = ("completeness", "validity", "uniqueness")
_FRESHNESS = (CHANGE_AGE, LAG)


def _measures(
    tables: Tables | Exception,
    connections: Connections,
    asset: AssetRecord,
    port: PortRecord,
    moment: datetime,
    limits: Limits,
    environ: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    """The measures of one asset. If its rows cannot be read, all are errors: the freshness of lost rows is no value."""
    from alchemesh_platform.quality.tables import NotMeasurable, TooSlow
    from alchemesh_platform.quality.work import NoRoom, reason_of

    try:
        quality = list(_quality(tables, asset, moment, limits))
    except NotMeasurable as reason:
        quality = [{"measure": name, "outcome": "unknown", "note": str(reason)} for name in _of_rows(asset)]
    except (TooSlow, NoRoom) as error:
        quality = [{"measure": name, "outcome": "error", "note": str(error)} for name in _of_rows(asset)]
    except Exception as error:  # noqa: BLE001 - a table can be damaged in any way, and the others are measured
        for name in (*_of_rows(asset), *_FRESHNESS):
            yield {"measure": name, "outcome": "error", "note": reason_of(error)}
        return
    yield from quality
    yield from _accuracy(tables, connections, asset, limits)
    yield from _freshness(asset, port, moment, environ)


def _quality(
    tables: Tables | Exception, asset: AssetRecord, moment: datetime, limits: Limits
) -> Iterator[dict[str, Any]]:
    from alchemesh_platform.quality.measuring import measured
    from alchemesh_platform.quality.times import times_of

    if isinstance(tables, Exception):
        raise tables
    model, declared = asset.model, _model(asset)
    seconds = limits.patience.total_seconds()
    for each in measured(tables, model, declared.properties, seconds, times_of(declared), moment):
        if each.unknown:
            yield {"measure": each.measure, "outcome": "unknown", "note": each.unknown}
        elif each.seconds is not None:
            yield {"measure": each.measure, "value": each.seconds, "note": tables.scope(model)}
        else:
            yield {"measure": each.measure, "good": each.good, "total": each.total, "note": tables.scope(model)}


def _accuracy(
    tables: Tables | Exception, connections: Connections, asset: AssetRecord, limits: Limits
) -> Iterator[dict[str, Any]]:
    """The accuracy of a model with a reference. A reference that cannot be read is an error of this measure only."""
    from alchemesh_platform.quality.accuracy import ACCURACY, accuracy
    from alchemesh_platform.quality.work import reason_of

    declared = _model(asset)
    if declared.reference is None or isinstance(tables, Exception):
        return
    try:
        schema = connections.schemas.get(declared.reference)
        model = asset.model if schema is not None and asset.model in schema.models else None
        reference = connections.input(declared.reference).read(model)
        found = accuracy(tables, asset.model, declared.properties, reference, limits.patience.total_seconds())
    except Exception as error:  # noqa: BLE001 - a reference can be damaged in any way
        yield {"measure": ACCURACY, "outcome": "error", "note": reason_of(error)}
        return
    if found.unknown:
        yield {"measure": ACCURACY, "outcome": "unknown", "note": found.unknown}
    else:
        yield {"measure": ACCURACY, "good": found.good, "total": found.total, "note": tables.scope(asset.model)}


def _freshness(
    asset: AssetRecord, port: PortRecord, moment: datetime, environ: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The age of the last change, and the lag of the proxy. One that cannot be read does not stop the other."""
    from alchemesh_platform.quality.work import reason_of

    found = []
    readers: dict[str, Callable[[], dict[str, Any]]] = {
        CHANGE_AGE: lambda: _change_age(asset, port, moment, environ),
        LAG: lambda: _lag(port, asset.model, environ),
    }
    for measure, read in readers.items():
        try:
            found.append({"measure": measure, **read()})
        except Exception as error:  # noqa: BLE001 - a server can fail in any way, and the other values are taken
            found.append({"measure": measure, "outcome": "error", "note": reason_of(error)})
    return found


def _of_rows(asset: AssetRecord) -> tuple[str, ...]:
    """The measures that the rows of an asset give."""
    from alchemesh_platform.quality.times import times_of

    times = times_of(_model(asset))
    if times is None:
        return _QUALITY
    return (*_QUALITY, DATA_AGE) if times.limit is None else (*_QUALITY, DATA_AGE, TIMELINESS)


def _model(asset: AssetRecord) -> SemanticModel:
    from alchemesh_platform.manifest.models import SemanticModel

    return SemanticModel.model_validate(asset.definition)


def _change_age(asset: AssetRecord, port: PortRecord, moment: datetime, environ: Mapping[str, str]) -> dict[str, Any]:
    """Seconds since the last commit that changed data, as the component observes it."""
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.observed.observing import Observed, observe_all
    from alchemesh_platform.sdk.observation import FILES

    (observation,) = observe_all(
        [Observed(port.storage, port.connections.get("storage") or {})], discover(), environ=environ
    )
    tables = observation.tables if observation is not None else {}
    table = tables.get(asset.model) or (tables.get(FILES) if port.models == (asset.model,) else None)
    if table is not None and table.changed_at is not None:
        return {"value": max((moment - table.changed_at).total_seconds(), 0.0)}
    if observation is None:
        return {"outcome": "unknown", "note": f"component {port.storage} does not observe its last change"}
    if table is None and FILES in tables:
        note = f"component {port.storage} observes the last change of all its files, and not of those of one model"
        return {"outcome": "unknown", "note": note}
    if table is None and observation.reason:
        return {"outcome": "unknown", "note": observation.reason}
    return {"outcome": "unknown", "note": "nothing was ever written"}


def _lag(port: PortRecord, model: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """Seconds since a change that consumers do not read yet. Without a proxy, consumers read the storage itself."""
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.observed.observing import Observed, observe_all

    if port.proxy is None:
        return {"value": 0.0}
    observed = Observed(port.proxy, port.connections.get("proxy") or {})
    (observation,) = observe_all([observed], discover(), environ=environ)
    if observation is None or observation.lag_seconds is None:
        reason = observation.reason if observation is not None and observation.health != "healthy" else ""
        return {"outcome": "unknown", "note": reason or f"component {port.proxy} does not measure its lag"}
    return {"value": max(observation.lags.get(model, observation.lag_seconds), 0.0)}


def _measured(report: Report, refused: str | None) -> Measured:
    if refused is not None:
        return Measured(report.subject, report.measure, "error", note=refused)
    return Measured(
        report.subject, report.measure, report.outcome, report.number, report.good, report.total, report.note
    )
