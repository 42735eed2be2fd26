"""The patterns for texts in a manifest: a description, an example, and the correction of a text that breaks one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from alchemesh_platform.base.names import IDENTIFIER_PATTERN, NAME_PATTERN, VARIABLE_PATTERN
from alchemesh_platform.base.packages.ranges import FORMS, RANGE, split_range
from alchemesh_platform.base.units import PERCENTILE_PATTERN

VERSION_PATTERN = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$"
EMAIL_PATTERN = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
PRODUCT_ADDRESS_PATTERN = r"^[a-z][a-z0-9-]*/[a-z][a-z0-9-]*$"
PRODUCTS_PATTERN = r"^[a-z][a-z0-9-]*/([a-z][a-z0-9-]*|\*)$"
CURRENCY_PATTERN = r"^[A-Z]{3}$"
TIME_ZONE_PATTERN = r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$"
REQUESTED_PATTERN = rf"{NAME_PATTERN.removesuffix('$')}(@{RANGE})?$"
RESOURCE_PATTERN = r"^[\w-]+:[\w/-]+:\w+$"

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_NAME = re.compile(r"[^a-z0-9]+")
_NUMBERS = re.compile(r"\d+")
_VERSION_PARTS = 3


class Rule(NamedTuple):
    """The meaning of a pattern.

    Args:
        words: Description of the expected text.
        example: A text that follows the rule.
        correct: The nearest text that follows the rule; a text that breaks it if there is none.
    """

    words: str
    example: str
    correct: Callable[[str], str] = lambda text: text

    @property
    def short(self) -> str:
        """The words without their explanation in brackets."""
        return self.words.partition(" (")[0]


def _words(text: str, separator: str) -> str:
    return _NO_NAME.sub(separator, _HUMP.sub(separator, text).lower()).strip(separator)


def _kebab(text: str) -> str:
    return _words(text, "-")


def _requested(text: str) -> str:
    name, versions = split_range(text)
    return _kebab(name) if versions is None else f"{_kebab(name)}@{versions.strip()}"


def _snake(text: str) -> str:
    return _words(text, "_")


def _version(text: str) -> str:
    numbers = [str(int(number[:9])) for number in _NUMBERS.findall(text)[:_VERSION_PARTS]]
    return ".".join([*numbers, "0", "0"][:_VERSION_PARTS]) if numbers else ""


def _product_address(text: str) -> str:
    parts = [_kebab(part) for part in re.split(r"[/.]", text)]
    return "/".join(parts[:2])


def _percentile(text: str) -> str:
    return f"p{text.strip().lower().removeprefix('p').removesuffix('%').removesuffix('th').strip()}"


RULES: dict[str, Rule] = {
    NAME_PATTERN: Rule(
        "a name in kebab case (small letters, digits and single hyphens, beginning with a letter)",
        "flights-table",
        _kebab,
    ),
    IDENTIFIER_PATTERN: Rule(
        "a name in snake case (small letters, digits and single underscores, beginning with a letter)",
        "delay_minutes",
        _snake,
    ),
    REQUESTED_PATTERN: Rule(
        "a component type in kebab case (small letters, digits and single hyphens, beginning with a letter; a range of "
        f"versions may follow after @: {FORMS})",
        "columnar-table@^2",
        _requested,
    ),
    VERSION_PATTERN: Rule("a version of three numbers", "1.2.0", _version),
    EMAIL_PATTERN: Rule("an email address", "amelia@airport.example"),
    PRODUCT_ADDRESS_PATTERN: Rule(
        "the address of a data product (domain/product)", "geography/airports", _product_address
    ),
    CURRENCY_PATTERN: Rule("a currency by its ISO 4217 code", "EUR", str.upper),
    TIME_ZONE_PATTERN: Rule("a time zone by its IANA name", "Europe/Berlin"),
    PERCENTILE_PATTERN: Rule("a percentile (p and a number from 1 to 99.999)", "p95", _percentile),
    VARIABLE_PATTERN: Rule("the name of an environment variable", "KAFKA_PASSWORD"),
    RESOURCE_PATTERN: Rule("a Pulumi type (package:module:Type)", "gcp:storage/bucket:Bucket"),
}


def corrected(pattern: str, text: str) -> str | None:
    """The corrected text, if the rule of the pattern gives one that matches."""
    rule = RULES.get(pattern)
    better = rule.correct(text) if rule is not None else text
    return better if better != text and re.fullmatch(pattern, better) else None
