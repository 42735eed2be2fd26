"""A data API that requires credentials, from an approval to a revocation that is deployed alone."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from alchemesh_platform.connections import Connections, Credential

from .consuming import ADA, ORDERS_TABLE
from .harness import MANIFEST, write_shop

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
        shop.run("destroy", "--yes")


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
        shop.run("destroy", "--yes")
