"""Send the OpenLineage events of a run, a measurement or a test run to the receiver of the platform file."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alchemesh_platform.app.product.measure import Measured
    from alchemesh_platform.app.product.verify import VerifiedPort
    from alchemesh_platform.exports.openlineage import CodeRunFacts, Dataset, TestResult
    from alchemesh_platform.exports.waiting import WaitingEvents
    from alchemesh_platform.manifest.models import QualityRule
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.platform_file.openlineage import OpenLineage
    from alchemesh_platform.quality.rules import Verdict
    from alchemesh_platform.registry.records import AssetRecord, ContractRecord, Deployment
    from alchemesh_platform.registry.store import Registry

SECONDS = 5.0  # of one event
SECONDS_OF_ALL = 30.0
_REFUSED = (400, 413, 422)  # the event itself is the reason, so that a later try is refused too
_OUTCOMES = {"kept": "passed", "at_risk": "passed", "broken": "failed"}


def send_measurement(
    platform: Platform,
    product: str,
    moment: datetime,
    assets: Iterable[AssetRecord],
    values: Sequence[Measured],
    note: Callable[[str], None],
) -> None:
    """Send the events of a measurement. A receiver that does not accept them fails no measurement.

    Args:
        moment: Time of the measurement.
        note: Receives a line if the events wait or are lost.
    """
    from alchemesh_platform.exports.openlineage import Dataset, MeasuredValue, run_events

    if platform.observations.openlineage is None:
        return
    by_asset: dict[str, list[MeasuredValue]] = {}
    for each in values:
        value = MeasuredValue(each.measure, each.outcome, each.value, each.good, each.total)
        by_asset.setdefault(each.asset, []).append(value)
    datasets = []
    for asset in assets:
        if asset.address in by_asset:
            properties = asset.definition.get("properties") or {}
            required = [name for name, each in properties.items() if each.get("required")]
            keys = [name for name, each in properties.items() if each.get("key")]
            datasets.append(Dataset(asset.address, by_asset[asset.address], (), len(required), keys))
    failed = sorted({each.asset for each in values if each.outcome == "error"})
    events = run_events(platform.environment, product, "observe", moment, datetime.now(UTC), datasets, failed)
    _send(platform, events, note)


def send_verification(
    platform: Platform,
    product: str,
    moment: datetime,
    contracts: Iterable[ContractRecord],
    ports: Iterable[VerifiedPort],
    note: Callable[[str], None],
) -> None:
    """Send the events of a run of business tests. A receiver that does not accept them fails no test.

    Args:
        moment: Time of the run.
        note: Receives a line if the events wait or are lost.
    """
    from alchemesh_platform.exports.openlineage import run_events
    from alchemesh_platform.manifest.models import QualityRule

    if platform.observations.openlineage is None:
        return
    by_port = {each.address: each for each in contracts}
    datasets: list[Dataset] = []
    failed: list[str] = []
    for port in ports:
        rules = {
            rule.name: rule
            for rule in map(QualityRule.model_validate, by_port[port.port].document.get("quality") or ())
        }
        datasets += _datasets(port, rules, sorted(by_port[port.port].models))
        failed += [f"{each.test} of {port.port}" for each in port.verdicts if each.outcome == "error"]
    events = run_events(platform.environment, product, "verify", moment, datetime.now(UTC), datasets, failed)
    _send(platform, events, note)


def send_run(platform: Platform, registry: Registry, run: Deployment, note: Callable[[str], None]) -> None:
    """Send the event of a run of code: of its start while it runs, and of its end afterwards.

    A receiver that does not accept it fails no run.

    Args:
        platform: The environment.
        registry: Its open registry, which has the assets of the product and of the products that it reads.
        run: The run.
        note: Receives a line if the event is lost or waits.
    """
    if platform.observations.openlineage is not None:
        from alchemesh_platform.exports.openlineage import code_event

        _send(platform, [code_event(_facts(registry, run))], note)


def _facts(registry: Registry, run: Deployment) -> CodeRunFacts:
    from alchemesh_platform.exports.openlineage import CodeRunFacts
    from alchemesh_platform.registry.records import AssetRecord, PortRecord

    environment, product = run.environment, run.product
    inputs: dict[str, str] = {}
    for port in registry.all(PortRecord, environment, product, where={"direction": "input"}):
        read = run.inputs.get(port.address.rpartition("/")[2])
        versions = {} if read is None else read.versions
        if not port.from_product or port.origin is None:
            inputs[port.address] = versions.get("files", "")
            continue
        owner = port.origin.rpartition("/")[0]
        for asset in registry.all(AssetRecord, environment, owner, where={"port": port.origin}):
            version = versions.get(asset.model)
            inputs[asset.address] = version or (read.run if read is not None else None) or ""
    assets = registry.all(AssetRecord, environment, product)
    outputs = {asset.address: run.written.get(f"{asset.port.rpartition('/')[2]}/{asset.model}") for asset in assets}
    return CodeRunFacts(
        id=run.id,
        environment=environment,
        product=product,
        outcome=run.outcome,
        started_at=run.started_at,
        finished_at=run.finished_at,
        problem=run.problem,
        interval=run.interval,
        inputs=inputs,
        outputs=outputs,
    )


def _datasets(port: VerifiedPort, rules: dict[str, QualityRule], models: Sequence[str]) -> list[Dataset]:
    """The tested models of a port, and the port. A test that names no model is one of the only model, or of the port.

    A service level is an assertion too: kept or broken. One that is unknown, stale or an error is left out.
    """
    from alchemesh_platform.exports.openlineage import Dataset, TestResult

    found: dict[str, list[TestResult]] = {}
    for verdict in port.verdicts:
        rule = rules[verdict.test]
        model = rule.model or (models[0] if len(models) == 1 else None)
        address = f"{port.port}/{model}" if model is not None else port.port
        found.setdefault(address, []).append(_result(rule, verdict))
    for each in port.levels:
        outcome = _OUTCOMES.get(each.verdict, each.verdict)
        result = TestResult(each.name, outcome, each.name, each.severity, "", each.promise, each.value)
        found.setdefault(each.asset or each.port, []).append(result)
    return [Dataset(address, tests=tests) for address, tests in found.items()]


def _result(rule: QualityRule, verdict: Verdict) -> TestResult:
    from alchemesh_platform.exports.openlineage import TestResult

    return TestResult(
        verdict.test,
        verdict.outcome,
        rule.metric or "custom_sql",
        verdict.severity,
        rule.property or "",
        verdict.expected,
        verdict.found,
        rule.description,
    )


def _send(platform: Platform, events: Sequence[dict[str, Any]], note: Callable[[str], None]) -> None:
    """Append events to the file, and send them after those that wait. A failure is a note: the events wait."""
    receiver = platform.observations.openlineage
    if receiver is None:
        return
    if receiver.file is not None:
        try:
            _append(Path(receiver.file).expanduser(), events)
        except OSError as error:
            note(f"note: the OpenLineage events are not in {receiver.file}: {error.strerror or error}")
    if receiver.url is not None:
        _deliver(platform, receiver, events, note)


def _deliver(
    platform: Platform, receiver: OpenLineage, events: Sequence[dict[str, Any]], note: Callable[[str], None]
) -> None:
    """Send all events that wait, oldest first. The first failure ends it: the receiver is down."""
    import sqlite3

    from filelock import FileLock, Timeout

    from alchemesh_platform.app.probing.recording import folder_of
    from alchemesh_platform.exports.waiting import WaitingEvents

    folder = folder_of(platform)
    waiting = WaitingEvents(folder / "openlineage.db")
    try:
        dropped = waiting.keep(events)
        if dropped:
            note(f"note: {dropped} OpenLineage events are lost: too many waited for {receiver.url}")
        with FileLock(folder / "openlineage.lock", blocking=False):
            _send_waiting(receiver, waiting, note)
    except Timeout:
        return  # another process sends them
    except (OSError, sqlite3.Error) as error:
        note(f"note: OpenLineage events are lost, since they cannot wait in {folder}: {error}")


def _send_waiting(receiver: OpenLineage, waiting: WaitingEvents, note: Callable[[str], None]) -> None:
    end = time.monotonic() + SECONDS_OF_ALL
    while (found := waiting.first()) is not None:
        number, event = found
        reason, refused = _post(receiver, event)
        if reason and not refused:
            wait = _events(len(waiting))
            note(f"note: {receiver.url} did not accept an OpenLineage event: {reason}; {wait} for the next command")
            return
        waiting.done(number)
        if refused:
            note(f"note: {receiver.url} refuses an OpenLineage event, which is dropped: {reason}")
        if time.monotonic() > end and (left := len(waiting)):
            note(f"note: {receiver.url} is slow; {_events(left)} for the next command")
            return


def _events(number: int) -> str:
    return "1 event waits" if number == 1 else f"{number} events wait"


def _append(file: Path, events: Sequence[dict[str, Any]]) -> None:
    """Append lines in one write, so that two processes do not mix theirs."""
    text = "".join(f"{json.dumps(event, ensure_ascii=False)}\n" for event in events)
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _post(receiver: OpenLineage, event: dict[str, Any]) -> tuple[str, bool]:
    """Send one event.

    Returns:
        The reason if it is not accepted, and whether the receiver refuses this event for good.
    """
    import urllib.error

    from alchemesh_platform.base.secrets import SecretMissing, mask, resolve
    from alchemesh_platform.channels.webhook import call, reason_of

    token = ""
    try:
        token = resolve(receiver.token) if receiver.token is not None else ""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        body = json.dumps(event).encode()
        call(str(receiver.url), body, headers, SECONDS)
        return "", False
    except (OSError, ValueError, SecretMissing) as error:
        refused = isinstance(error, urllib.error.HTTPError) and error.code in _REFUSED
        return mask(reason_of(error), [token] if token else []), refused
