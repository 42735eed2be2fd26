"""A bill: its lines, and its form as a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from alchemesh_platform.base.money.currency import rounded
from alchemesh_platform.billing.period import Period

LineKind = Literal["usage", "flat", "adjustment", "credit"]
State = Literal["draft", "final"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One line: a consumer, a port, a version of its contract, a meter and an amount.

    Args:
        id: Name of the line; the same line always has the same.
        kind: Use, a flat price, an adjustment of a final bill, or a credit for a broken service level.
        consumer: As in usage: ``data_product:domain/name``, ``user:email`` and so on.
        port: Address of the port.
        contract_version: The version whose price applies.
        meter: ``requests``, ``rows``, ``bytes`` or ``period``; of a credit, the name of the service level.
        quantity: The counted quantity; of a period, the number of periods; of a credit, the share.
        unit: The unit of the quantity.
        price: The price; of a credit, the charges that it is a share of.
        currency: Of price and amount.
        per: The quantity that the price is for, as the contract writes it.
        amount: The amount, rounded once.
        usage_period: The month of the use.
        since: Start of the charge.
        until: End of the charge.
        adjusts: Id of the original line of an adjustment; empty for another line.
        note: A remark for readers; empty for none.
    """

    id: str
    kind: LineKind
    consumer: str
    port: str
    contract_version: str
    meter: str
    quantity: Decimal
    unit: str
    price: Decimal
    currency: str
    per: str
    amount: Decimal
    usage_period: Period
    since: datetime
    until: datetime
    adjusts: str = ""
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The line as one JSON object. Decimals are texts: a number of JSON is not exact."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> BillLine:
        """The line of a stored document."""
        values = dict(document)
        values |= {name: Decimal(values[name]) for name in ("quantity", "price", "amount")}
        values |= {name: datetime.fromisoformat(values[name]) for name in ("since", "until")}
        return cls(**values | {"usage_period": Period.parse(values["usage_period"])})


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Requests that no line bills, with the reason."""

    reason: str
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The bill of a port for one month.

    Args:
        environment: The environment.
        port: Address of the port.
        period: The month.
        state: A draft changes with new usage. A final bill never changes.
        since: Start of the month.
        until: End of the month.
        closes_at: The moment from which the bill is final.
        lines: The lines by consumer.
        left_out: Requests that are not billed.
        gaps: Sentences about usage that was lost before it was read.
    """

    environment: str
    port: str
    period: Period
    state: State
    since: datetime
    until: datetime
    closes_at: datetime
    lines: tuple[BillLine, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """``domain/product/port#2026-11``."""
        return f"{self.port}#{self.period}"

    @property
    def totals(self) -> dict[str, Decimal]:
        """The sum of the amounts by currency."""
        found: dict[str, Fraction] = {}
        for line in self.lines:
            found[line.currency] = found.get(line.currency, Fraction(0)) + Fraction(line.amount)
        return {currency: rounded(total, currency) for currency, total in found.items()}

    def of(self, consumers: frozenset[str]) -> Bill:
        """The part of the bill that some consumers pay, without the requests that are not billed."""
        return replace(self, lines=tuple(line for line in self.lines if line.consumer in consumers), left_out=())

    def as_json(self) -> dict[str, Any]:
        """The bill as one JSON object."""
        return {
            "id": self.id,
            "environment": self.environment,
            "port": self.port,
            "period": str(self.period),
            "state": self.state,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "closes_at": self.closes_at.isoformat(),
            "totals": {currency: str(amount) for currency, amount in self.totals.items()},
            "lines": [line.as_json() for line in self.lines],
            "left_out": [{"reason": each.reason, "requests": each.requests} for each in self.left_out],
            "gaps": list(self.gaps),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Bill:
        """The bill of a stored document."""
        return cls(
            environment=document["environment"],
            port=document["port"],
            period=Period.parse(document["period"]),
            state=document["state"],
            **{name: datetime.fromisoformat(document[name]) for name in ("since", "until", "closes_at")},
            lines=tuple(BillLine.from_json(line) for line in document["lines"]),
            left_out=tuple(LeftOut(each["reason"], each["requests"]) for each in document["left_out"]),
            gaps=tuple(document.get("gaps", ())),
        )


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Period) else value
