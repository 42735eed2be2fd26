"""Promises to consumers are kept: versions, judged previews, notice periods and the roles that may override them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.registry.audit import Act, acts_of, broken_links
from alchemesh_platform.registry.records import ContractVersionRecord, Deployment, GrantRecord, NoticeRecord, UserRecord
from alchemesh_platform.registry.store import Registry
from tests.end_to_end.harness import PORT_ALONE, WITH_API, Shop, write_shop
from tests.end_to_end.held import Hold, start_held
from tests.waiting import until

pytestmark = pytest.mark.engine

PORT = "shop/orders/orders-table"
OWNER = {"ALCHEMESH_USER": "ada@shop.example"}
PLATFORM_OWNER = {"ALCHEMESH_USER": "grace@shop.example"}
ACTIVE_1 = "version: 1.0.0\n      lifecycle: active"
AMOUNT = "      amount: {type: number, description: Euros}\n"
NOTE = "      note: {type: string, description: Free text}\n"


@pytest.fixture
def shop(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A product repo with a table; a test may ask for another manifest."""
    made = write_shop(tmp_path / "orders", tmp_path / "home", getattr(request, "param", PORT_ALONE))
    yield made
    made.take_down()


def grant(shop: Shop, requester: str = "marketing/campaigns") -> None:
    """Give a consumer access, as a granted access request does."""
    with shop.registry() as registry:
        registry.put(
            GrantRecord(
                environment="local",
                address="req-0badcafe",
                product="shop/orders",
                port=PORT,
                requester_kind="data_product",
                requester=requester,
            )
        )


def promise(outcome: Any, port: str = "orders-table") -> Any:
    """The part of an outcome about the promise of a port."""
    return next(section["promise"] for section in outcome["ports"] if section["name"] == port)


def line_of(shop: Shop, text: str) -> int:
    return next(n for n, line in enumerate(shop.manifest.read_text("utf-8").splitlines(), 1) if text in line)


@WITH_API
def test_a_preview_judges_contract_changes_next_to_infrastructure(shop: Shop) -> None:
    shop.done("up", "--yes")
    shop.edit(AMOUNT, AMOUNT.replace("Euros", "In euros") + NOTE)
    shop.edit("protocols: [sql, rest, graphql]", "protocols: [sql, rest]")
    shop.edit(ACTIVE_1, "version: 2.0.0\n      lifecycle: active")
    shown = shop.run("preview")
    assert shown.returncode == 0, shown.stderr
    assert "~ contract 1.0.0 → 2.0.0 active, internal, notice 30 days" in shown.stdout
    assert "- breaking       protocols.graphql  consumers can no longer use this protocol" in shown.stdout
    assert "+ compatible     models.order.properties.note" in shown.stdout
    assert "~ documentation  models.order.properties.amount.description" in shown.stdout
    assert "DeltaTable orders-table-storage-order" in shown.stdout

    reported = promise(shop.json("preview"))
    assert reported["kind"] == "breaking"
    assert [change["kind"] for change in reported["changes"]] == ["documentation", "compatible", "breaking"]
    assert (reported["recorded"]["version"], reported["declared"]["version"], reported["held"]) == (
        "1.0.0",
        "2.0.0",
        None,
    )


@WITH_API
def test_a_preview_shows_a_version_that_is_too_low_and_up_refuses_it(shop: Shop) -> None:
    shop.done("up", "--yes")
    shop.edit("protocols: [sql, rest, graphql]", "protocols: [sql, rest]")
    expected = (
        f"alchemesh.yaml:{line_of(shop, 'lifecycle: active') - 1}:16  output_ports[0].contract.version: "
        "found 1.0.0 with another promise, expected 2.0.0 or higher"
    )
    shown = shop.run("preview")
    assert shown.returncode == 4
    assert expected in shown.stderr
    assert "- breaking" in shown.stdout, "a reviewer sees the change itself too"

    refused = shop.run("up", "--yes")
    assert refused.returncode == 4
    assert expected in refused.stderr
    with shop.registry() as registry:
        assert len(registry.deployments("shop/orders", "local")) == 1, "the engine was not started"


def test_every_version_is_kept_unchanged(shop: Shop) -> None:
    shop.done("up", "--yes")
    shop.edit(AMOUNT, AMOUNT + NOTE)
    shop.edit(ACTIVE_1, "version: 1.1.0\n      lifecycle: active")
    shop.done("up", "--yes")
    shop.done("destroy", "--yes")
    with shop.registry() as registry:
        kept = registry.all(ContractVersionRecord, "local", "shop/orders")
    assert [(version.version, version.lifecycle) for version in kept] == [("1.0.0", "active"), ("1.1.0", "active")]
    assert ["note" in version.models["order"]["properties"] for version in kept] == [False, True]

    shop.edit(NOTE, "")
    refused = shop.run("up", "--yes")
    assert refused.returncode == 4
    assert "found 1.1.0 with another promise" in refused.stderr


def acts_about_contracts(registry: Registry) -> list[Act]:
    """Acts on contracts, the newest first; a deployment is an act too."""
    return [act for act in acts_of(registry) if act.operation.startswith("contract ")]


def drop_amount(shop: Shop) -> None:
    """Remove a property from the model, under a new major version."""
    shop.edit(AMOUNT, "")
    shop.edit(ACTIVE_1, ACTIVE_1.replace("1.0.0", "2.0.0"))


def earlier(shop: Shop, days: int) -> None:
    """Date a notice some days back."""
    with shop.registry() as registry:
        [reported] = registry.all(NoticeRecord, "local", "shop/orders")
        registry.put(reported.model_copy(update={"given_at": reported.given_at - timedelta(days=days)}))


def test_a_strict_preview_fails_a_merge_request_while_a_change_has_to_wait_for_consumers(shop: Shop) -> None:
    shop.done("up", "--yes")
    grant(shop)
    assert shop.run("preview", "--strict").returncode == 0, "there is nothing to wait for"
    drop_amount(shop)

    strict = shop.run("preview", "--strict", "--markdown")
    assert strict.returncode == 4
    first, _, _, _, dangers, *rest = strict.stdout.splitlines()
    assert (
        first == "### ✗ `shop/orders` · `local`: breaking for 1 consumer, 30 days' notice, `up` refuses this, 1 problem"
    )
    assert dangers.endswith(" **Ask** `data_product:marketing/campaigns`.")
    assert any(line.startswith("- **error** `alchemesh.yaml:") and "No notice was given" in line for line in rest)
    assert "- contract `1.0.0` `active` → `2.0.0` `active`: **breaking** for `data_product:marketing/campaigns`" in rest
    document = json.loads(shop.run("preview", "--strict", "--json").stdout)
    assert (document["outcome"], document["waiting"]) == ("refused", [])
    assert [problem["severity"] for problem in document["problems"]] == ["error"]
    assert shop.json("preview")["outcome"] == "succeeded", "without --strict it is a warning"


def test_a_property_is_dropped_only_after_the_notice_period(shop: Shop) -> None:
    shop.done("up", "--yes")
    grant(shop)
    drop_amount(shop)

    shown = shop.run("preview")
    assert shown.returncode == 0, "what has to wait is a warning for a reviewer, since it passes with time"
    assert "warning: shop/orders/orders-table: the breaking change waits for" in shown.stderr
    today = datetime.now(UTC)
    refused = shop.run("up", "--yes")
    assert refused.returncode == 4
    line = line_of(shop, "    properties:")
    assert f"alchemesh.yaml:{line + 1}:7  models.order.properties: shop/orders/orders-table:" in refused.stderr
    assert "data_product:marketing/campaigns, who holds a grant. No notice was given" in refused.stderr
    # The day may end while the command runs.
    days = {f"{day + timedelta(days=30):%Y-%m-%d}" for day in (today, datetime.now(UTC))}
    assert any(f"it is allowed from {day}" in refused.stderr for day in days)
    assert "`alchemesh contract notice orders-table breaking-change` gives notice of 30 days" in refused.stderr

    given = shop.run("contract", "notice", "orders-table", "breaking-change", "--message", "amount goes", more=OWNER)
    assert given.returncode == 0, given.stderr
    assert "notice given to data_product:marketing/campaigns" in given.stdout
    held = shop.run("up", "--yes")
    assert held.returncode == 4
    assert "Notice was given on" in held.stderr
    assert promise(shop.json("preview"))["held"]["consumers"] == ["data_product:marketing/campaigns"]

    earlier(shop, days=30)
    up = shop.json("up", "--yes")
    assert up["outcome"] == "succeeded"
    assert (promise(up)["held"], up["warnings"]) == (None, [])
    assert shop.json("contract", "notices")["notices"] == [], "the notice is spent with its major version"
    with shop.registry() as registry:
        assert [act.reason for act in acts_about_contracts(registry)] == ["amount goes"]


def test_removing_a_port_or_a_product_waits_for_consumers_too(shop: Shop) -> None:
    second = """\
  - name: orders-files
    models: [order]
    storage: {component: object-storage}
"""
    shop.edit("output_ports:\n", f"output_ports:\n{second}")
    shop.done("up", "--yes")
    grant(shop)
    declared = shop.manifest.read_text("utf-8")
    before = len(deployments(shop))

    shop.edit(declared[declared.index("  - name: orders-table") :], "")
    removal = shop.run("up", "--yes")
    assert (removal.returncode, "the removal of the port waits" in removal.stderr) == (4, True), removal.stderr
    assert "output_ports: shop/orders/orders-table" in removal.stderr
    shop.manifest.write_text(declared, "utf-8")

    shop.edit("lifecycle: development", "lifecycle: decommissioned")
    end = shop.run("up", "--yes")
    assert (end.returncode, "the decommissioning of the product waits" in end.stderr) == (4, True), end.stderr
    assert f"alchemesh.yaml:{line_of(shop, 'lifecycle: decommissioned')}:12  lifecycle:" in end.stderr
    shop.manifest.write_text(declared, "utf-8")

    destroy = shop.run("destroy", "--yes")
    assert (destroy.returncode, "the removal of the port waits" in destroy.stderr) == (4, True), destroy.stderr
    assert f"alchemesh.yaml:{line_of(shop, '- name: orders-table')}:" in destroy.stderr
    assert len(deployments(shop)) == before, "nothing was begun"

    shop.done("contract", "notice", "orders-table", "removal", more=OWNER)
    assert shop.run("destroy", "--yes").returncode == 4
    earlier(shop, days=30)
    shop.done("destroy", "--yes")
    assert shop.run("contract", "show", PORT).returncode == 2


def test_a_notice_period_of_seconds_ends_without_a_command(shop: Shop) -> None:
    shop.edit("notice_period: 30d", "notice_period: 3s")
    shop.done("up", "--yes")
    grant(shop)
    shop.done("contract", "notice", "orders-table", "removal", more=OWNER)
    until(lambda: shop.run("destroy", "--yes").returncode == 0, seconds=120, what="the period runs out")


def test_only_a_platform_owner_overrides_a_notice_period(shop: Shop) -> None:
    shop.done("up", "--yes")
    grant(shop)
    with shop.registry() as registry:
        registry.put(
            UserRecord(environment="local", address="grace@shop.example", name="Grace", personas=("platform_owner",))
        )
    drop_amount(shop)
    override = ("--override-notice", "a leak of personal data")
    refused = shop.run("up", "--yes", *override, more=OWNER)
    assert refused.returncode == 4
    assert "ada@shop.example may not override a notice period" in refused.stderr
    assert shop.run("up", "--yes", "--override-notice", " ", more=PLATFORM_OWNER).returncode == 2

    shop.done("up", "--yes", *override, more=PLATFORM_OWNER)
    assert "amount" not in shop.json("contract", "show", "orders-table")["ports"][0]["models"]["order"]["properties"]
    shop.done("destroy", "--yes", "--override-notice", "the company is sold", more=PLATFORM_OWNER)
    with shop.registry() as registry:
        acts = acts_about_contracts(registry)
        assert list(broken_links(registry)) == []
    assert [(act.operation, act.address, act.actor, act.reason, act.detail["what"]) for act in acts] == [
        ("contract override", PORT, "grace@shop.example", "the company is sold", "removal"),
        ("contract override", PORT, "grace@shop.example", "a leak of personal data", "breaking-change"),
    ]
    assert acts[0].detail["consumers"] == ["data_product:marketing/campaigns"]


def test_deploying_a_deprecation_gives_notice_and_withdrawing_it_ends_the_notice(shop: Shop) -> None:
    shop.done("up", "--yes")
    grant(shop)
    shop.edit("lifecycle: active", "lifecycle: deprecated")
    shop.done("up", "--yes", more=OWNER)
    [reported] = shop.json("contract", "notices")["notices"]
    assert (reported["what"], reported["version"], reported["given_by"]) == ("deprecation", "1.0.0", "ada@shop.example")

    shop.edit("lifecycle: deprecated", "lifecycle: retired")
    early = shop.run("up", "--yes")
    assert (early.returncode, "the retirement waits" in early.stderr) == (4, True), early.stderr
    assert f"alchemesh.yaml:{line_of(shop, 'lifecycle: retired')}:" in early.stderr

    shop.edit("lifecycle: retired", "lifecycle: active")
    shop.done("up", "--yes")
    assert shop.json("contract", "notices")["notices"] == []

    shop.edit("lifecycle: active", "lifecycle: deprecated")
    shop.done("up", "--yes")
    earlier(shop, days=30)
    shop.edit("lifecycle: deprecated", "lifecycle: retired")
    shop.done("up", "--yes")


def deployments(shop: Shop) -> list[Deployment]:
    with shop.registry() as registry:
        return registry.deployments("shop/orders", "local")


def test_a_killed_run_after_a_notice_loses_nothing_and_the_next_run_succeeds(shop: Shop, tmp_path: Path) -> None:
    shop.done("up", "--yes")
    grant(shop)
    shop.done("contract", "notice", "orders-table", "breaking-change", more=OWNER)
    earlier(shop, days=30)
    drop_amount(shop)
    run = start_held(shop, Hold("after", "alchemesh:mesh:Contract"), tmp_path / "run", "up", "--yes")
    run.kill("command")
    assert [deployment.outcome for deployment in deployments(shop)] == ["failed", "succeeded"]

    shop.done("up", "--yes")
    [port] = shop.json("contract", "show", "orders-table")["ports"]
    assert [(version["version"], version["current"]) for version in port["versions"]] == [
        ("2.0.0", True),
        ("1.0.0", False),
    ]
    assert port["notices"] == []
