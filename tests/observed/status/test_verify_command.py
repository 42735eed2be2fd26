"""`alchemesh contract verify`: verdicts on real Delta tables, exit codes, and the last verdicts in `status`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.connections import OutputPort
from alchemesh_platform.measures.report import read_report
from alchemesh_platform.registry.observations.series import add_reports
from alchemesh_platform.registry.records import ContractRecord
from alchemesh_platform.registry.store import Registry
from tests.observed.observe.test_observe_command import ORDERS, SALE, SHOP, VISIT, home, registry, shop

__all__ = ["home", "registry", "shop"]

TESTS = [
    {"name": "each-sale-once", "metric": "duplicateValues", "model": "sale", "property": "article", "mustBe": 0.0},
    {"name": "visits-come", "metric": "rowCount", "model": "visit", "mustBeGreaterThan": 0.0, "severity": "warning"},
    {"name": "hats-sell", "type": "sql", "query": "SELECT count(*) FROM sale WHERE article = 'hat'", "mustBe": 1.0},
    {"name": "pages-are-known", "metric": "nullValues", "model": "visit", "property": "page", "mustBe": 0.0},
    {"name": "looks-right", "type": "text", "description": "a person looks at it"},
]


@pytest.fixture(autouse=True)
def contract(registry: Registry, shop: OutputPort) -> None:
    models = {"sale": {"properties": SALE}, "visit": {"properties": VISIT}}
    record = {"environment": "local", "product": ORDERS, "lifecycle": "active", "access": "public", "models": models}
    document = {"version": "1.2.0", "quality": TESTS}
    one = {**document, "quality": TESTS[:1]}
    registry.write(
        [
            ContractRecord(**record, address=SHOP, version="1.2.0", document=document),
            ContractRecord(**record, address=f"{ORDERS}/events", version="1.0.0", document=one),
        ]
    )


@pytest.fixture
def verified(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, tuple[str, str]]]:
    """Test: its outcome, and its found value or the reason."""

    def of(*arguments: str, code: int = 0) -> dict[str, tuple[str, str]]:
        assert invoke(["contract", "verify", *arguments, "--json"]) == code
        printed = capsys.readouterr()
        products: list[Any] = json.loads(printed.out)["products"] if printed.out else pytest.fail(printed.err)
        return {
            f"{port['port'].rpartition('/')[2]} {each['test']}": (each["outcome"], each["found"] or each["reason"])
            for product in products
            for port in product["ports"]
            for each in port["tests"]
        }

    return of


def test_every_kind_of_verdict_is_told_apart(
    shop: OutputPort, verified: Callable[..., dict[str, tuple[str, str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    shop.write("sale", [{"sale_id": "1", "article": "hat"}, {"sale_id": "2", "article": "shoe"}])

    assert verified() == {
        "events each-sale-once": ("unknown", "component pubsub-topic has no measurement of its rows"),
        "shop each-sale-once": ("passed", "0"),
        "shop visits-come": ("failed", "0"),
        "shop hats-sell": ("passed", "1"),
        "shop pages-are-known": ("unknown", "the table has no rows"),
        "shop looks-right": ("not executable", "a person looks at it"),
    }
    assert invoke(["contract", "verify", "shop"]) == 0
    drawn = capsys.readouterr().out
    assert drawn.startswith(f"{SHOP}  1.2.0\n")
    assert "  visits-come      ✗ failed · found 0, expected mustBeGreaterThan 0 · severity warning\n" in drawn
    assert "  pages-are-known  ? unknown · the table has no rows\n" in drawn
    assert "  looks-right      · not executable · a person looks at it\n" in drawn
    assert invoke(["status"]) == 0
    drawn = capsys.readouterr().out
    assert "test hats-sell        mustBe 1              passed    ✓ kept " in drawn
    assert "test visits-come      mustBeGreaterThan 0   failed    ✗ broken " in drawn
    assert "found 0, expected mustBeGreaterThan 0 · measured just now" in drawn


def test_a_failed_test_of_severity_error_is_the_exit_code_and_heals(
    shop: OutputPort, verified: Callable[..., dict[str, tuple[str, str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    shop.write("sale", [{"sale_id": "1", "article": "hat"}, {"sale_id": "2", "article": "hat"}])
    assert verified(f"{SHOP}", code=ExitCode.FAILED)["shop each-sale-once"] == ("failed", "1")
    assert invoke(["contract", "verify"]) == ExitCode.FAILED
    assert (
        f"2 business tests are not fulfilled: each-sale-once of {SHOP}, hats-sell of {SHOP}" in capsys.readouterr().err
    )

    shop.write("sale", [{"sale_id": "1", "article": "hat"}], mode="overwrite")
    assert verified("--all")["shop each-sale-once"] == ("passed", "0")


def test_an_export_has_the_newest_result_of_each_test_and_an_import_drops_it(
    shop: OutputPort, verified: Callable[..., Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shop.write("sale", [{"sale_id": "1", "article": "hat"}])
    verified("shop")
    assert invoke(["contract", "export", SHOP, "--results"]) == 0
    text = capsys.readouterr().out
    document = yaml.safe_load(text)
    rules = [
        rule
        for model in document["schema"]
        for place in (model, *model["properties"])
        for rule in place.get("quality", ())
    ]
    results = {
        rule["name"]: custom["value"]
        for rule in rules
        for custom in rule.get("customProperties", ())
        if custom["property"] == "result"
    }

    times = {name: datetime.fromisoformat(each.pop("measuredAt")) for name, each in results.items()}
    assert results == {
        "each-sale-once": {"verdict": "kept", "value": "passed", "reason": "found 0, expected mustBe 0"},
        "visits-come": {"verdict": "broken", "value": "failed", "reason": "found 0, expected mustBeGreaterThan 0"},
        "hats-sell": {"verdict": "kept", "value": "passed", "reason": "found 1, expected mustBe 1"},
        "pages-are-known": {"verdict": "unknown", "reason": "the table has no rows"},
    }
    assert {moment.tzinfo for moment in times.values()} == {UTC}
    file = tmp_path / "shop.odcs.yaml"
    file.write_text(text)
    assert invoke(["contract", "import", str(file)]) == 0
    imported = capsys.readouterr()
    assert "result" not in imported.out + imported.err
    assert invoke(["contract", "export", SHOP]) == 0
    assert "result" not in capsys.readouterr().out


def test_a_table_that_cannot_be_read_makes_errors_of_its_tests_and_the_others_have_verdicts(
    shop: OutputPort, tmp_path: Path, verified: Callable[..., dict[str, tuple[str, str]]]
) -> None:
    shop.write("sale", [{"sale_id": "1", "article": "hat"}])
    for file in (tmp_path / "sale").glob("*.parquet"):
        file.unlink()
    outcomes = verified("shop", code=ExitCode.FAILED)

    assert {test.removeprefix("shop "): outcome for test, (outcome, _) in outcomes.items()} == {
        "each-sale-once": "error",
        "hats-sell": "error",
        "visits-come": "failed",
        "pages-are-known": "unknown",
        "looks-right": "not executable",
    }
    lacks = f"the table in {tmp_path / 'sale'} lacks 1 of its files, such as part-"
    assert all(reason.startswith(lacks) for outcome, reason in outcomes.values() if outcome == "error")


def test_an_unknown_port_is_an_error_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["contract", "verify", "shopp"]) == ExitCode.USAGE
    printed = capsys.readouterr().err
    assert f"{ORDERS} has no output port 'shopp' with a contract" in printed
    assert "did you mean 'shop'?" in printed


def promise(registry: Registry, **levels: str) -> None:
    """A contract with one business test and service levels, in place of the two of the fixture."""
    document = {"version": "1.3.0", "quality": TESTS[:1], "service_levels": levels}
    registry.remove(ContractRecord, "local", f"{ORDERS}/events")
    registry.put(
        ContractRecord(
            environment="local",
            product=ORDERS,
            lifecycle="active",
            access="public",
            models={"sale": {"properties": SALE}, "visit": {"properties": VISIT}},
            address=SHOP,
            version="1.3.0",
            document=document,
            protocols=("columnar-table",),
        )
    )


def report(registry: Registry, measure: str, at: datetime, subject: str = SHOP, **content: Any) -> None:
    one = read_report({"product": ORDERS, "subject": subject, "measure": measure, "measured_at": at, **content})
    assert add_reports(registry, "local", [one], "platform", at).refused == ()


def test_service_levels_are_next_to_business_tests_and_each_verdict_has_its_exit_code(
    shop: OutputPort, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.write("sale", [{"sale_id": "1", "article": "hat"}])
    promise(registry, uptime="90%", window="1h")

    def verify(*arguments: str) -> tuple[int, str, str]:
        code = invoke(["contract", "verify", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    code, out, err = verify("--detailed-exitcode")
    assert (code, err.splitlines()[1]) == (
        ExitCode.NOT_DECIDED,
        f"error: a commitment is not decided: uptime of {SHOP}",
    )
    assert "  each-sale-once  ✓ passed · found 0, expected mustBe 0\n" in out
    assert "  uptime          ? unknown · promised 90% over 1h · nobody measured it\n" in out
    assert out.endswith(f"next: alchemesh observe {ORDERS}\n")
    assert verify()[0] == 0

    report(registry, "uptime", registry.now(), good=1, total=1)
    before = registry.now()
    assert verify("--detailed-exitcode")[0] == 0
    report(registry, "uptime", registry.now(), good=0, total=1)
    code, out, err = verify()
    assert (code, err.splitlines()[1]) == (ExitCode.FAILED, f"error: a service level is not kept: uptime of {SHOP}")
    # The second probe is in the slice of the first one, or in the next one.
    assert re.search(
        r"  uptime          ✗ broken · (0|50)% · promised 90% over 1h · 1 of [12] slices of 60 s were down", out
    )

    code, out, err = verify("--at", before.isoformat(), "--json")
    (product,) = json.loads(out)["products"]
    (port,) = product["ports"]
    assert (code, port["contract"], port["tests"], err) == (0, "1.3.0", [], "")
    assert [(each["name"], each["verdict"]) for each in port["commitments"]] == [
        ("uptime", "kept"),
        ("test:each-sale-once", "kept"),
    ]
    code, out, _ = verify("shop", "--at", before.isoformat())
    assert "  each-sale-once  ✓ kept · passed · promised mustBe 0 · found 0, expected mustBe 0\n" in out
    assert verify("--at", (before - timedelta(days=9)).isoformat())[1].startswith(f"{ORDERS} has no commitments")


def test_an_error_and_a_risk_have_exit_codes_of_their_own(
    shop: OutputPort, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.write("sale", [{"sale_id": "1", "article": "hat"}])
    promise(registry, response_time="1s", percentile="p50", window="1h")
    for seconds in (0.1, 9.0):
        report(registry, "response_time", registry.now(), value=seconds)
    assert invoke(["contract", "verify", "--detailed-exitcode"]) == ExitCode.AT_RISK
    assert f"a commitment is at risk: response_time of {SHOP}" in capsys.readouterr().err

    promise(registry, freshness="1m")
    sale = f"{SHOP}/sale"
    report(registry, "lag", registry.now(), sale, outcome="error", note="the proxy hangs")
    assert invoke(["contract", "verify", "--detailed-exitcode"]) == ExitCode.NOT_MEASURABLE
    assert f"a commitment is not measurable: freshness of {sale}" in capsys.readouterr().err
    assert invoke(["contract", "verify"]) == ExitCode.FAILED
    assert f"error: a commitment is not measurable: freshness of {sale}" in capsys.readouterr().err
    report(registry, "lag", registry.now(), sale, value=61)
    assert invoke(["contract", "verify", "--detailed-exitcode"]) == ExitCode.FAILED


def test_a_time_of_the_future_or_without_a_zone_is_refused(
    shop: OutputPort, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["contract", "verify", "--at", "2100-01-01T00:00:00Z"]) == ExitCode.USAGE
    assert "2100-01-01 00:00:00 UTC is in the future" in capsys.readouterr().err
    assert invoke(["contract", "verify", "--at", "2026-01-01"]) == ExitCode.USAGE
    assert "'2026-01-01' has no time zone: write 2026-01-01T00:00:00Z for UTC" in capsys.readouterr().err
