"""A data API that requires credentials, from an approval to a revocation that is deployed alone."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import psycopg
import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.connections import Connections, Credential
from tests.end_to_end.consuming import ADA, ORDERS_TABLE
from tests.end_to_end.harness import MANIFEST, Shop, write_shop

pytestmark = pytest.mark.engine


def status_of(url: str, credential: Credential | None) -> int:
    request = urllib.request.Request(url, headers=credential.headers() if credential else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_user_gets_access_and_a_credential_and_is_revoked_alone(tmp_path: Path) -> None:
    """The port's records once depended on the grants, and a run limited to one grant could not remove it."""
    shop = write_shop(
        tmp_path / "orders", tmp_path / "home", MANIFEST.replace("access: internal", "access: restricted")
    )
    shop.environ["ALCHEMESH_USER"] = ADA
    try:
        shop.done("up", "--yes")
        request = str(
            shop.json("access", "request", ORDERS_TABLE, "--as", f"user:{ADA}", "--purpose", "a look")["request"]
        )
        shop.done("access", "approve", request, "--apply")
        rest = Connections.model_validate(shop.json("env")).output("orders-table").data_api.rest
        issued = shop.json("access", "credential", request)
        credential = Credential(issued["user"], issued["password"])
        orders = f"{rest}/tables/order"
        assert (status_of(orders, None), status_of(orders, credential)) == (401, 200)
        applied = shop.json("access", "revoke", request, "--apply")["applied"]
        assert applied["changes"]["delete"] == 2
        assert status_of(orders, credential) == 401
        assert shop.json("up", "--yes")["changes"].keys() == {"same"}
    finally:
        shop.take_down()


MESH = """\
kind: Domain
name: shop
type: source_aligned
owner: {ada}
teams: [{{name: order-data, members: [{ada}]}}]
source_systems: [{{name: till}}]
---
kind: Domain
name: mail
type: consumer_aligned
owner: {ada}
teams:
  - {{name: campaigns, members: [{campaigns}]}}
  - {{name: letters, members: [{letters}]}}
---
kind: Users
users:
  - {{email: {ada}, name: Ada, personas: [data_product_owner, platform_owner]}}
{users}"""
CARL, CARA = "carl@shop.example", "cara@shop.example"


def apply_mesh(shop: Shop, folder: Path, campaigns: str, letters: str, users: tuple[str, ...]) -> str:
    """Record a mesh with these members and users; returns the output."""
    folder.mkdir(exist_ok=True)
    people = "".join(f"  - {{email: {email}, name: A member, personas: [data_product_consumer]}}\n" for email in users)
    text = MESH.format(ada=ADA, campaigns=campaigns, letters=letters, users=people)
    for number, document in enumerate(text.split("---\n")):
        (folder / f"{number}.yaml").write_text(document, "utf-8")
    done = shop.run("mesh", "apply", str(folder), "--yes")
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_access_of_a_member_ends_when_they_leave_move_or_are_offboarded(tmp_path: Path) -> None:
    """A person who left the team and the mesh once kept access: the credential of the team stayed (found fault 06)."""
    shop = write_shop(
        tmp_path / "orders", tmp_path / "home", MANIFEST.replace("access: internal", "access: restricted")
    )
    shop.environ["ALCHEMESH_USER"] = ADA
    mesh = tmp_path / "mesh"

    def credential(request: str, who: str) -> Credential:
        done = shop.done("access", "credential", request, "--json", more={"ALCHEMESH_USER": who})
        issued = json.loads(done)
        return Credential(issued["user"], issued["password"])

    try:
        apply_mesh(shop, mesh, f"{CARL}, {CARA}", "", (CARL, CARA))
        shop.done("up", "--yes")
        api = Connections.model_validate(shop.json("env")).output("orders-table").data_api
        orders = f"{api.rest}/tables/order"
        team, own = (
            json.loads(
                shop.done(
                    *("access", "request", ORDERS_TABLE, "--as", requester, "--purpose", "mailings", "--json"),
                    more={"ALCHEMESH_USER": CARA},
                )
            )["request"]
            for requester in ("technical_team:mail/campaigns", f"user:{CARA}")
        )
        for request in (team, own):
            shop.done("access", "approve", request)
        shop.done("access", "apply", "shop/orders")
        carls, caras, caras_own = credential(team, CARL), credential(team, CARA), credential(own, CARA)
        assert [status_of(orders, each) for each in (carls, caras, caras_own)] == [200, 200, 200]

        address = urllib.parse.urlsplit(api.sql)
        signed_in = {"host": address.hostname, "port": address.port, "user": carls.user, "dbname": carls.user}
        connection = psycopg.connect(**signed_in, password=carls.password, autocommit=True)
        assert connection.execute('SELECT count(*) FROM "order"').fetchone() == (0,)

        # Carl moves to another team: the credential of the first team ends, at once and without a deployment.
        said = apply_mesh(shop, mesh, CARA, CARL, (CARL, CARA))
        assert f"the credential of {CARL} for {ORDERS_TABLE} ({team}) was ended: the holder left" in said
        assert [status_of(orders, each) for each in (carls, caras, caras_own)] == [401, 200, 200]
        with pytest.raises(psycopg.OperationalError):
            connection.execute('SELECT count(*) FROM "order"')
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(**signed_in, password=carls.password)
        refused = shop.run("access", "credential", team, more={"ALCHEMESH_USER": CARL})
        assert refused.returncode == ExitCode.FORBIDDEN

        # Carl joins again: a new credential, and the old one stays refused.
        apply_mesh(shop, mesh, f"{CARL}, {CARA}", "", (CARL, CARA))
        assert status_of(orders, carls) == 401
        assert status_of(orders, credential(team, CARL)) == 200

        # Cara leaves the company: her own request is revoked, and both of her credentials end.
        said = apply_mesh(shop, mesh, CARL, "", (CARL,))
        assert said.count(f"the credential of {CARA}") == 2
        assert [status_of(orders, each) for each in (caras, caras_own)] == [401, 401]
        assert shop.json("access", "show", own)["state"] == "revoked"
        assert shop.json("access", "list")["requests"][0]["holders"] == []
        (holder,) = shop.json("access", "show", team)["holders"]
        assert holder["holder"] == CARL
        applied = shop.json("access", "apply", "shop/orders")["applied"]
        assert applied[0]["changes"]["delete"] == 2, "the grant of her own request"
        assert shop.json("up", "--yes")["changes"].keys() == {"same"}
    finally:
        shop.take_down()


def test_a_port_may_be_named_like_a_request(tmp_path: Path) -> None:
    """Grants are recognised by type: each resource of such a port once counted as an undeclared grant."""
    manifest = MANIFEST.replace("access: internal", "access: restricted").replace("orders-table", "req-deadbeef")
    shop = write_shop(tmp_path / "orders", tmp_path / "home", manifest)
    shop.environ["ALCHEMESH_USER"] = ADA
    port = ORDERS_TABLE.replace("orders-table", "req-deadbeef")
    try:
        shop.done("up", "--yes")
        request = str(shop.json("access", "request", port, "--as", f"user:{ADA}", "--purpose", "a look")["request"])
        granted = shop.json("access", "approve", request, "--apply")["applied"]
        assert granted["changes"]["create"] == 2
        rest = Connections.model_validate(shop.json("env")).output("req-deadbeef").data_api.rest
        issued = shop.json("access", "credential", request)
        credential = Credential(issued["user"], issued["password"])
        assert status_of(f"{rest}/tables/order", credential) == 200
        assert shop.json("up", "--yes")["changes"].keys() == {"same"}
        applied = shop.json("access", "revoke", request, "--apply")["applied"]
        assert applied["changes"]["delete"] == 2
        assert status_of(f"{rest}/tables/order", credential) == 401
        assert shop.json("up", "--yes")["changes"].keys() == {"same"}
    finally:
        shop.take_down()
