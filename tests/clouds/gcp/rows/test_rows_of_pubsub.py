"""Rows of a model as messages of Pub/Sub."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from typing import Any

import pytest

from alchemesh_platform.connections import NotReadable, NotWritable, RowsRefused, SchemaMoved
from tests.clouds.gcp.rows.own_process import own_process

pytestmark = [pytest.mark.slow]

TOPIC = "projects/acme-mesh/topics/prod--retail--orders--shop--sale"
SALE: dict[str, dict[str, Any]] = {
    "sale_id": {"type": "string", "key": True, "required": True},
    "amount": {"type": "number", "precision": 20, "scale": 2},
}


def test_rows_are_messages_that_follow_the_schema_of_the_topic() -> None:
    with own_process({}) as code:
        code.run(_publish)


def _publish() -> None:
    from tests.clouds.gcp.rows.constructed_pubsub import constructed_pubsub
    from tests.clouds.gcp.rows.typed_code import product

    storage = {"kind": "topic", "broker": "pubsub", "servers": [], "topics": {"sale": TOPIC}}
    known = product(outputs={"shop": {"storage": storage}}, schemas={"shop": {"models": {"sale": SALE}}})
    port = known.output("shop")
    with constructed_pubsub() as topics:
        os.environ["PUBSUB_EMULATOR_HOST"] = topics.address
        rows = [{"sale_id": "a", "amount": "1.10"}, {"sale_id": "b", "amount": None}]
        with pytest.raises(RowsRefused):
            port.write("sale", rows)
        assert topics.messages == [], "no row is sent unless all rows fit"
        rows[0]["amount"] = json.loads("900719925474099300.10", parse_float=Decimal)
        assert port.write("sale", rows, run="monday").rows == 2
        sent = sorted(topics.messages, key=lambda each: str(each[1].attributes["alchemesh-row"]))
        assert [topic for topic, _message in sent] == [TOPIC, TOPIC]
        assert [message.data for _topic, message in sent] == [
            b'{"sale_id":"a","amount":{"double":900719925474099300.10}}',
            b'{"sale_id":"b","amount":null}',
        ]
        assert dict(sent[0][1].attributes) == {
            "alchemesh-run": "monday",
            "alchemesh-write": "alchemesh:retail/orders/shop/sale:monday",
            "alchemesh-row": "1",
            "alchemesh-key": "a",
        }

        topics.refusal = "Invalid data in message: Message failed schema validation."
        with pytest.raises(SchemaMoved) as refused:
            port.write("sale", [{"sale_id": "a", "amount": None}])
        assert str(refused.value).splitlines()[:2] == [
            "output port 'shop': Pub/Sub refused 1 of 1 messages of model 'sale'",
            "  row 1 (sale_id 'a'): Invalid data in message: Message failed schema validation.",
        ]
        with pytest.raises(NotWritable, match="the modes of a topic are 'append'"):
            port.write("sale", [], "merge")
        with pytest.raises(NotReadable, match="a topic has no end"):
            port.read("sale")
