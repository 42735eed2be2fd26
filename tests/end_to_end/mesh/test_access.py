"""Access from request to grant and revocation, with the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.registry.audit import broken_links
from alchemesh_platform.registry.records import AccessRequestRecord, GrantRecord, RequestStep
from alchemesh_platform.registry.store import Registry
from tests.end_to_end.consuming import ADA, BOB, ORDERS_TABLE, REPORTS, write_consumer, write_provider
from tests.end_to_end.harness import Shop
from tests.end_to_end.held import Hold, start_held

pytestmark = pytest.mark.engine


@dataclass
class Mesh:
    """A deployed provider and a consumer to deploy; ``elsewhere`` its owner works in a folder without a repo."""

    provider: Shop
    consumer: Shop
    elsewhere: Shop

    def registry(self) -> Registry:
        return Registry.open(f"sqlite:///{self.provider.home}/local/registry.db")

    def request(self, address: str) -> AccessRequestRecord:
        with self.registry() as registry:
            found = registry.get(AccessRequestRecord, "local", address)
        assert found is not None
        return found

    def granted(self) -> list[str]:
        with self.registry() as registry:
            return [grant.address for grant in registry.all(GrantRecord, "local")]


@pytest.fixture
def mesh(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Mesh]:
    """Both products in one home; a test may give the access type of the port, which is restricted by default."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    elsewhere.mkdir()
    provider = write_provider(tmp_path / "orders", home, getattr(request, "param", "restricted"))
    made = Mesh(provider, write_consumer(tmp_path / "reports", home), Shop(elsewhere, home, dict(provider.environ)))
    made.provider.done("up", "--yes")
    yield made
    made.provider.take_down()


def ask(mesh: Mesh, *more: str) -> str:
    asked = mesh.consumer.json("access", "request", ORDERS_TABLE, "--purpose", "weekly reports", *more)
    return str(asked["request"])


def test_restricted_access_from_request_to_reading(mesh: Mesh) -> None:
    preview = mesh.consumer.run("preview")
    assert preview.returncode == 0, preview.stderr
    command = f"alchemesh access request {ORDERS_TABLE} --as {REPORTS} --purpose"
    assert command in preview.stderr
    assert "alchemesh.yaml:9:5  input_ports[0].from: warning" in preview.stderr
    refused = mesh.consumer.run("up", "--yes")
    assert refused.returncode == ExitCode.FORBIDDEN
    assert command in refused.stderr

    request = ask(mesh)
    assert "was requested" in mesh.consumer.run("preview").stderr
    assert mesh.consumer.run("up", "--yes").returncode == ExitCode.FORBIDDEN
    assert mesh.consumer.run("access", "approve", request).returncode == ExitCode.FORBIDDEN
    assert mesh.provider.run("preview", "--detailed-exitcode").returncode == ExitCode.DONE

    mesh.provider.done("access", "approve", request, "--reason", "fine")
    shown = mesh.provider.run("preview", "--detailed-exitcode")
    assert shown.returncode == ExitCode.CHANGES
    assert "+ grant desk/reports  weekly reports" in shown.stdout
    assert "1 grant to be created" in shown.stdout
    grants = mesh.provider.json("preview")["grants"]
    assert grants == {
        "create": [
            {
                "request": request,
                "port": ORDERS_TABLE,
                "requester_kind": "data_product",
                "requester": "desk/reports",
                "purpose": "weekly reports",
                "ends_at": None,
            }
        ]
    }

    mesh.provider.edit("description: Euros", "description: Euros, and not deployed")
    applied = mesh.elsewhere.json("access", "apply", "shop/orders")
    assert applied["applied"][0]["changes"] == {"create": 1, "same": applied["applied"][0]["changes"]["same"]}
    assert mesh.provider.json("access", "show", request)["state"] == "granted"
    assert "nothing to do" in mesh.elsewhere.run("access", "apply").stderr
    mesh.provider.edit("description: Euros, and not deployed", "description: Euros")
    assert mesh.provider.run("preview", "--detailed-exitcode").returncode == ExitCode.DONE

    mesh.consumer.done("up", "--yes")
    assert mesh.consumer.json("env")["inputs"]["orders"]["storage"]["tables"].keys() == {"order"}


def test_revoking_or_expiring_access_affects_no_other_grant_and_notifies_the_consumer(mesh: Mesh) -> None:
    products = ask(mesh)
    teams = ask(mesh, "--as", "technical_team:desk/report-desk")
    for request in (products, teams):
        mesh.elsewhere.done("access", "approve", request)
    assert len(mesh.elsewhere.json("access", "apply")["applied"][0]["grants"]["create"]) == 2
    mesh.consumer.done("up", "--yes")
    assert "nothing to do" in mesh.elsewhere.run("access", "apply").stderr

    revoked = mesh.elsewhere.json("access", "revoke", products, "--reason", "too much", "--apply")
    assert revoked["state"] == "revoked"
    assert [grant["request"] for grant in revoked["applied"]["grants"]["delete"]] == [products]
    assert mesh.granted() == [teams]
    assert "access    granted" in mesh.consumer.done("status"), "its team's access lets the product read"

    mesh.elsewhere.done("access", "extend", teams, "--until", "1h", "--apply")
    with mesh.registry() as registry:  # as an hour later
        extended = mesh.request(teams)
        assert extended.ends_at is not None
        registry.put(extended.model_copy(update={"ends_at": extended.ends_at - timedelta(hours=1)}))
    mesh.elsewhere.done("access", "apply")
    assert mesh.granted() == []
    assert [mesh.request(request).state for request in (products, teams)] == ["revoked", "expired"]
    status = mesh.consumer.done("status")
    assert f"alchemesh access renew {teams}" in status
    assert mesh.consumer.run("up", "--yes").returncode == ExitCode.FORBIDDEN
    with mesh.registry() as registry:
        assert list(broken_links(registry)) == []
        assert {deployment.actor for deployment in registry.deployments("shop/orders", "local")} == {ADA}


@pytest.mark.parametrize("mesh", ["public"], indirect=True)
def test_up_requests_and_grants_public_access(mesh: Mesh) -> None:
    preview = mesh.consumer.run("preview")
    assert "`up` requests access to shop/orders/orders-table" in preview.stderr
    assert mesh.granted() == []
    up = mesh.consumer.run("up", "--yes")
    assert up.returncode == 0, up.stderr
    [request] = mesh.granted()
    assert [(step.state, step.by) for step in mesh.request(request).steps] == [
        ("requested", BOB),
        ("approved", "contract"),
        ("granted", BOB),
    ]
    assert mesh.request(request).purpose == "What was ordered."
    assert "access" not in mesh.consumer.run("preview").stderr
    assert mesh.provider.json("up", "--yes")["changes"].keys() == {"same"}


def test_destroy_leaves_the_approval_and_the_next_up_grants_again(mesh: Mesh) -> None:
    request = ask(mesh)
    mesh.elsewhere.done("access", "approve", request, "--apply")
    mesh.provider.edit("      access: restricted\n", "      access: restricted\n      terms: {notice_period: 0d}\n")
    mesh.provider.done("destroy", "--yes")
    assert (mesh.granted(), mesh.request(request).state) == ([], "approved")
    mesh.provider.done("up", "--yes")
    assert (mesh.granted(), mesh.request(request).state) == ([request], "granted")


@pytest.mark.slow
def test_killed_between_approval_and_grant_the_next_apply_completes_it(mesh: Mesh, tmp_path: Path) -> None:
    request = ask(mesh)
    hold = Hold("before", "alchemesh:mesh:Grant")
    run = start_held(mesh.elsewhere, hold, tmp_path / "run", "access", "approve", request, "--apply")
    run.kill("command")
    assert (mesh.granted(), mesh.request(request).state) == ([], "approved")

    mesh.elsewhere.done("access", "apply", "shop/orders")
    assert mesh.granted() == [request]
    assert [step.state for step in mesh.request(request).steps] == ["requested", "approved", "granted"]
    repeated = mesh.provider.json("up", "--yes")
    assert repeated["changes"].keys() == {"same"}


@pytest.mark.slow
def test_hundreds_of_grants_are_applied_together_and_one_is_revoked_alone(mesh: Mesh) -> None:
    now = datetime.now(UTC)
    steps = tuple(RequestStep(state=state, at=now, by=ADA) for state in ("requested", "approved"))
    requests = [
        AccessRequestRecord(
            environment="local",
            address=f"req-{number:08x}",
            product="shop/orders",
            port=ORDERS_TABLE,
            requester_kind="user",
            requester=f"reader-{number}@desk.example",
            purpose="reading",
            state="approved",
            steps=steps,
        )
        for number in range(300)
    ]
    with mesh.registry() as registry:
        registry.write(requests)
    preview = mesh.provider.run("preview")
    assert "and 288 more grants, see --json" in preview.stdout
    applied = mesh.elsewhere.json("access", "apply", "shop/orders")["applied"][0]
    assert len(applied["grants"]["create"]) == 300
    assert len(mesh.granted()) == 300

    gone = mesh.elsewhere.json("access", "revoke", requests[7].address, "--apply")["applied"]
    assert gone["changes"]["delete"] == 1
    assert gone["changes"].keys() == {"delete", "same"}
    assert len(mesh.granted()) == 299
    assert mesh.request(requests[8].address).state == "granted"
