"""Checks of a contract: its service levels can be measured, its business tests can run, and its price is complete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from alchemesh_platform.base.money.currency import CURRENCIES, DIGITS_MAX, is_exact
from alchemesh_platform.base.money.quantity import (
    PERIOD_EXAMPLES,
    PERIODS,
    USE_EXAMPLES,
    USES,
    parse_quantity,
)
from alchemesh_platform.base.problems import Problem, did_you_mean
from alchemesh_platform.base.time_zone import is_zone
from alchemesh_platform.base.units import format_duration, parse_duration
from alchemesh_platform.documents.document import Node, Path, quoted, written
from alchemesh_platform.documents.patterns import CURRENCY_PATTERN, TIME_ZONE_PATTERN
from alchemesh_platform.manifest.models import WINDOW, Credits, QualityRule

OPERATORS = tuple(name for name in QualityRule.model_fields if name.startswith("must"))
_BETWEEN = ("mustBeBetween", "mustNotBeBetween")
_PROPERTY_METRICS = frozenset({"nullValues", "missingValues", "invalidValues"})
_NEEDED = {"sql": "query", "library": "metric"}  # type of a rule: the key that it cannot do without
_PRICED = {"flat": ("price", "currency"), "per_use": ("price", "currency", "per")}
_PAIR = 2
# A key of service levels, and the levels that it is about: it needs one of them.
_QUALIFIES = {
    "percentile": ("response_time",),
    "window": ("uptime", "response_time", "update_frequency"),
    "maintenance": ("uptime",),
    "time_zone": ("update_frequency",),
}
_SHORTEST_WINDOW, _LONGEST_WINDOW = timedelta(hours=1), timedelta(days=366)


def check_contract(tree: Node, place: Path, port: Node) -> Iterator[Problem]:
    """Every problem of a port's contract that one value alone does not show."""
    contract = port.keys.get("contract")
    if contract is None:
        return
    yield from _billing(
        (*place, "contract", "terms", "billing"), contract.get("terms", "billing"), contract.get("service_levels")
    )
    yield from _service_levels((*place, "contract", "service_levels"), contract.get("service_levels"))
    quality = contract.keys.get("quality")
    first: dict[str, Node] = {}
    for index, rule in enumerate(quality.items if quality is not None else ()):
        path = (*place, "contract", "quality", index)
        name = rule.keys.get("name")
        if name is not None and name.text is not None:
            before = first.setdefault(name.text, name)
            if before is not name:
                yield Problem(
                    name.location,
                    written((*path, "name")),
                    f"found {quoted(name.text)} twice, expected a unique name in the contract",
                    f"it is already at {before.location}",
                )
        if rule.keys:
            yield from _kind_of_rule(path, rule)
            yield from _operator(path, rule)
            yield from _target(tree, path, rule, port)


def _service_levels(path: Path, levels: Node | None) -> Iterator[Problem]:
    """Check that each key qualifies a promised level, and that windows and maintenance have a possible length."""
    if levels is None:
        return
    promised = {key: node for key, node in levels.keys.items() if node.value is not None}
    for key, needed in _QUALIFIES.items():
        if key in promised and not any(level in promised for level in needed):
            yield Problem(
                promised[key].key_location,
                written((*path, key)),
                f"found {key} without a promise that it is about, expected {' or '.join(needed)}",
                f"promise {' or '.join(needed)}, or leave {key} out",
            )
    window = _span(promised.get("window"))
    if window is not None and not _SHORTEST_WINDOW <= window <= _LONGEST_WINDOW:
        yield Problem(
            promised["window"].location,
            written((*path, "window")),
            f"found {format_duration(window)}, expected a window of 1h to {_LONGEST_WINDOW.days}d",
            "for example 30d",
        )
    maintenance, whole = _span(promised.get("maintenance")), window or WINDOW
    if maintenance is not None and maintenance >= whole:
        yield Problem(
            promised["maintenance"].location,
            written((*path, "maintenance")),
            f"found {format_duration(maintenance)}, expected less than the window of {format_duration(whole)}",
        )
    yield from _zone((*path, "time_zone"), promised.get("time_zone"))


def _span(node: Node | None) -> timedelta | None:
    """The duration of a node; None without one. Another check reports a text that is no duration."""
    try:
        return parse_duration(node.value) if node is not None else None
    except ValueError:
        return None


def _billing(path: Path, billing: Node | None, levels: Node | None) -> Iterator[Problem]:
    if billing is None:
        return
    yield from _digits((*path, "price"), billing.get("price"))
    yield from _per((*path, "per"), billing.get("per"), billing.get("model"))
    yield from _known((*path, "currency"), billing.get("currency"))
    yield from _zone((*path, "time_zone"), billing.get("time_zone"))
    yield from _credits((*path, "credits"), billing, levels)
    model, price = billing.get("model"), billing.get("price")
    kind = model.text if model is not None else None
    for key in _PRICED.get(kind or "", ()):
        node = billing.keys.get(key)
        if node is None or node.value is None:
            yield Problem(
                billing.location if node is None else node.location,
                written((*path, key)),
                f"found nothing, expected a value with the billing model {kind}",
                "for example {model: per_use, price: 0.40, currency: EUR, per: 1000 requests}",
            )
    if kind == "free" and price is not None and isinstance(price.value, int | float) and price.value > 0:
        yield Problem(
            price.location,
            written((*path, "price")),
            f"found the number {price.value} with the billing model free, expected no price",
            "write 'model: flat' or 'model: per_use', or leave the price out",
        )


def _digits(path: Path, price: Node | None) -> Iterator[Problem]:
    """Check that a price loses no digit: records and Pulumi's state keep it as a number."""
    value = price.value if price is not None else None
    if price is not None and isinstance(value, int | float) and not isinstance(value, bool):
        text = price.written or str(value)
        if not is_exact(text):
            yield Problem(
                price.location,
                written(path),
                f"found {text}, expected a price of at most {DIGITS_MAX} significant digits",
                "a price for a larger quantity needs fewer digits: 0.40 per 1000 requests",
            )


def _per(path: Path, per: Node | None, model: Node | None) -> Iterator[Problem]:
    """Check that the platform counts the quantity that a price is for."""
    kind = model.text if model is not None else None
    if per is None or per.text is None or kind not in ("flat", "per_use"):
        return
    quantity = parse_quantity(per.text)
    flat = kind == "flat"
    if quantity is not None and quantity.is_period == flat:
        return
    expected, examples = (PERIODS, PERIOD_EXAMPLES) if flat else (USES, USE_EXAMPLES)
    hint = f"for example {examples}"
    if quantity is not None:
        hint = f"{hint}; or write 'model: {'per_use' if flat else 'flat'}'"
    yield Problem(
        per.location,
        written(path),
        f"found {quoted(per.text)}, expected {expected} with the billing model {kind}",
        hint,
    )


def _known(path: Path, currency: Node | None) -> Iterator[Problem]:
    text = currency.text if currency is not None else None
    if currency is not None and text is not None and re.fullmatch(CURRENCY_PATTERN, text) and text not in CURRENCIES:
        yield Problem(
            currency.location,
            written(path),
            f"found {quoted(text)}, expected a currency of ISO 4217",
            "for example EUR or USD",
        )


def _zone(path: Path, zone: Node | None) -> Iterator[Problem]:
    text = zone.text if zone is not None else None
    if zone is not None and text is not None and re.fullmatch(TIME_ZONE_PATTERN, text) and not is_zone(text):
        yield Problem(
            zone.location,
            written(path),
            f"found {quoted(text)}, expected a time zone by its IANA name",
            "for example Europe/Berlin",
        )


def _credits(path: Path, billing: Node, levels: Node | None) -> Iterator[Problem]:
    """Check that a credit is for a promised service level of a contract that costs something."""
    shares, model = billing.get("credits"), billing.get("model")
    if shares is None:
        return
    if model is not None and model.text == "free":
        yield Problem(
            shares.key_location,
            written(path),
            "found credits with the billing model free, expected none",
            "a credit is a share of what a consumer pays: leave the credits out",
        )
        return
    for name, share in shares.keys.items():
        promised = levels.get(name) if levels is not None else None
        if name in Credits.model_fields and share.value is not None and (promised is None or promised.value is None):
            yield Problem(
                share.key_location,
                written((*path, name)),
                f"found a credit for {name}, which the contract does not promise",
                "promise it under service_levels, or leave the credit out",
            )


def _kind_of_rule(path: Path, rule: Node) -> Iterator[Problem]:
    """Check that a rule has the keys that its type needs, and no others."""
    written_type = rule.keys.get("type")
    kind = "library" if written_type is None else written_type.text
    needed = _NEEDED.get(kind or "")
    if written_type is None and "query" in rule.keys and "metric" not in rule.keys:
        yield Problem(
            rule.keys["query"].key_location,
            written((*path, "query")),
            "found a query in a rule of type library (the default), expected a metric",
            "write 'type: sql' beside the query",
        )
        return
    if needed is not None and needed not in rule.keys:
        example = "SELECT count(*) FROM …" if needed == "query" else "nullValues"
        yield Problem(
            rule.location,
            written((*path, needed)),
            f"found nothing, expected a {needed} in a rule of type {kind}{'' if written_type else ' (the default)'}",
            f"for example {needed}: {example}",
        )
    for other in _NEEDED.values():
        if kind in {*_NEEDED, "text"} and other != needed and other in rule.keys:
            yield Problem(
                rule.keys[other].key_location,
                written((*path, other)),
                f"found a {other} in a rule of type {kind}, expected none",
                f"leave it out, or write 'type: {'sql' if other == 'query' else 'library'}'",
            )


def _operator(path: Path, rule: Node) -> Iterator[Problem]:
    """Check that a rule has exactly one comparison, unless it is in prose."""
    used = [key for key in OPERATORS if key in rule.keys]
    kind = rule.keys["type"].text if "type" in rule.keys else "library"
    if not used and kind in _NEEDED and not any(key.startswith("must") for key in rule.keys):
        yield Problem(
            rule.location,
            written(path),
            "found no comparison, expected one",
            f"for example mustBe: 0; there are {', '.join(OPERATORS)}",
        )
    for key in used[1:]:
        yield Problem(
            rule.keys[key].key_location,
            written((*path, key)),
            f"found a second comparison beside {used[0]}, expected one",
            "write a separate rule for it",
        )
    for key in _BETWEEN:
        bounds = rule.keys[key].items if key in rule.keys else ()
        numbers = [item.value for item in bounds if isinstance(item.value, int | float)]
        if len(numbers) == len(bounds) == _PAIR and numbers[0] > numbers[1]:
            yield Problem(
                rule.keys[key].location,
                written((*path, key)),
                f"found [{numbers[0]}, {numbers[1]}], expected the lower number first",
                f"did you mean [{numbers[1]}, {numbers[0]}]?",
            )


def _target(tree: Node, path: Path, rule: Node, port: Node) -> Iterator[Problem]:
    """Check the subject of a rule: a model of the port, and a property of that model."""
    listed = port.keys.get("models")
    exposed = [item.text for item in (listed.items if listed is not None else ()) if item.text is not None]
    model, named = rule.keys.get("model"), rule.keys.get("property")
    metric = rule.keys["metric"].text if "metric" in rule.keys else None
    if model is not None and model.text is not None and exposed and model.text not in exposed:
        yield Problem(
            model.location,
            written((*path, "model")),
            f"found {quoted(model.text)}, expected a model of the port",
            did_you_mean(model.text, exposed),
        )
        return
    if model is None and metric is not None and len(exposed) > 1:
        yield Problem(
            rule.location,
            written((*path, "model")),
            "found nothing, expected one of the port's models",
            f"the port has several: {', '.join(exposed)}",
        )
    if named is None and metric in _PROPERTY_METRICS:
        yield Problem(
            rule.location,
            written((*path, "property")),
            f"found nothing, expected a property with the metric {metric}",
            "it says whose values are counted",
        )
    if named is not None and metric == "rowCount":
        yield Problem(
            named.key_location,
            written((*path, "property")),
            "found a property with the metric rowCount, expected none",
            "rows are counted of the whole model",
        )
    target = model.text if model is not None else exposed[0] if len(exposed) == 1 else None
    properties = tree.get("models", target, "properties") if target is not None else None
    known = list(properties.keys) if properties is not None else []
    if named is not None and named.text is not None and known and named.text not in known:
        yield Problem(
            named.location,
            written((*path, "property")),
            f"found {quoted(named.text)}, expected a property of model {quoted(str(target))}",
            did_you_mean(named.text, known),
        )
