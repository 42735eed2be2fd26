"""`alchemesh observe`: real Delta tables, measured values in the status, and tables that cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.connections import OutputPort
from alchemesh_platform.measures.report import read_report
from alchemesh_platform.registry.observations.roll_up import summaries
from alchemesh_platform.registry.observations.series import add_reports, last_until, series
from alchemesh_platform.registry.records import AssetRecord, ContractRecord, PortRecord, ProductRecord
from alchemesh_platform.registry.store import Registry
from tests.data.products import create, document, read

ORDERS = "retail/orders"
SHOP = f"{ORDERS}/shop"
SALE = {
    "sale_id": {"type": "string", "key": True, "required": True},
    "article": {"type": "string", "enum": ["shoe", "hat"]},
}
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
VISIT = {"page": {"type": "string", "required": True}}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ALCHEMESH_USER", "olaf@acme.example")
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "alchemesh.yaml").write_text("kind: DataProduct\nname: orders\ndomain: retail\n")
    return tmp_path / "home"


@pytest.fixture
def registry(home: Path) -> Iterator[Registry]:
    with Registry.open(f"sqlite:///{home / 'local' / 'registry.db'}") as opened:
        yield opened


def asset(model: str, properties: Mapping[str, Any], port: str = SHOP) -> AssetRecord:
    definition = {"properties": properties}
    address = f"{port}/{model}"
    return AssetRecord(
        environment="local", address=address, product=ORDERS, port=port, model=model, definition=definition
    )


@pytest.fixture
def shop(tmp_path: Path, registry: Registry) -> OutputPort:
    """A deployed product with two tables, and a port that is no table."""
    models = {"sale": SALE, "visit": VISIT}
    for name, properties in models.items():
        create(tmp_path / name, properties)
    connections = document(tmp_path, models)
    storage = connections["outputs"]["shop"]["storage"]
    port = {"environment": "local", "product": ORDERS, "direction": "output"}
    registry.write(
        [
            ProductRecord(
                environment="local", address=ORDERS, team="t", owner="o@a.example", version="1.0.0", lifecycle="stable"
            ),
            PortRecord(
                **port,
                address=SHOP,
                storage="delta-table",
                storage_type="columnar-table",
                models=tuple(models),
                connections={"storage": storage, "proxy": None},
            ),
            PortRecord(**port, address=f"{ORDERS}/events", storage="pubsub-topic", storage_type="streaming-topic"),
            ContractRecord(
                environment="local",
                address=SHOP,
                product=ORDERS,
                version="1.0.0",
                lifecycle="active",
                access="internal",
                document={"version": "1.0.0", "service_levels": {"uptime": "99%"}},
                protocols=("columnar-table",),
            ),
            asset("sale", SALE),
            asset("visit", VISIT),
            asset("event", VISIT, f"{ORDERS}/events"),
        ]
    )
    return read(connections).output("shop")


@pytest.fixture
def observed(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def of(*arguments: str, code: int = 0) -> Any:
        assert invoke(["observe", *arguments, "--json"]) == code
        printed = capsys.readouterr()
        return json.loads(printed.out)["measurements"] if printed.out else pytest.fail(printed.err)

    return of


def test_the_measured_values_of_every_table_are_in_the_status(
    shop: OutputPort, observed: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    shop.write("sale", [{"sale_id": "1", "article": "shoe"}, {"sale_id": "2", "article": None}])
    (done,) = observed()

    values = {(each["asset"].rpartition("/")[2], each["measure"]): each for each in done["values"]}
    assert values["sale", "completeness"]["good"] == values["sale", "completeness"]["total"] == 2
    assert (values["sale", "validity"]["good"], values["sale", "validity"]["total"]) == (1, 1)
    assert (values["sale", "uniqueness"]["value"], values["sale", "change_age"]["outcome"]) == (1.0, "value")
    assert values["visit", "completeness"]["note"] == "the table has no rows"
    assert values["visit", "change_age"]["note"] == "nothing was ever written"
    assert done["unmeasured"] == {f"{ORDERS}/events": "component pubsub-topic has no measurement of its rows"}

    assert invoke(["status"]) == 0
    drawn = capsys.readouterr().out
    assert "completeness  100 % (2 of 2) · just now by platform" in drawn
    assert "completeness  ? unknown · the table has no rows · just now by platform" in drawn


def test_the_last_change_of_a_folder_is_that_of_its_one_model(
    shop: OutputPort, tmp_path: Path, registry: Registry, observed: Callable[..., Any]
) -> None:
    """The age was unknown, and its reason was "1 file"."""
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "visits.csv").write_text("page\nhome\n")
    raw = f"{ORDERS}/raw"
    storage = {"kind": "files", "url": folder.as_uri()}

    def ages(*models: str) -> set[tuple[str, str]]:
        port = {"environment": "local", "address": raw, "product": ORDERS, "direction": "output"}
        more = {"storage": "local-directory", "storage_type": "object-storage", "connections": {"storage": storage}}
        registry.write([PortRecord(**port, **more, models=models), *(asset(model, VISIT, raw) for model in models)])
        (done,) = observed()
        found = [each for each in done["values"] if each["asset"].startswith(f"{raw}/")]
        return {(each["outcome"], each["note"]) for each in found if each["measure"] == "change_age"}

    assert ages("hit") == {("value", "")}
    several = "component local-directory observes the last change of all its files, and not of those of one model"
    assert ages("hit", "click") == {("unknown", several)}


def test_each_port_with_a_contract_is_probed_and_its_uptime_is_recorded(
    shop: OutputPort,
    tmp_path: Path,
    registry: Registry,
    observed: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    shop.write("sale", [{"sale_id": "1", "article": "hat"}])
    (done,) = observed()
    (up,) = done["probes"]
    assert (up["port"], up["protocol"], up["outcome"], up["reason"]) == (SHOP, "delta", "up", "")
    assert up["seconds"] > 0
    for file in (tmp_path / "sale").glob("*.parquet"):
        file.unlink()
    (broken,) = observed(code=ExitCode.FAILED)
    assert [each["outcome"] for each in broken["probes"]] == ["down"]
    assert invoke(["observe"]) == ExitCode.FAILED
    assert "delta         ✗ down · table sale lacks 1 of its files, such as " in capsys.readouterr().out

    uptime = series(registry, "local", SHOP, "uptime", FIRST, LAST)
    assert [(each.good, each.total, each.window.total_seconds()) for each in uptime] == [
        (1, 1, 60.0),
        (0, 1, 60.0),
        (0, 1, 60.0),
    ]
    times = series(registry, "local", SHOP, "response_time", FIRST, LAST)
    assert [(each.outcome, each.value is not None) for each in times] == [
        ("value", True),
        ("error", False),
        ("error", False),
    ]
    assert {each.reported_by for each in times} == {"platform"}


def test_a_table_that_cannot_be_read_is_an_error_with_its_reason_and_the_others_are_measured(
    shop: OutputPort, tmp_path: Path, observed: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    shop.write("sale", [{"sale_id": "1", "article": "hat"}])
    shop.write("visit", [{"page": "/"}])
    for file in (tmp_path / "sale").glob("*.parquet"):
        file.unlink()
    (done,) = observed(code=ExitCode.FAILED)

    outcomes = {(each["asset"].rpartition("/")[2], each["outcome"]) for each in done["values"]}
    assert ("sale", "error") in outcomes
    assert ("sale", "value") not in outcomes
    assert ("visit", "value") in outcomes
    assert all(each["note"] for each in done["values"] if each["outcome"] == "error")
    assert invoke(["observe"]) == ExitCode.FAILED
    shown = capsys.readouterr()
    assert f"error: could not measure {SHOP}/sale" in shown.err
    assert "completeness  ✗ error · the table in " in shown.out
    assert shown.out.count("lacks 1 of its files, such as ") == 2, "the probe and the asset name the reason once each"
    assert "uniqueness    ✗ error · for the same reason\n" in shown.out
    assert invoke(["status"]) == 0
    assert "uniqueness    ✗ error · for the same reason · just now by platform" in capsys.readouterr().out
    assert "completeness  100 % (1 of 1)" in shown.out


def test_rows_are_compared_with_the_input_port_that_their_model_names(
    shop: OutputPort, tmp_path: Path, registry: Registry, observed: Callable[..., Any]
) -> None:
    create(tmp_path / "register", SALE)
    known = document(tmp_path, {"register": SALE})
    read(known).output("shop").write(
        "register", [{"sale_id": "1", "article": "hat"}, {"sale_id": "2", "article": "hat"}]
    )
    shop.write("sale", [{"sale_id": "1", "article": "hat"}, {"sale_id": "2"}, {"sale_id": "3"}])
    compared = asset("sale", SALE)
    compared = compared.model_copy(update={"definition": {**compared.definition, "reference": "register"}})
    port = PortRecord(
        environment="local",
        product=ORDERS,
        direction="input",
        address=f"{ORDERS}/register",
        storage="delta-table",
        storage_type="columnar-table",
        connections={"storage": known["outputs"]["shop"]["storage"], "proxy": None},
    )
    registry.write([compared, port])
    (done,) = observed()
    (accuracy,) = [each for each in done["values"] if each["measure"] == "accuracy"]
    assert (accuracy["asset"], accuracy["good"], accuracy["total"]) == (f"{SHOP}/sale", 1, 2)

    for file in (tmp_path / "register").glob("*.parquet"):
        file.unlink()
    (done,) = observed(code=ExitCode.FAILED)
    outcomes = {each["measure"]: each["outcome"] for each in done["values"] if each["asset"] == f"{SHOP}/sale"}
    assert (outcomes["accuracy"], outcomes["completeness"]) == ("error", "value")


def test_all_products_are_measured_and_an_unknown_one_is_an_error(
    shop: OutputPort, observed: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    shop.write("sale", [{"sale_id": "1", "article": "hat"}])
    assert [each["product"] for each in observed("--all")] == [ORDERS]
    assert invoke(["observe", "retail/trains"]) == ExitCode.FAILED
    assert "retail/trains is not deployed in environment 'local'" in capsys.readouterr().err
    assert invoke(["observe", "--timeout", "soon"]) == ExitCode.USAGE
    assert "expected a duration" in capsys.readouterr().err


def test_a_check_of_nothing_does_not_pass(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["observe", "--all"], ["contract", "verify", "--all"]):
        assert invoke(command) == ExitCode.UNRECORDED
        assert "error: nothing is deployed in local" in capsys.readouterr().err


def test_a_product_that_fails_stops_no_other() -> None:
    from alchemesh_platform.app.product.several import on_each
    from alchemesh_platform.base.failure import Failure

    def act(product: str) -> str:
        if product == "b/b":
            raise Failure("it cannot be read", hint="look at it")
        return product

    found = on_each(["a/a", "b/b", "c/c"], act)
    assert found.done == ("a/a", "c/c")
    with pytest.raises(Failure, match="b/b: it cannot be read"):
        found.check()
    with pytest.raises(Failure, match=r"^it cannot be read$"):
        on_each(["b/b"], act).check()


def test_an_error_without_a_text_is_named_by_its_class() -> None:
    from alchemesh_platform.quality.work import reason_of

    assert reason_of(MemoryError()) == "MemoryError"
    assert reason_of(ValueError("\n  a NUL: \0\nmore")) == "a NUL: \\0"


def test_the_platform_file_says_how_long_observations_stay(
    tmp_path: Path, shop: OutputPort, registry: Registry, observed: Callable[..., Any]
) -> None:
    old = registry.now() - timedelta(days=3)
    one = {"product": ORDERS, "subject": f"{SHOP}/sale", "measure": "validity", "measured_at": old}
    report = read_report({**one, "good": 1, "total": 2})
    assert add_reports(registry, "local", [report], "platform", registry.now()).refused == ()
    observed()
    assert last_until(registry, "local", f"{SHOP}/sale", "validity", old) is not None

    environment = {"extends": "builtin/local", "observations": {"raw": "2d", "hourly": "90d"}}
    platform = {"kind": "Platform", "name": "acme", "environments": {"local": environment}}
    (tmp_path / "platform.yaml").write_text(json.dumps(platform))
    observed()
    assert last_until(registry, "local", f"{SHOP}/sale", "validity", old) is None
    (hour,) = summaries(registry, "local", f"{SHOP}/sale", "validity", "hour", FIRST, LAST)
    assert (hour.good, hour.total) == (1, 2)
