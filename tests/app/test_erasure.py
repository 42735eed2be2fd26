"""The places that an erasure does not reach, and the ports that it refuses. No engine runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from alchemesh_platform.app.product.erasure import UnknownPort, erasable
from alchemesh_platform.app.where import Where, read_platform
from alchemesh_platform.base.files.home import HOME_VARIABLE
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    LineageRecord,
    PortRecord,
    ProductRecord,
    RequestState,
    RequestStep,
)
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.sdk.system.erasure import NotErasable

ADA = Identity("ada@shop.example", "tests")
PORT = "shop/orders/orders-table"


def product(address: str) -> ProductRecord:
    return ProductRecord(
        environment="local",
        address=address,
        team="team",
        owner="o@shop.example",
        version="1.0.0",
        lifecycle="stable",
        needs={"workspace": {}} if address == "shop/orders" else {},
    )


def port(address: str, direction: str, *models: str, **storage: object) -> PortRecord:
    return PortRecord.model_validate(
        {
            "environment": "local",
            "address": address,
            "product": address.rpartition("/")[0],
            "direction": direction,
            "models": models,
            "storage": storage.get("kind", ""),
            "connections": {"storage": storage} if storage else {},
        }
    )


def flow(source: str, target: str) -> LineageRecord:
    return LineageRecord(
        environment="local",
        address=f"{source} -> {target}",
        product=target.rpartition("/")[0],
        source=source,
        source_kind="output_port",
        target=target,
    )


def request(number: int, requester: str, state: RequestState, of: str = PORT) -> AccessRequestRecord:
    return AccessRequestRecord(
        environment="local",
        address=f"req-0000000{number}",
        product="shop/orders",
        port=of,
        requester_kind="user",
        requester=requester,
        purpose="a study",
        state=state,
        steps=(RequestStep(state=state, at=datetime.now(UTC), by=requester),),
    )


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """A registry with a product, two products that read its port one after the other, and requests."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    tables = {name: (tmp_path / name).as_uri() for name in ("order", "line")}
    write_deltalake(tmp_path / "order", pa.table({"order_id": [1, 2, 3]}))
    found = read_platform(Where(tmp_path))
    with Registry.open(found.registry) as registry:
        for record in (
            product("shop/orders"),
            port("shop/orders/sales", "input"),
            port(PORT, "output", "order", kind="tables", format="delta", tables=tables),
            port("shop/orders/two", "output", "line", "order", kind="tables", format="delta", tables=tables),
            port("shop/orders/events", "output", "order", kind="files", url="file:///nowhere", format="parquet"),
            product("mail/letters"),
            port("mail/letters/orders", "input"),
            port("mail/letters/sent", "output"),
            flow(PORT, "mail/letters/orders"),
            product("mail/costs"),
            port("mail/costs/sent", "input"),
            flow("mail/letters/sent", "mail/costs/sent"),
            request(1, "eve@mail.example", "granted"),
            request(2, "nora@mail.example", "revoked"),
            request(3, "zoe@mail.example", "rejected"),
            request(4, "max@mail.example", "granted", of="shop/orders/two"),
            request(5, "mail/letters", "granted"),
        ):
            registry.put(record)
    return found


def test_consumers_and_readers_and_own_data_of_the_product_are_named(platform: Platform) -> None:
    found = erasable(platform, ADA, PORT, "order_id > 1")
    assert (found.rows, found.model, found.product) == (2, "order", "shop/orders")
    assert [(place.kind, place.address) for place in found.unreached] == [
        ("storage", PORT),
        ("consumer", "eve@mail.example"),
        ("consumer", "nora@mail.example"),
        ("consumer", "mail/letters"),
        ("product", "mail/costs"),
        ("output port", "shop/orders/events"),
        ("input port", "shop/orders/sales"),
        ("output port", "shop/orders/two"),
        ("need", "shop/orders/workspace"),
    ]
    sentences = {place.address: place.sentence for place in found.unreached}
    assert sentences["eve@mail.example"] == "has access and may have copies: ask them"
    assert sentences["nora@mail.example"] == "had access and may have copies: ask them"
    assert "the next run may write them again" in sentences["shop/orders/sales"]


def test_model_of_a_port_with_several_is_named(platform: Platform) -> None:
    with pytest.raises(UnknownPort, match="has several models: line, order"):
        erasable(platform, ADA, "shop/orders/two", "order_id = 1")
    with pytest.raises(UnknownPort, match="has no model 'bill'"):
        erasable(platform, ADA, "shop/orders/two", "order_id = 1", model="bill")
    assert erasable(platform, ADA, "shop/orders/two", "order_id = 1", model="order").rows == 1


def test_ports_without_tables_and_unknown_ports_are_refused(platform: Platform) -> None:
    with pytest.raises(NotErasable, match="rows of shop/orders/events cannot be erased: files has no tables"):
        erasable(platform, ADA, "shop/orders/events", "order_id = 1")
    for unknown in ("shop/orders/orders-tabel", "shop/orders/sales"):
        with pytest.raises(UnknownPort, match=f"no output port {unknown} is deployed in local"):
            erasable(platform, ADA, unknown, "order_id = 1")
