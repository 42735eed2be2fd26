"""Access from asking to being let in and out again, with the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from alchemesh_platform.failure import ExitCode

from .consuming import ORDERS_TABLE, REPORTS, write_consumer, write_provider
from .harness import Shop

pytestmark = pytest.mark.engine


@dataclass
class Mesh:
    """A provider that stands, and a consumer that wants to."""

    provider: Shop
    consumer: Shop
    elsewhere: Path


@pytest.fixture
def mesh(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Mesh]:
    marked = request.node.get_closest_marker("access")
    access = marked.args[0] if marked is not None else "restricted"
    home = tmp_path / "home"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    made = Mesh(
        write_provider(tmp_path / "orders", home, access), write_consumer(tmp_path / "reports", home), elsewhere
    )
    made.provider.done("up", "--yes")
    yield made
    made.consumer.run("destroy", "--yes")
    made.provider.run("destroy", "--yes")


def ask(mesh: Mesh, *more: str) -> str:
    asked = mesh.consumer.json("access", "request", ORDERS_TABLE, "--purpose", "weekly reports", *more)
    return str(asked["request"])


def test_restricted_access_from_asking_to_reading(mesh: Mesh) -> None:
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
    assert "1 grant to be made" in shown.stdout
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
    away = Shop(mesh.elsewhere, mesh.provider.home, mesh.provider.environ)
    applied = away.json("access", "apply", "shop/orders")
    assert applied["applied"][0]["changes"] == {"create": 1, "same": applied["applied"][0]["changes"]["same"]}
    assert mesh.provider.json("access", "show", request)["state"] == "granted"
    assert away.run("access", "apply").returncode == 0
    mesh.provider.edit("description: Euros, and not deployed", "description: Euros")
    assert mesh.provider.run("preview", "--detailed-exitcode").returncode == ExitCode.DONE

    mesh.consumer.done("up", "--yes")
    assert mesh.consumer.json("env")["inputs"]["orders"]["storage"]["tables"].keys() == {"order"}
