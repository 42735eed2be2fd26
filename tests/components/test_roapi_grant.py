"""Resources that the local data API declares for a consumer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pulumi

from alchemesh_components.local.settings import LocalSettings, Settings
from alchemesh_components.output_ports.postgresql_serving.component import PostgresqlServing
from alchemesh_components.output_ports.postgresql_serving.models import Args
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.wiring import Wiring
from tests.components.recorder import Recorder


def test_each_consumer_is_one_resource_named_after_its_request() -> None:
    recorder = Recorder({"alchemesh:local:DataApi": {"endpoints": {}, "credentialFile": "/o.json"}})
    pulumi.runtime.set_mocks(recorder, project="aviation.flights", stack="local")
    ends_at = datetime(2099, 1, 1, tzinfo=UTC)

    @pulumi.runtime.test
    def declare() -> pulumi.Output[Any]:
        wiring = Wiring(
            domain="aviation",
            product="flights",
            port="flights-table",
            protocols=("rest",),
            storage={"kind": "tables", "format": "delta", "tables": {"flight": "file:///data/flight"}},
        )
        settings = Settings(local=LocalSettings(root="/data", run="/run"))
        component = PostgresqlServing("flights-table-proxy", Args(), settings, wiring)
        granted = [
            *component.grant(Consumer("req-1", "data_product", "ops/punctuality", product="ops/punctuality")),
            *component.grant(
                Consumer("req-2", "user", "ada@shop.example", users=("ada@shop.example",), ends_at=ends_at)
            ),
        ]
        return pulumi.Output.all(*(resource.urn for resource in granted))  # type: ignore[attr-defined]

    declare()
    grants = {one["name"]: one["inputs"] for one in recorder.declared if one["type"] == "alchemesh:local:DataApiGrant"}
    place = {"process": "flights-table", "runDirectory": "/run/aviation/flights"}
    assert grants == {
        "flights-table-proxy-req-1": {**place, "request": "req-1", "consumer": "ops/punctuality"},
        "flights-table-proxy-req-2": {
            **place,
            "request": "req-2",
            "consumer": "ada@shop.example",
            "endsAt": "2099-01-01T00:00:00+00:00",
        },
    }
