"""Metering adds each request of a gateway to the registry once: through kills, rotation and concurrent readers."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alchemesh_platform.app.usage import meter as metering
from alchemesh_platform.app.usage.meter import meter_product, meter_source
from alchemesh_platform.measures.measure import USAGE
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.observations.series import Observation, series
from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    ContractRecord,
    GrantRecord,
    PortRecord,
    ProductRecord,
    RequestStep,
)
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.usage.lines import UsageLine, usage_of
from alchemesh_platform.registry.usage.positions import gaps_of, readings_of
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.system.usage import MeteredPort, NotHere, NotMetered, UsageSource
from alchemesh_platform.systems.kafka import usage
from alchemesh_platform.systems.local.data_api import server
from alchemesh_platform.systems.local.data_api.gateway.consumers import Entry, remove_entry, write_entry
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway, Listening, listen
from alchemesh_platform.systems.local.data_api.metering.sources import METERING, WebLog
from alchemesh_platform.systems.local.data_api.server import DataApi
from tests.registry.conftest import environment as environment  # noqa: PLC0414 - a fixture
from tests.registry.recorded import one_of_each
from tests.systems.local.metering.logs import NOON, Log, request
from tests.usage.held_meter import MOMENTS

PRODUCT = "aviation/flights"
PORT = "aviation/flights/flights-table"
LONG_AGO, FAR = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
OPS = "ops_punctuality_1f0c9a2b"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('registry') / 'registry.db'}"


@pytest.fixture
def registry(url: str, environment: str) -> Registry:
    with Registry.open(url) as opened:
        opened.write([*one_of_each(environment), access_request(environment, "req-1f0c9a2b")])
        yield opened


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    found = Gateway(tmp_path, "flights-table")
    found.folder.mkdir()
    write_entry(found.folder, Entry(user=OPS, consumer="ops/punctuality", request="req-1f0c9a2b"))
    return found


@pytest.fixture
def log(gateway: Gateway) -> Log:
    return Log(gateway.folder / "access.log")


@pytest.fixture
def source(gateway: Gateway) -> WebLog:
    return WebLog(gateway)


def access_request(environment: str, address: str, kind: str = "data_product", requester: str = "ops/punctuality"):
    return AccessRequestRecord(
        environment=environment,
        address=address,
        product=PRODUCT,
        port=PORT,
        requester_kind=kind,
        requester=requester,
        purpose="delays",
        state="granted",
        steps=(RequestStep(state="requested", at=NOON, by="amelia@airport.example"),),
    )


def lines(registry: Registry, environment: str) -> list[UsageLine]:
    return list(usage_of(registry, environment, PORT, LONG_AGO, FAR))


def requests(registry: Registry, environment: str) -> int:
    return sum(each.requests for each in lines(registry, environment))


def test_requests_become_lines_of_their_consumer_once(
    registry: Registry, environment: str, log: Log, source: WebLog
) -> None:
    log.write(request(), request(1, user="", status=401, rows=""), request(2, user="health"))

    assert meter_source(registry, environment, PORT, source) == (1, [])
    assert meter_source(registry, environment, PORT, source) == (0, [])

    by_consumer = {(each.consumer, each.own): each for each in lines(registry, environment)}
    assert by_consumer.keys() == {("data_product:ops/punctuality", False), ("", False), ("", True)}
    line = by_consumer["data_product:ops/punctuality", False]
    assert (line.product, line.port, line.protocol, line.hour) == (PRODUCT, PORT, "rest", NOON)
    assert (line.requests, line.billable_requests, line.errors, line.bytes_out, line.rows) == (1, 1, 0, 28, 2)
    assert line.source == f"{PORT}#web-log"
    (read,) = readings_of(registry, environment, PORT)
    assert line.received_at <= read.read_at <= registry.now()


def test_a_consumer_that_was_revoked_in_the_middle_of_a_period_keeps_its_requests(
    registry: Registry, environment: str, gateway: Gateway, log: Log, source: WebLog
) -> None:
    log.write(request())
    remove_entry(gateway.folder, OPS)
    log.write(request(1, user="", status=401))
    meter_source(registry, environment, PORT, source)

    assert {(each.consumer, each.billable_requests) for each in lines(registry, environment)} == {
        ("data_product:ops/punctuality", 1),
        ("", 0),
    }
    (departed,) = (gateway.folder / "departed").glob("*.json")
    assert "scram" in departed.read_text()
    assert "SCRAM-SHA-256" not in departed.read_text()


def test_consumers_are_named_as_in_access_requests(
    registry: Registry, environment: str, gateway: Gateway, log: Log, source: WebLog
) -> None:
    registry.put(access_request(environment, "req-team", "technical_team", "ops/analysts"))
    for user, consumer, asked in (
        ("member_1", "ops/analysts", "req-team"),
        ("member_2", "ops/analysts", "req-team"),
        ("joined", "ops/delays", "req-team"),
        ("by_hand", "somebody", None),
    ):
        write_entry(gateway.folder, Entry(user=user, consumer=consumer, request=asked))
    log.write(*(request(user=user) for user in ("member_1", "member_2", "joined", "by_hand", "forgotten")))
    meter_source(registry, environment, PORT, source)

    assert {each.consumer: each.requests for each in lines(registry, environment)} == {
        "technical_team:ops/analysts": 2,
        "data_product:ops/delays": 1,
        "somebody": 1,
        "unknown:forgotten": 1,
    }


def test_requests_have_the_version_that_the_contract_had_then(
    registry: Registry, environment: str, log: Log, source: WebLog
) -> None:
    (first,) = [each for each in registry.history(environment, address=PORT) if each.kind == "contract"]
    contract = registry.get(ContractRecord, environment, PORT)
    assert contract is not None
    registry.put(contract.model_copy(update={"version": "3.0.0"}))
    begun = first.at.timestamp() - NOON.timestamp()
    second, _ = registry.history(environment, address=PORT)[:2]
    changed = second.at.timestamp() - NOON.timestamp()
    log.write(request(begun - 1), request((begun + changed) / 2), request(changed + 1))
    meter_source(registry, environment, PORT, source)

    found = {each.contract_version: each.requests for each in lines(registry, environment)}
    assert found == {"": 1, "2.0.0": 1, "3.0.0": 1}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_metering_loses_and_doubles_nothing(
    registry: Registry, url: str, environment: str, gateway: Gateway, log: Log, source: WebLog, moment: str
) -> None:
    log.write(*(request(at) for at in range(3)))
    command = [sys.executable, "-m", "tests.usage.held_meter", url, environment, PORT, str(gateway.folder), moment]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL

    assert requests(registry, environment) == (3 if moment == "committed" else 0)
    log.write(request(4))
    log.rotate(compress=True)
    meter_source(registry, environment, PORT, source)
    assert requests(registry, environment) == 4
    assert gaps_of(registry, environment, PORT, LONG_AGO, FAR) == []


def test_concurrent_readers_count_each_request_once(
    registry: Registry, environment: str, gateway: Gateway, log: Log
) -> None:
    log.write(*(request(at) for at in range(400)))

    with ThreadPoolExecutor(4) as pool:
        found = pool.map(
            lambda _: meter_source(registry, environment, PORT, WebLog(gateway, batch_bytes=20_000))[0], range(4)
        )

    assert sum(found) == requests(registry, environment) == 400


def test_a_lost_part_of_a_log_is_a_gap_of_the_port(
    registry: Registry, environment: str, log: Log, source: WebLog
) -> None:
    log.write(request())
    meter_source(registry, environment, PORT, source)
    log.path.unlink()
    log.write(request(1), b"damaged")
    _, lost = meter_source(registry, environment, PORT, source)

    gaps = gaps_of(registry, environment, PRODUCT, LONG_AGO, FAR)
    assert sorted(gap.reason for gap in gaps) == sorted(lost)
    assert sorted(lost) == [
        "1 line of the log cannot be read",
        "access.log was removed or truncated before it was read to its end",
    ]
    assert all(gap.since is not None and gap.since <= gap.until for gap in gaps)
    assert gaps_of(registry, environment, PORT, LONG_AGO, LONG_AGO + timedelta(days=1)) == []


def measured(registry: Registry, environment: str) -> list[Observation]:
    return series(registry, environment, PORT, USAGE, LONG_AGO, FAR)


def test_the_usage_of_a_contract_is_measured_with_its_window(
    registry: Registry, environment: str, log: Log, source: WebLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "_sources_of", lambda *_: [source])
    log.write(request(), request(1, user="health"), request(2, user="", status=401))
    assert meter_product(registry, environment, PRODUCT).requests == {PORT: 1}
    log.write(request(3), request(4))
    meter_product(registry, environment, PRODUCT)
    meter_product(registry, environment, PRODUCT)

    first, second, third = measured(registry, environment)
    assert [each.value for each in (first, second, third)] == [1, 2, 0]
    assert (first.window, second.window) == (timedelta(0), second.measured_at - first.measured_at)
    assert first.reported_by == "platform"


def test_a_port_without_a_meter_has_unknown_usage_with_the_reason(registry: Registry, environment: str) -> None:
    done = meter_product(registry, environment, PRODUCT)

    assert done.unmetered == {PORT: "it is not deployed yet"}
    (found,) = measured(registry, environment)
    assert (found.outcome, found.value, found.note) == ("unknown", None, "it is not deployed yet")


def test_a_removed_port_leaves_no_gap_and_a_run_that_failed_to_remove_it_loses_nothing(
    registry: Registry, environment: str, log: Log, source: WebLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "_sources_of", lambda *_: [source])
    log.write(request())
    metering.meter_before(registry, environment, PRODUCT, pytest.fail, {PORT})
    log.write(request(1))  # the run failed
    metering.meter_before(registry, environment, PRODUCT, pytest.fail, {PORT})
    log.path.unlink()
    log.write(request(2))  # a later `up` created the port again
    meter_product(registry, environment, PRODUCT)

    assert requests(registry, environment) == 3
    assert gaps_of(registry, environment, PORT, LONG_AGO, FAR) == []


def test_a_machine_without_the_gateway_leaves_the_usage_that_another_one_measured(
    registry: Registry, environment: str, log: Log, source: WebLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(*_: object) -> list[UsageSource]:
        raise NotHere("its gateway is not on this machine")

    monkeypatch.setattr(metering, "_sources_of", elsewhere)
    meter_product(registry, environment, PRODUCT)
    assert [each.outcome for each in measured(registry, environment)] == ["unknown"]
    log.write(request())
    monkeypatch.setattr(metering, "_sources_of", lambda *_: [source])
    meter_product(registry, environment, PRODUCT)
    monkeypatch.setattr(metering, "_sources_of", elsewhere)

    assert meter_product(registry, environment, PRODUCT).unmetered == {PORT: "its gateway is not on this machine"}
    assert [each.outcome for each in measured(registry, environment)] == ["unknown", "value"]


def test_a_source_that_cannot_be_read_leaves_its_position(
    registry: Registry, environment: str, log: Log, source: WebLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "_sources_of", lambda *_: [source])
    log.write(request())
    meter_product(registry, environment, PRODUCT)
    log.path.rename(log.path.with_name("elsewhere"))
    log.path.mkdir()

    reason = meter_product(registry, environment, PRODUCT).unmetered[PORT]
    assert "access.log" in reason
    notes: list[str] = []
    metering.meter_before(registry, environment, PRODUCT, notes.append)
    assert notes == [f"note: the usage of {PORT} could not be read: {reason}"]
    log.path.rmdir()
    log.path.with_name("elsewhere").rename(log.path)
    log.write(request(1))
    assert meter_product(registry, environment, PRODUCT).requests == {PORT: 1}
    assert requests(registry, environment) == 2


def test_a_data_api_elsewhere_is_not_metered(tmp_path: Path) -> None:
    elsewhere = DataApiConnection(credential_file=str(tmp_path / "flights-table.gateway" / "owner.credential.json"))
    for connection, reason in (
        (elsewhere, "its gateway is not on this machine"),
        (DataApiConnection(rest="https://run.example"), "its data API has no gateway that counts requests"),
    ):
        with pytest.raises(NotMetered, match=reason):
            METERING.sources(connection)


def test_a_source_says_how_it_is_read() -> None:
    with pytest.raises(NotImplementedError):
        UsageSource().read(None, None, NOON)  # type: ignore[arg-type]


def test_requests_between_the_last_reading_and_the_end_of_a_removed_gateway_are_counted(
    registry: Registry, environment: str, gateway: Gateway, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests that a gateway answered while `up` removed its port were lost."""
    source = WebLog(gateway)
    monkeypatch.setattr(metering, "_sources_of", lambda *_: [source])
    listen(gateway, Listening("127.0.0.1", 28_536, None, ("rest",)))
    log.write(request())
    kept = metering.meter_before(registry, environment, PRODUCT, pytest.fail, {PORT})
    log.write(request(1))
    server.take_down(DataApi("flights-table", gateway.run_directory, (), ("rest",)))

    assert {each.name for each in gateway.folder.iterdir()} == {"access.log", "departed", "usage.kept"}
    assert "scram" in (gateway.folder / "departed" / f"{OPS}.json").read_text()
    assert "SCRAM-SHA-256" not in (gateway.folder / "departed" / f"{OPS}.json").read_text()
    metering.meter_after(registry, environment, kept, pytest.fail)
    assert {(each.consumer, each.requests) for each in lines(registry, environment)} == {
        ("data_product:ops/punctuality", 1)
    }
    assert requests(registry, environment) == 2
    assert gaps_of(registry, environment, PORT, LONG_AGO, FAR) == []
    assert not gateway.folder.exists()


def test_a_gateway_whose_removal_failed_keeps_its_log(
    registry: Registry, environment: str, gateway: Gateway, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "_sources_of", lambda *_: [WebLog(gateway)])
    listen(gateway, Listening("127.0.0.1", 28_536, None, ("rest",)))
    log.write(request())
    kept = metering.meter_before(registry, environment, PRODUCT, pytest.fail, {PORT})
    log.write(request(1))
    metering.meter_after(registry, environment, kept, pytest.fail)
    assert log.path.exists()
    log.write(request(2))
    meter_product(registry, environment, PRODUCT)

    assert requests(registry, environment) == 3
    assert gaps_of(registry, environment, PORT, LONG_AGO, FAR) == []
    server.take_down(DataApi("flights-table", gateway.run_directory, (), ("rest",)))
    assert not gateway.folder.exists()


def test_a_source_receives_the_consumers_of_today_and_those_whose_access_ended(
    registry: Registry, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = {"environment": environment, "product": PRODUCT, "port": PORT}
    team = GrantRecord(
        **of,
        address="req-team",
        requester_kind="technical_team",
        requester="ops/analysts",
        behind=("ada@ops.example", "ops/analysts"),
    )
    reader = GrantRecord(**of, address="req-product", requester_kind="data_product", requester="ops/punctuality")
    elsewhere = GrantRecord(
        **{**of, "port": f"{PRODUCT}/other"}, address="req-other", requester_kind="user", requester="bo@x.example"
    )
    account = {"kind": "google-service-account", "name": "punctuality@acme.iam.gserviceaccount.com"}
    product = ProductRecord(
        environment=environment,
        address="ops/punctuality",
        team="ops",
        owner="o@ops.example",
        version="1.0.0",
        lifecycle="stable",
        identity=account,
    )
    registry.write([team, reader, elsewhere, product])
    registry.remove(GrantRecord, environment, "req-team")
    topic = {"kind": "topic", "broker": "kafka", "servers": ["kafka.example:9092"], "topics": {"flight": "flights"}}
    port = registry.get(PortRecord, environment, PORT)
    assert port is not None
    registry.put(port.model_copy(update={"proxy": None, "connections": {"storage": topic, "proxy": None}}))
    asked: list[MeteredPort] = []

    def sources(port: MeteredPort) -> list[UsageSource]:
        asked.append(port)
        return []

    monkeypatch.setattr(usage.METERING, "sources_of", sources)
    platform = load_platform(None, "local", Path("home")).model_copy(update={"settings": {"gcp": {"project": "p"}}})
    assert meter_product(registry, environment, PRODUCT, platform=platform).unmetered == {}
    (found,) = asked
    known = {each.request: (each.address, each.users, each.teams) for each in found.consumers}
    assert known["req-product"] == ("ops/punctuality", (), ())
    assert known["req-team"] == ("ops/analysts", ("ada@ops.example",), ("ops/analysts",))
    assert list(known).index("req-product") < list(known).index("req-team"), "those with access now come first"
    assert "req-other" not in known
    assert next(each.identity for each in found.consumers if each.request == "req-product") == CodeIdentity(**account)
    assert found.settings == {"gcp": {"project": "p"}}
    assert found.since is not None
    assert found.since <= registry.now()
