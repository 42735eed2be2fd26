"""Quality and business tests of topics: messages against the published schema, within a budget that is shown."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from confluent_kafka import Producer

from alchemesh_platform.connections import NotReadable
from alchemesh_platform.manifest.models import Property, QualityRule
from alchemesh_platform.quality.measuring import measured
from alchemesh_platform.quality.rules import verify
from alchemesh_platform.quality.tables import Deadline, Limits, MeasuredPort
from alchemesh_platform.systems.kafka.quality import topics
from alchemesh_platform.systems.kafka.quality.topics import measure
from tests.systems.kafka.test_rows import ATLAS, EMPTY, SALE, Shop, shop

__all__ = ["shop"]

MODEL = {name: Property.model_validate(each) for name, each in SALE.items()}


def port_of(shop: Shop, limits: Limits | None = None, notes: list[str] | None = None) -> MeasuredPort:
    return MeasuredPort(
        product="retail/orders",
        name="shop",
        connection=shop.port.storage,
        models={"sale": MODEL},
        read=lambda _model: pytest.fail("a topic is not read as a whole"),
        limits=limits or Limits(),
        note=(notes if notes is not None else []).append,
    )


def send(shop: Shop, *values: bytes | None) -> None:
    """Messages of another program."""
    producer = Producer(shop.kafka.client())
    for at, value in enumerate(values):
        producer.produce(shop.topic, value, str(at).encode())
    assert producer.flush(30) == 0


def message(**fields: Any) -> bytes:
    return json.dumps({"sale_id": "x", "day": "2024-03-01", **fields}).encode()


def test_every_message_is_counted_and_one_of_another_type_is_invalid(shop: Shop) -> None:
    shop.port.write("sale", [ATLAS, EMPTY])
    send(shop, message(sale_id=7), message(amount=1.001), message(day="soon"), b"{broken", None)
    rules = [
        {"name": "rows", "metric": "rowCount", "mustBe": 6},
        {"name": "nulls", "metric": "nullValues", "property": "sale_id", "mustBe": 0},
        {"name": "sum", "type": "sql", "query": "SELECT count(sale_id) FROM sale", "mustBe": 4},
    ]
    notes: list[str] = []
    with measure(port_of(shop, notes=notes)) as tables:
        completeness, validity, uniqueness = measured(tables, "sale", MODEL, 60)
        tests = [QualityRule.model_validate(each) for each in rules]
        verdicts = verify(tables, {"sale": MODEL}, tests, Deadline(timedelta(minutes=1)))

    # The broken message has an invalid cell for each of the 8 properties.
    assert (completeness.good, completeness.total) == (12, 12), "an invalid cell is no missing one"
    assert (validity.good, validity.total) == (7 + 2 + 1 + 2 + 1 + 0, 7 + 2 + 2 + 3 + 2 + 8)
    assert (uniqueness.good, uniqueness.total) == (3, 3)
    assert [(each.test, each.outcome, each.reason) for each in verdicts] == [
        (name, "passed", "") for name in ("rows", "nulls", "sum")
    ]
    assert notes == ["model sale of shop: reads at most 7 of 7 messages"]


def test_a_budget_that_is_reached_is_shown_with_the_verdict(shop: Shop) -> None:
    send(shop, *(message(sale_id=str(number)) for number in range(50)))
    query = "SELECT min(CAST(sale_id AS INT)) FROM sale"
    rules = [QualityRule.model_validate({"name": "first", "type": "sql", "query": query, "mustBe": 40})]
    with measure(port_of(shop, Limits(messages=10))) as tables:
        (verdict,) = verify(tables, {"sale": MODEL}, rules, Deadline(timedelta(minutes=1)))
    size = sum(len(message(sale_id=str(number))) for number in range(40, 50))
    shown = f"the newest 10 of at most 50 messages, {size} B: the limit of 10 messages is reached"
    assert (verdict.outcome, verdict.found, verdict.reason) == ("passed", "40", shown)

    with measure(port_of(shop, Limits(bytes=100))) as tables:
        measured(tables, "sale", MODEL, 60)
        assert tables.scope("sale").endswith("the limit of bytes is reached")


def test_a_topic_that_is_not_read_in_time_has_values_of_what_was_read(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "_READING", 0.0)
    send(shop, *(message(sale_id=str(number)) for number in range(3)))
    with measure(port_of(shop)) as tables:
        completeness, *_ = measured(tables, "sale", MODEL, 60)
        assert tables.scope("sale") == "the newest 0 of at most 3 messages, 0 B: the time limit is reached"
    assert completeness.unknown == "the table has no rows"


def test_a_topic_whose_published_schema_is_not_that_of_the_model_is_an_error(shop: Shop) -> None:
    shop.publish({**SALE, "note": {"type": "integer"}})
    with measure(port_of(shop)) as tables, pytest.raises(NotReadable, match="property note is another there"):
        measured(tables, "sale", MODEL, 60)
