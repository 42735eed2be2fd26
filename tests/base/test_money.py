"""Currencies, prices and the quantities that prices are for."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.base.money.currency import (
    CURRENCIES,
    DIGITS_MAX,
    format_price,
    is_exact,
    minor_units,
    price_of,
    rounded,
)
from alchemesh_platform.base.money.quantity import Quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("1000 requests", "1000", "requests"),
        ("1,000 requests", "1000", "requests"),
        ("request", "1", "requests"),
        ("1 million rows", "1000000", "rows"),
        ("1.5 million rows", "1500000", "rows"),
        ("GB", "1000000000", "bytes"),
        ("10 GiB", "10737418240", "bytes"),
        ("megabyte", "1000000", "bytes"),
        ("month", "1", "months"),
        ("3 months", "3", "months"),
        ("quarter", "3", "months"),
        ("year", "12", "months"),
        ("day", "86400", "seconds"),
        ("30d", "2592000", "seconds"),
        ("2w", "1209600", "seconds"),
    ],
)
def test_a_quantity_is_read_in_the_unit_that_the_platform_counts(text: str, amount: str, unit: str) -> None:
    found = parse_quantity(text)
    assert found is not None
    assert (found.amount, found.unit) == (Decimal(amount), unit)


@pytest.mark.parametrize("text", ["0.0000000000000000000000001 day", "9999999999999999999 rows"])
def test_a_quantity_that_no_bill_can_be_calculated_with_is_none(text: str) -> None:
    """The first one ended `contract bill`, and `observe` of all products, with an error of decimals."""
    assert parse_quantity(text) is None


@pytest.mark.parametrize(
    "text", ["", "no", "1000", "1000 seats", "0 requests", "-1 requests", "1,00 requests", ".5 GB", "GB GB", "9" * 70]
)
def test_a_text_that_the_platform_cannot_count_is_no_quantity(text: str) -> None:
    assert parse_quantity(text) is None


def test_a_period_is_told_from_use() -> None:
    assert Quantity(Decimal(1), "months").is_period
    assert Quantity(Decimal(1), "seconds").is_period
    assert not Quantity(Decimal(1), "requests").is_period


@given(st.decimals(min_value=0, max_value=10**9, allow_nan=False, places=6).filter(lambda each: is_exact(f"{each:f}")))
def test_a_price_of_a_document_is_the_decimal_that_its_author_wrote(written: Decimal) -> None:
    assert price_of(float(f"{written:f}")) == written


@pytest.mark.parametrize(("text", "exact"), [("0.40", True), ("0.30000000000000001", False), ("1e-7", True)])
def test_more_digits_than_a_number_keeps_are_found(text: str, exact: bool) -> None:
    assert is_exact(text) is exact
    assert is_exact("1" * DIGITS_MAX)
    assert not is_exact("1" * (DIGITS_MAX + 1))


@pytest.mark.parametrize(
    ("currency", "amount", "expected"),
    [
        ("EUR", "0.005", "0.01"),
        ("EUR", "-0.005", "-0.01"),
        ("EUR", "0.0049999", "0.00"),
        ("JPY", "0.5", "1"),
        ("KWD", "0.0005", "0.001"),
        ("EUR", "1234567890123456789012345678.125", "1234567890123456789012345678.13"),
    ],
)
def test_an_amount_is_rounded_to_the_smallest_unit_of_its_currency(currency: str, amount: str, expected: str) -> None:
    assert str(rounded(Decimal(amount), currency)) == expected


@pytest.mark.parametrize(
    ("price", "currency", "words"),
    [
        ("0.4", "EUR", "0.40 EUR"),
        ("0.40", "EUR", "0.40 EUR"),
        ("0.0012", "EUR", "0.0012 EUR"),
        ("5", "EUR", "5 EUR"),
        ("1E+3", "JPY", "1000 JPY"),
        ("0.5", "JPY", "0.5 JPY"),
        ("4.5", None, "4.5"),
    ],
)
def test_a_price_in_words_has_the_decimals_of_its_currency(price: str, currency: str | None, words: str) -> None:
    assert format_price(Decimal(price), currency) == words


def test_currencies_have_their_minor_units() -> None:
    assert {minor_units(currency) for currency in CURRENCIES} == {0, 2, 3, 4}
    assert all(len(currency) == 3 and currency.isupper() for currency in CURRENCIES)
