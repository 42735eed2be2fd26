"""A port with contracts, consumers and usage, as bills read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alchemesh_platform.billing.terms import Access, Span, Version
from alchemesh_platform.manifest.models import Billing
from alchemesh_platform.registry.usage.lines import UsageLine

PORT = "aviation/flights/flights-table"
DESK, AMELIA = "data_product:operations/punctuality", "user:amelia@airport.example"
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
PER_USE = {"model": "per_use", "price": 0.4, "currency": "EUR", "per": "1000 requests"}
FLAT = {"model": "flat", "price": 30, "currency": "EUR"}


def at(day: int, hour: int = 0, *, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def version(billing: dict[str, Any] | None, name: str = "1.0.0", *spans: tuple[datetime, datetime | None]) -> Version:
    found = spans or ((datetime(2026, 1, 1, tzinfo=UTC), None),)
    price = None if billing is None else Billing.model_validate(billing)
    return Version(name, price, tuple(Span(*one) for one in found))


def access(consumer: str, *spans: tuple[datetime, datetime | None]) -> Access:
    return Access(consumer, tuple(Span(*one) for one in spans))


def used(hour: datetime, requests: int = 1000, consumer: str = DESK, **values: Any) -> UsageLine:
    given = {
        "id": f"{hour.isoformat()} {consumer} {requests} {sorted(values.items())}",
        "product": "aviation/flights",
        "port": PORT,
        "protocol": "rest",
        "consumer": consumer,
        "contract_version": "1.0.0",
        "hour": hour,
        "requests": requests,
        "billable_requests": requests,
        "received_at": hour,
        "source": "test",
    }
    return UsageLine(**given | values)
