"""The checks of promises on a run: held changes, their places, and notifications to consumers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from alchemesh_platform.access.rights import NotAllowed
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.compose.compose import read_and_compose
from alchemesh_platform.contracts.notices.give import give_notice
from alchemesh_platform.contracts.notices.period import NoticeOf
from alchemesh_platform.contracts.versions import keep_version
from alchemesh_platform.deployment.checks.promises import Override, consumers_of, record_override
from alchemesh_platform.deployment.checks.verdict import ForbiddenByContract, Verdict, before_engine
from alchemesh_platform.deployment.grants.remaining import access_notes
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.manifest.load import LoadedManifest, load_manifest
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.audit import acts_of
from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    ContractRecord,
    PortRecord,
    RequestState,
    RequestStep,
)
from alchemesh_platform.registry.store import Registry
from tests.contracts.product import MANIFEST, record
from tests.registry.promises.promised import OWNER, PLATFORM_OWNER, PORT, PRODUCT, contract, deployed, grant

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
AMELIA, KATHERINE = Identity(OWNER, "local"), Identity(PLATFORM_OWNER, "local")
BREAKING = MANIFEST.replace("protocols: [sql, rest]", "protocols: [sql]")
NEXT_MAJOR = BREAKING.replace("version: 2.0.0", "version: 3.0.0")
WITHOUT_PORT = MANIFEST[: MANIFEST.index("  - name: flights-table")] + MANIFEST[MANIFEST.index("  - name: raw-files") :]
CONSUMER = """\
kind: DataProduct
name: campaigns
domain: marketing
team: web
owner: bessie@airport.example
version: 1.0.0
input_ports:
  - name: flights
    from: {data_product: aviation/flights, output_port: flights-table}
"""


def request(environment: str, state: RequestState, number: int = 0) -> AccessRequestRecord:
    return AccessRequestRecord(
        environment=environment,
        address=f"req-{number:08x}",
        product=PRODUCT,
        port=PORT,
        requester_kind="data_product",
        requester="marketing/campaigns",
        purpose="campaigns",
        state=state,
        steps=(RequestStep(state=state, at=NOW, by="bessie@airport.example"),),
    )


class Product:
    """A deployed product, and the checks of its next run."""

    def __init__(self, registry: Registry, environment: str, folder: Path) -> None:
        self.registry, self.environment = registry, environment
        self.file = folder / "alchemesh.yaml"
        self.platform = load_platform(None, "local", folder / "home")

    def declare(self, text: str) -> LoadedManifest:
        self.file.write_text(text, "utf-8")
        return load_manifest(self.file)

    def deploy(self, text: str = MANIFEST) -> None:
        record(self.registry, self.declare(text).product, self.environment)
        deployed_contract = self.registry.get(ContractRecord, self.environment, PORT)
        if deployed_contract is not None:
            keep_version(self.registry, deployed_contract)

    def asked(self, text: str, operation: Any = "up", now: datetime = NOW, **more: Any) -> Verdict:
        self.declare(text)
        manifest, plan = read_and_compose(self.file, self.platform, "local", discover())
        plan = replace(plan, environment=self.environment)
        verdict = before_engine(self.registry, manifest, plan, operation, now, **more)
        promised = [problem for problem in verdict.warnings if not problem.message.startswith("policy ")]
        return replace(verdict, warnings=tuple(promised))

    def line(self, text: str) -> int:
        return next(n for n, line in enumerate(self.file.read_text("utf-8").splitlines(), 1) if text in line)


@pytest.fixture
def product(registry: Registry, environment: str, tmp_path: Path) -> Product:
    return Product(registry, environment, tmp_path)


def test_without_consumers_a_breaking_change_needs_only_its_version(product: Product) -> None:
    product.deploy()
    with pytest.raises(ForbiddenByContract, match=r"found 2\.0\.0 with another promise"):
        product.asked(BREAKING)
    verdict = product.asked(NEXT_MAJOR)
    assert (verdict.problems, verdict.warnings) == ((), ())
    assert [(step.port, step.diff.kind, step.held) for step in verdict.steps] == [("flights-table", "breaking", None)]


def test_a_held_change_is_reported_at_its_line_with_consumers_date_and_command(product: Product) -> None:
    product.deploy()
    product.registry.put(grant(product.environment, 7))
    with pytest.raises(ForbiddenByContract) as refused:
        product.asked(NEXT_MAJOR)
    assert refused.value.exit_code is ExitCode.FORBIDDEN
    [problem] = refused.value.problems
    assert problem.location.line == product.line("protocols: [sql]")
    assert problem.path == "output_ports[0].proxy.protocols"
    assert "data_product:marketing/campaigns-7, who holds a grant" in problem.message
    assert "it is allowed from 2026-04-01 12:00 UTC" in problem.message
    assert "`alchemesh contract notice flights-table breaking-change`" in (problem.hint or "")


def test_a_preview_shows_refused_and_waiting_changes(product: Product) -> None:
    product.deploy()
    product.registry.put(grant(product.environment))
    verdict = product.asked(BREAKING, "preview")
    assert [problem.path for problem in verdict.problems] == ["output_ports[0].contract.version"]
    assert [(problem.severity, problem.path) for problem in verdict.warnings] == [
        ("warning", "output_ports[0].proxy.protocols")
    ]


@pytest.mark.parametrize(
    ("text", "operation", "what", "place"),
    [
        (NEXT_MAJOR, "up", "breaking-change", "output_ports[0].proxy.protocols"),
        (WITHOUT_PORT, "up", "removal", "output_ports"),
        (MANIFEST, "destroy", "removal", "output_ports[0]"),
        (f"lifecycle: decommissioned\n{MANIFEST}", "up", "removal", "lifecycle"),
    ],
    ids=["breaking", "port-removed", "destroy", "decommissioned"],
)
def test_each_breaking_change_waits_for_its_notice(
    product: Product, text: str, operation: str, what: NoticeOf, place: str
) -> None:
    product.deploy()
    product.registry.put(grant(product.environment))
    with pytest.raises(ForbiddenByContract) as refused:
        product.asked(text, operation)
    assert [problem.path for problem in refused.value.problems] == [place]
    give_notice(product.registry, product.environment, PORT, what, AMELIA, NOW)
    with pytest.raises(ForbiddenByContract, match="Notice was given on 2026-01-01 12:00 UTC"):
        product.asked(text, operation, NOW + timedelta(days=90, microseconds=-1))
    passed = product.asked(text, operation, NOW + timedelta(days=90))
    assert passed.problems == ()


def test_a_deprecated_contract_is_retired_once_the_period_is_over(product: Product) -> None:
    deprecated = MANIFEST.replace("lifecycle: active", "lifecycle: deprecated")
    product.deploy(deprecated)
    product.registry.put(grant(product.environment))
    retired = MANIFEST.replace("lifecycle: active", "lifecycle: retired")
    with pytest.raises(ForbiddenByContract) as refused:
        product.asked(retired)
    assert refused.value.problems[0].location.line == product.line("lifecycle: retired")
    give_notice(product.registry, product.environment, PORT, "deprecation", AMELIA, NOW)
    assert product.asked(retired, now=NOW + timedelta(days=90)).problems == ()


def test_a_decommissioned_product_is_not_held_again(product: Product) -> None:
    text = f"lifecycle: decommissioned\n{MANIFEST}"
    product.deploy(text)
    product.registry.put(grant(product.environment))
    assert product.asked(text).problems == ()


def test_expired_grants_hold_no_change(product: Product) -> None:
    product.deploy()
    product.registry.put(grant(product.environment, ends_at=NOW))
    assert product.asked(WITHOUT_PORT).problems == ()
    product.registry.put(grant(product.environment, ends_at=NOW + timedelta(seconds=1)))
    with pytest.raises(ForbiddenByContract):
        product.asked(WITHOUT_PORT)


def test_a_revoked_grant_holds_no_change_before_it_is_removed(product: Product) -> None:
    product.deploy()
    product.registry.write([grant(product.environment), request(product.environment, "granted")])
    with pytest.raises(ForbiddenByContract):
        product.asked(WITHOUT_PORT)
    product.registry.put(request(product.environment, "revoked"))
    assert product.asked(WITHOUT_PORT).problems == ()


def test_hundreds_of_consumers_are_counted_and_named_in_json(product: Product) -> None:
    product.deploy()
    product.registry.write([grant(product.environment, number) for number in range(300)])
    [step] = product.asked(NEXT_MAJOR, "preview").steps
    assert step.held is not None
    assert "and 295 more, who hold grants" in step.held.message
    assert len(step.as_json()["held"]["consumers"]) == 300


def test_a_consumer_with_several_grants_is_named_once(product: Product) -> None:
    desk = {"requester_kind": "technical_team", "requester": "operations/desk"}
    product.registry.write([grant(product.environment, number, **desk) for number in range(2)])
    found = consumers_of(product.registry, product.environment, PRODUCT, NOW)
    assert list(found[PORT]) == ["technical_team:operations/desk"]


def test_a_destroyed_consumer_blocks_nothing_until_it_is_deployed_again(product: Product) -> None:
    """A consumer that was destroyed with its grant delayed every breaking change of its provider for ever."""
    registry, environment = product.registry, product.environment
    product.deploy()
    registry.put(grant(environment))

    def ran(operation: Literal["up", "destroy"], outcome: Literal["succeeded", "failed"]) -> None:
        entry = registry.start_deployment(environment, "marketing/campaigns-0", operation, "bo@airport.example")
        registry.finish_deployment(entry.id, outcome)

    for operation, outcome in (("up", "succeeded"), ("destroy", "failed")):
        ran(operation, outcome)  # type: ignore[arg-type]
        with pytest.raises(ForbiddenByContract):
            product.asked(NEXT_MAJOR)
    ran("destroy", "succeeded")
    assert product.asked(NEXT_MAJOR).problems == ()
    ran("up", "succeeded")
    with pytest.raises(ForbiddenByContract):
        product.asked(NEXT_MAJOR)


def test_destroy_names_the_access_that_a_product_keeps(product: Product) -> None:
    registry, environment = product.registry, product.environment
    registry.put(request(environment, "granted"))
    [note] = access_notes(registry, environment, "marketing/campaigns")
    assert note == (
        f"marketing/campaigns keeps its access to {PORT} for its next deployment, and no longer delays changes there; "
        f"`alchemesh access revoke {request(environment, 'granted').address}` revokes it"
    )
    registry.put(request(environment, "revoked"))
    assert access_notes(registry, environment, "marketing/campaigns") == ()


def test_a_run_limited_to_other_ports_does_not_check_this_one(product: Product) -> None:
    product.deploy()
    product.registry.put(grant(product.environment))
    assert product.asked(NEXT_MAJOR, targets=["raw-files"]).steps == ()
    with pytest.raises(ForbiddenByContract):
        product.asked(NEXT_MAJOR, targets=["flights-table"])


def test_a_re_added_port_keeps_its_earlier_promises(product: Product) -> None:
    product.deploy()
    for kind, address in ((ContractRecord, PORT), (PortRecord, PORT)):
        product.registry.remove(kind, product.environment, address)
    assert product.asked(MANIFEST).problems == (), "as it was"
    with pytest.raises(ForbiddenByContract, match=r"found 2\.0\.0 with another promise"):
        product.asked(BREAKING)
    with pytest.raises(ForbiddenByContract, match=r"expected 2\.0\.0 or higher|expected 3\.0\.0 or higher"):
        product.asked(MANIFEST.replace("version: 2.0.0", "version: 1.9.0"))
    assert product.asked(NEXT_MAJOR).problems == ()
    draft = NEXT_MAJOR.replace("lifecycle: active", "lifecycle: draft")
    assert product.asked(draft).problems == (), "a new promise may begin as a draft"


def test_a_platform_owner_overrides_and_it_is_recorded(product: Product) -> None:
    deployed(product.registry, product.environment, contract(product.environment))
    product.deploy()
    product.registry.put(grant(product.environment))
    with pytest.raises(NotAllowed, match="may not override a notice period"):
        product.asked(NEXT_MAJOR, override=Override("a leak", AMELIA))
    override = Override("a leak", KATHERINE)
    verdict = product.asked(NEXT_MAJOR, override=override)
    assert [problem.severity for problem in verdict.warnings] == ["warning"]
    manifest, plan = read_and_compose(product.file, product.platform, "local", discover())
    assert manifest.product.address == PRODUCT
    record_override(product.registry, plan, verdict.steps, override, NOW)
    act = acts_of(product.registry, "local", PRODUCT, limit=1)[0]
    assert (act.operation, act.actor, act.reason, act.at) == ("contract override", PLATFORM_OWNER, "a leak", NOW)
    assert act.detail["consumers"] == ["data_product:marketing/campaigns-0"]


def test_an_override_does_not_replace_a_version(product: Product) -> None:
    deployed(product.registry, product.environment, contract(product.environment))
    product.deploy()
    with pytest.raises(ForbiddenByContract, match=r"found 2\.0\.0 with another promise"):
        product.asked(BREAKING, override=Override("a leak", KATHERINE))


def test_consumers_are_notified_at_their_input_port(product: Product) -> None:
    deployed(product.registry, product.environment, contract(product.environment))
    product.registry.put(request(product.environment, "granted"))
    assert product.asked(CONSUMER, "preview").warnings == ()
    give_notice(product.registry, product.environment, PORT, "removal", AMELIA, NOW, message="use flights-stream")
    for operation in ("preview", "up"):
        [warning] = product.asked(CONSUMER, operation).warnings
        assert warning.path.startswith("input_ports[0]")
        assert warning.location.line in {product.line("- name: flights"), product.line("data_product: aviation")}
        assert warning.message == (
            f"{PORT}: the removal of the port of version 2.0.0 may happen from 2026-04-01 12:00 UTC: use flights-stream"
        )
    assert product.asked(CONSUMER, "destroy").warnings == ()


def test_a_refresh_checks_no_promise(product: Product) -> None:
    product.deploy()
    product.registry.put(grant(product.environment))
    assert product.asked(WITHOUT_PORT, "refresh").steps == ()
