"""Currencies of ISO 4217 with their minor units, and amounts of money.

Source: https://www.six-group.com/en/products-services/financial-information/data-standards.html (list one). Metals,
funds of the IMF and codes for tests are left out. Codes that ISO withdrew since 2022 stay, for contracts that use them.
"""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

_MINOR_UNITS = 2
_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_OTHER_MINOR_UNITS = {currency: decimals for decimals, listed in _DECIMALS.items() for currency in listed.split()}
CURRENCIES = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD
    CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
    GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT
    LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD
    OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC
    SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG
    XOF XPF YER ZAR ZMW ZWG ZWL
    """.split()  # noqa: SIM905 - a list of as many lines is harder to compare with the source
)
DIGITS_MAX = 15  # significant digits of a decimal that a binary number of JSON and of Pulumi keeps exactly


def minor_units(currency: str) -> int:
    """The decimals of the smallest unit of a currency: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _OTHER_MINOR_UNITS.get(currency, _MINOR_UNITS)


def rounded(amount: Decimal | Fraction, currency: str) -> Decimal:
    """An amount in whole smallest units of its currency. A half is rounded away from zero."""
    from fractions import Fraction  # reading a manifest needs none

    decimals = minor_units(currency)
    scaled = Fraction(amount) * 10**decimals
    whole = int(abs(scaled) + Fraction(1, 2))
    return Decimal(f"{'-' if scaled < 0 and whole else ''}{whole}E-{decimals}")


def price_of(number: float) -> Decimal:
    """A number of a document as the decimal that its author wrote, if it has at most :data:`DIGITS_MAX` digits."""
    if not isfinite(number):
        raise ValueError("expected a finite number")
    return Decimal(int(number)) if number == int(number) else Decimal(repr(float(number)))


def plain(number: Decimal) -> Decimal:
    """A number without zeros at the end of its fraction, and without an exponent."""
    text = f"{number:f}"
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def format_price(price: Decimal, currency: str | None) -> str:
    """A price in words: ``5 EUR``, ``0.40 EUR``, ``0.0012 EUR``. A fraction has at least the currency's decimals."""
    text = f"{plain(price):f}"
    whole, point, fraction = text.partition(".")
    if point and currency:
        text = f"{whole}.{fraction:0<{minor_units(currency)}}"
    return f"{text} {currency}" if currency else text


def is_exact(text: str) -> bool:
    """Whether a written number has at most :data:`DIGITS_MAX` significant digits."""
    digits = text.lower().partition("e")[0].replace(".", "").replace("_", "").lstrip("+-0").rstrip("0")
    return len(digits) <= DIGITS_MAX
