"""`alchemesh contract maintenance`: announce, list and cancel, in words and as JSON, and the state in `status`."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.connections import OutputPort
from alchemesh_platform.registry.records import ContractRecord, MaintenanceRecord
from alchemesh_platform.registry.store import Registry
from tests.observed.observe.test_observe_command import ORDERS, SHOP, home, registry, shop

__all__ = ["home", "registry", "shop"]


@pytest.fixture(autouse=True)
def contract(registry: Registry, shop: OutputPort) -> None:
    document = {"version": "1.0.0", "service_levels": {"uptime": "99%", "maintenance": "3h"}}
    registry.put(
        ContractRecord(
            environment="local",
            address=SHOP,
            product=ORDERS,
            version="1.0.0",
            lifecycle="active",
            access="public",
            document=document,
        )
    )


def test_maintenance_is_announced_listed_and_cancelled(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str, code: int = 0) -> str:
        assert invoke(["contract", "maintenance", *arguments]) == code
        printed = capsys.readouterr()
        return printed.out if code == 0 else printed.err

    assert run("list") == "no maintenance is announced in local\n"
    start = registry.now().replace(second=0, microsecond=0) + timedelta(days=2)
    when = f"{start:%Y-%m-%dT%H:%MZ}"
    line = run("announce", "shop", "--from", when, "--for", "90m", "--message", "new\ndisks")
    assert line.startswith(f"{SHOP}  {start:%Y-%m-%d %H:%M} – ")
    assert line.endswith("  new disks\n")
    assert " UTC  announced, by " in line
    assert run("list", "shop") == line

    again = json.loads(
        run("announce", SHOP, "--from", when, "--until", (start + timedelta(minutes=90)).isoformat(), "--json")
    )
    assert (again["state"], again["starts_at"]) == ("announced", start.isoformat().replace("+00:00", "Z"))
    refused = run("announce", "shop", "--from", f"{start + timedelta(hours=3):%Y-%m-%dT%H:%MZ}", "--for", "2h", code=4)
    assert "would be in maintenance for 210m within 30d, and its contract allows 3h" in refused

    assert "cancelled by " in run("cancel", "shop", when)
    assert run("list") == "no maintenance is announced in local\n"
    (shown,) = json.loads(run("list", "--all", "--json"))["maintenance"]
    assert (shown["state"], shown["message"], shown["port"]) == ("cancelled", "new\ndisks", SHOP)


def test_running_maintenance_is_the_state_of_the_product(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    now = registry.now()
    registry.put(
        MaintenanceRecord(
            environment="local",
            address=f"{SHOP}#maintenance@1",
            product=ORDERS,
            port=SHOP,
            starts_at=now - timedelta(minutes=1),
            ends_at=now + timedelta(hours=1),
            announced_at=now - timedelta(hours=1),
            announced_by="amelia@airport.example",
            message="new disks",
        )
    )
    assert invoke(["status", "--json"]) == 0
    state = json.loads(capsys.readouterr().out)["state"]
    assert (state["state"], state["reported_by"]) == ("maintenance", "amelia@airport.example")
    assert state["note"].endswith("UTC: new disks")


def test_wrong_usage_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    announce = ["contract", "maintenance", "announce", "shop", "--from", "2030-01-01T00:00Z"]
    assert invoke(announce) == ExitCode.USAGE
    assert "give the end of the maintenance: either --for or --until" in capsys.readouterr().err
    assert invoke([*announce, "--for", "1h"]) == ExitCode.FORBIDDEN
    assert "2030-01-01T01:00Z is more than 366 days ahead" in capsys.readouterr().err
    assert invoke(["contract", "maintenance", "cancel", "shopp", "2030-01-01T00:00Z"]) == ExitCode.USAGE
    assert "did you mean 'shop'?" in capsys.readouterr().err
