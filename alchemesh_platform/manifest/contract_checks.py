"""Checks of a contract: its business tests can run, and its price can be calculated."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_platform.base.problems import Problem, did_you_mean
from alchemesh_platform.documents.document import Node, Path, quoted, written
from alchemesh_platform.manifest.models import QualityRule

OPERATORS = tuple(name for name in QualityRule.model_fields if name.startswith("must"))
_BETWEEN = ("mustBeBetween", "mustNotBeBetween")
_PROPERTY_METRICS = frozenset({"nullValues", "missingValues", "invalidValues"})
_NEEDED = {"sql": "query", "library": "metric"}  # type of a rule: the key that it cannot do without
_PRICED = {"flat": ("price", "currency"), "per_use": ("price", "currency", "per")}
_PAIR = 2


def check_contract(tree: Node, place: Path, port: Node) -> Iterator[Problem]:
    """Every problem of a port's contract that one value alone does not show."""
    contract = port.keys.get("contract")
    if contract is None:
        return
    yield from _billing((*place, "contract", "terms", "billing"), contract.get("terms", "billing"))
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


def _billing(path: Path, billing: Node | None) -> Iterator[Problem]:
    if billing is None:
        return
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
