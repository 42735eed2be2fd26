"""`alchemesh contract bill` for the provider and for consumers."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.contracts.versions import keep_version
from alchemesh_platform.measures.measure import LAG
from alchemesh_platform.measures.report import read_report
from alchemesh_platform.registry.observations.series import PLATFORM, add_reports
from alchemesh_platform.registry.records import AccessRequestRecord, ContractRecord, GrantRecord, RequestStep
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.usage.lines import add_lines, hour_of
from tests.access.airport import AMELIA, FLIGHTS, KATHERINE, ORVILLE, RESTRICTED, STRANGER, WILBUR, record_airport
from tests.billing.ports import PER_USE, used

OTHER, USER = f"user:{WILBUR}", f"user:{ORVILLE}"


class Terminal:
    """Runs commands as one user."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], hour: datetime) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys
        self.hour = hour  # of the usage; its month may end while a test runs

    def run(self, who: str, *arguments: str, code: int = 0) -> str:
        self.monkeypatch.setenv("ALCHEMESH_USER", who)
        period = () if "--period" in arguments else ("--period", f"{self.hour:%Y-%m}")
        left = invoke(["contract", "bill", *arguments, *period])
        out, err = self.capsys.readouterr()
        assert left == code, out + err
        return out if code == 0 else err

    def json(self, who: str, *arguments: str) -> Any:
        return json.loads(self.run(who, *arguments, "--json"))


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """An empty folder; a mesh with a priced port and the usage of two consumers this month."""
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)
    with Registry.open(f"sqlite:///{tmp_path}/home/local/registry.db") as registry:
        record_airport(registry, "local")
        terms = {"terms": {"billing": PER_USE}}
        contract = ContractRecord(
            environment="local",
            address=RESTRICTED,
            product=FLIGHTS,
            version="1.0.0",
            lifecycle="active",
            access="restricted",
            document={"version": "1.0.0", "lifecycle": "active", **terms},
        )
        registry.put(contract)
        keep_version(registry, contract)
        for consumer in (OTHER, USER):
            kind, _, requester = consumer.partition(":")
            asked = RequestStep(state="granted", at=registry.now(), by=requester)
            registry.put(
                AccessRequestRecord(
                    environment="local",
                    address=f"req-{requester}",
                    product=FLIGHTS,
                    port=RESTRICTED,
                    requester_kind="user",
                    requester=requester,
                    purpose="",
                    state="granted",
                    steps=(asked,),
                )
            )
            registry.put(
                GrantRecord(
                    environment="local",
                    address=f"req-{requester}",
                    product=FLIGHTS,
                    port=RESTRICTED,
                    requester_kind=kind,
                    requester=requester,
                )
            )
        hour = hour_of(registry.now())
        shared = {"port": RESTRICTED, "received_at": registry.now()}
        lines = [used(hour, 12_000, OTHER, **shared), used(hour, 500, USER, **shared), used(hour, 9, "", **shared)]
        add_lines(registry, "local", lines)
    return Terminal(monkeypatch, capsys, hour)


def test_the_provider_sees_all_consumers_with_the_total(terminal: Terminal) -> None:
    page = terminal.run(AMELIA, RESTRICTED)
    first, *rest = page.splitlines()
    assert first.startswith(f"{RESTRICTED}  local  20")
    assert "draft until 20" in first
    assert [line.split() for line in rest if line] == [
        ["CONSUMER", "VERSION", "CHARGE", "QUANTITY", "PRICE", "AMOUNT", "NOTE"],
        [USER, "1.0.0", "requests", "500", "0.40", "EUR", "per", "1000", "requests", "0.20", "EUR"],
        [OTHER, "1.0.0", "requests", "12,000", "0.40", "EUR", "per", "1000", "requests", "4.80", "EUR"],
        ["total", "5.00", "EUR"],
        ["not", "billed", "9", "requests:", "no", "known", "consumer"],
        ["its", "usage", "is", "not", "known:", "it", "is", "not", "deployed", "yet"],
    ]
    document = terminal.json(AMELIA, FLIGHTS, "--consumer", USER)
    assert document["provider"] is True
    (bill,) = document["bills"]
    assert (bill["totals"], [line["consumer"] for line in bill["lines"]]) == ({"EUR": "0.20"}, [USER])


def test_a_consumer_sees_the_own_part_only(terminal: Terminal) -> None:
    own = terminal.json(ORVILLE, RESTRICTED)
    assert own["provider"] is False
    (bill,) = own["bills"]
    assert {line["consumer"] for line in bill["lines"]} == {USER}
    assert (bill["totals"], bill["left_out"]) == ({"EUR": "0.20"}, [])
    assert OTHER not in terminal.run(ORVILLE, RESTRICTED, "--format", "csv")
    refused = terminal.run(ORVILLE, RESTRICTED, "--consumer", OTHER, code=ExitCode.FORBIDDEN)
    assert f"{ORVILLE} may not see the bill of {OTHER}" in refused


def test_a_consumer_sees_a_product_that_has_access_by_another_request(terminal: Terminal, tmp_path: Path) -> None:
    """The request of a team gives its products access, and their usage has their own name."""
    product = "data_product:operations/punctuality"
    with Registry.open(f"sqlite:///{tmp_path}/home/local/registry.db") as registry:
        line = used(terminal.hour, 1000, product, port=RESTRICTED, received_at=registry.now())
        add_lines(registry, "local", [line])
    (bill,) = terminal.json(ORVILLE, RESTRICTED)["bills"]
    assert {line["consumer"] for line in bill["lines"]} == {USER, product}


def test_a_broken_service_level_of_the_registry_gives_the_credit(terminal: Terminal, tmp_path: Path) -> None:
    terms = {"terms": {"billing": PER_USE | {"credits": {"freshness": "25%"}}}}
    document = {"version": "2.0.0", "lifecycle": "active", "service_levels": {"freshness": "5m"}, **terms}
    with Registry.open(f"sqlite:///{tmp_path}/home/local/registry.db") as registry:
        before = registry.get(ContractRecord, "local", RESTRICTED)
        assert before is not None
        contract = before.model_copy(update={"version": "2.0.0", "document": document})
        registry.put(contract)
        keep_version(registry, contract)
        now = registry.now()
        report = {"product": FLIGHTS, "subject": f"{RESTRICTED}/flight", "measure": LAG, "measured_at": now}
        add_reports(registry, "local", [read_report({**report, "value": 7200.0})], PLATFORM, now)
        line = used(terminal.hour, 1000, USER, contract_version="2.0.0", port=RESTRICTED, received_at=now)
        add_lines(registry, "local", [line])
    (bill,) = terminal.json(ORVILLE, RESTRICTED)["bills"]
    assert [(line["kind"], line["contract_version"], line["amount"]) for line in bill["lines"]] == [
        ("usage", "1.0.0", "0.20"),
        ("usage", "2.0.0", "0.40"),
        ("credit", "2.0.0", "-0.10"),
    ]
    assert "25%       of 0.40 EUR" in terminal.run(ORVILLE, RESTRICTED)


def test_a_user_without_a_grant_sees_no_bill(terminal: Terminal) -> None:
    refused = terminal.run(STRANGER, RESTRICTED, code=ExitCode.FORBIDDEN)
    assert f"{STRANGER} may not see the bills of {FLIGHTS}" in refused
    assert "12,000" not in refused


def test_formats_are_written_to_a_file(terminal: Terminal, tmp_path: Path) -> None:
    terminal.run(AMELIA, RESTRICTED, "--format", "focus", "--output", "bill.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "bill.csv").read_text("utf-8"))))
    assert [(row["BillingAccountId"], row["BilledCost"], row["x_State"]) for row in rows] == [
        (USER, "0.20", "draft"),
        (OTHER, "4.80", "draft"),
    ]
    printed = terminal.run(AMELIA, RESTRICTED, "--format", "csv")
    assert [row["consumer"] for row in csv.DictReader(io.StringIO(printed))] == [USER, OTHER]
    assert "\\u000d" not in printed  # a carriage return on stdout is shown, not written
    assert "cannot write" in terminal.run(AMELIA, RESTRICTED, "--output", "no/folder.csv", code=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--period", "2026-13"), "found '2026-13', expected a month"),
        (("--period", "2999-01"), "the month 2999-01 has not begun"),
        (("--consumer", "amelia"), "found 'amelia', expected KIND:ADDRESS"),
        (("--format", "csv", "--json"), "--json cannot be used with --format csv"),
    ],
)
def test_bad_options_are_refused(terminal: Terminal, arguments: tuple[str, ...], message: str) -> None:
    assert message in terminal.run(AMELIA, RESTRICTED, *arguments, code=ExitCode.USAGE)


def test_an_unknown_product_or_port_is_refused(terminal: Terminal) -> None:
    assert "did you mean 'restricted'?" in terminal.run(AMELIA, f"{FLIGHTS}/restrictd", code=ExitCode.USAGE)
    assert "no contract of aviation/other is recorded in local" in terminal.run(
        KATHERINE, "aviation/other", code=ExitCode.USAGE
    )
    assert "is neither a port nor an address" in terminal.run(AMELIA, "a/b/c/d", code=ExitCode.USAGE)
