"""Bills in FOCUS 1.2, the FinOps Open Cost and Usage Specification, as CSV.

==========================  ==========================================================================================
Bill                        FOCUS
==========================  ==========================================================================================
consumer                    billing account
product                     provider, publisher, issuer of the invoice, and service
port                        resource
meter, version              SKU, and SKU price
use                         charge category ``Usage``
flat price                  charge category ``Usage``, recurring: the time with a grant
credit                      charge category ``Credit``
adjustment                  ``Usage`` of the charge class ``Correction``
amount                      ``BilledCost`` and ``EffectiveCost``, rounded; ``ListCost`` and ``ContractedCost`` are the
                            product of unit price and quantity
bill                        its id and the consumer are the invoice, which is provisional in the state ``draft``
==========================  ==========================================================================================

Columns without a meaning here are present and empty. Columns that begin with ``x_`` are the platform's own.

Source: https://focus.finops.org/focus-specification/v1-2/ and the rules of the package ``focus-validator``.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal
from typing import TYPE_CHECKING

from alchemesh_platform.base.money.currency import plain
from alchemesh_platform.base.money.quantity import Quantity, parse_quantity
from alchemesh_platform.billing.formats.csv_text import Cell, csv_text

if TYPE_CHECKING:
    from alchemesh_platform.billing.bill import Bill, BillLine

COLUMNS = (
    "AvailabilityZone",
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "CapacityReservationId",
    "CapacityReservationStatus",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
    "x_Environment",
    "x_State",
    "x_LineId",
    "x_AdjustsLineId",
    "x_ContractVersion",
    "x_Note",
)
_CATEGORIES = {"usage": "Usage", "adjustment": "Usage", "flat": "Usage", "credit": "Credit"}
_FREQUENCIES = {"usage": "Usage-Based", "adjustment": "Usage-Based", "flat": "Recurring", "credit": "One-Time"}
_ACCOUNTS = {
    "data_product": "Data Product",
    "technical_team": "Technical Team",
    "user": "User",
    "data_domain": "Data Domain",
}
_BYTES = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "KB"), (2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"))
_DAY = 86_400
_EXACT = Context(prec=40)
_DIGITS = Decimal("1e-12")  # of a pricing quantity: one third of a unit has no last decimal


def focus_text(bills: Iterable[Bill]) -> str:
    """Bills as a CSV file of FOCUS 1.2, one row for each line."""
    rows = (_row(bill, line) for bill in bills for line in bill.lines)
    return csv_text(COLUMNS, ({name: _decimal(value) for name, value in row.items()} for row in rows))


def _decimal(value: Cell) -> Cell:
    """A number with a decimal point: a reader must not take a column of whole numbers for integers."""
    return Decimal(f"{value:f}.0") if isinstance(value, Decimal) and "." not in f"{value:f}" else value


def _row(bill: Bill, line: BillLine) -> dict[str, Cell]:
    kind, _, address = line.consumer.partition(":")
    product, _, port = line.port.rpartition("/")
    row: dict[str, Cell] = {
        "BilledCost": line.amount,
        "BillingAccountId": line.consumer,
        "BillingAccountName": address,
        "BillingAccountType": _ACCOUNTS.get(kind, kind),
        "BillingCurrency": line.currency,
        "BillingPeriodEnd": bill.until,
        "BillingPeriodStart": bill.since,
        "ChargeCategory": _CATEGORIES[line.kind],
        "ChargeClass": "Correction" if line.kind == "adjustment" else None,
        "ChargeDescription": _description(line),
        "ChargeFrequency": _FREQUENCIES[line.kind],
        "ChargePeriodEnd": line.until,
        "ChargePeriodStart": line.since,
        "ContractedCost": line.amount,
        "EffectiveCost": line.amount,
        "InvoiceId": f"{bill.id}:{line.consumer}",
        "InvoiceIssuerName": product,
        "ListCost": line.amount,
        "PricingCurrency": line.currency,
        "PricingCurrencyEffectiveCost": line.amount,
        "ProviderName": product,
        "PublisherName": product,
        "ResourceId": line.port,
        "ResourceName": port,
        "ResourceType": "Output Port",
        "ServiceCategory": "Analytics",
        "ServiceName": product,
        "ServiceSubcategory": "Other (Analytics)",
        "x_Environment": bill.environment,
        "x_State": bill.state,
        "x_LineId": line.id,
        "x_AdjustsLineId": line.adjusts or None,
        "x_ContractVersion": line.contract_version,
        "x_Note": line.note or None,
    }
    quantity = parse_quantity(line.per or "month") if line.kind != "credit" else None
    return row if quantity is None else row | _priced(line, quantity)


def _priced(line: BillLine, per: Quantity) -> dict[str, Cell]:
    """The columns of a charge with a unit price."""
    counted = line.quantity if line.kind == "flat" else _EXACT.divide(line.quantity, per.amount)
    quantity = plain(counted.quantize(_DIGITS, context=_EXACT))
    cost = plain(_EXACT.multiply(quantity, line.price))
    consumed, unit = line.quantity, per.unit.capitalize()
    if per.is_period:
        consumed = _EXACT.multiply(line.quantity, per.amount)
        if per.unit == "seconds":
            consumed, unit = _EXACT.divide(consumed, Decimal(_DAY)), "Days"
    return {
        "ConsumedQuantity": plain(consumed),
        "ConsumedUnit": unit,
        "ContractedCost": cost,
        "ContractedUnitPrice": line.price,
        "ListCost": cost,
        "ListUnitPrice": line.price,
        "PricingCategory": "Standard",
        "PricingCurrencyContractedUnitPrice": line.price,
        "PricingCurrencyListUnitPrice": line.price,
        "PricingQuantity": quantity,
        "PricingUnit": _unit(per),
        "SkuId": f"{line.port}:{line.meter}",
        "SkuMeter": line.meter.capitalize(),
        "SkuPriceId": f"{line.port}@{line.contract_version}:{line.meter}",
    }


def _unit(per: Quantity) -> str:
    """A unit in the notation of FOCUS: ``1000 Requests``, ``GB``, ``3 Months``."""
    amount = int(per.amount) if per.amount == per.amount.to_integral_value() else None
    if per.unit == "bytes" and amount is not None:
        for size, name in _BYTES:
            if amount % size == 0:
                return _times(amount // size, name)
    if per.unit == "seconds" and amount is not None and amount % _DAY == 0:
        return _times(amount // _DAY, "Days")
    number = "" if per.amount == 1 else f"{plain(per.amount):f} "
    return f"{number}{per.unit.capitalize()}"


def _times(number: int, unit: str) -> str:
    return unit if number == 1 else f"{number} {unit}"


def _description(line: BillLine) -> str:
    port = f"{line.port} {line.contract_version}"
    if line.kind == "credit":
        return f"Credit of {line.quantity:f}% for {line.meter} of {port}"
    price = f"{line.price:f} {line.currency} per {line.per or 'month'}"
    if line.kind == "flat":
        return f"Access to {port} at {price}"
    return f"{line.meter.capitalize()} of {port} at {price}"
