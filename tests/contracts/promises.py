"""Promises that hypothesis generates: each is possible in a manifest without problems."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from alchemesh_platform.base.usage_limit import PERIODS, UsageLimit
from alchemesh_platform.contracts.port import PromisedPort
from alchemesh_platform.manifest.models import (
    AccessType,
    Billing,
    Contract,
    ContractLifecycle,
    Credits,
    LogicalType,
    Property,
    QualityRule,
    Relationship,
    SemanticModel,
    ServiceLevels,
    Terms,
    UsageLimits,
)

# Few names, so that two generated promises have much in common.
NAMES = ("alpha", "beta", "gamma", "delta_4", "no", "null", "e5")
RULE_NAMES = ("first", "second-rule", "third", "true", "on-time")
# Texts that the two versions of YAML read differently, and plain words.
TEXTS = st.one_of(
    st.sampled_from(
        ["", "a", "two words", "no", "1e5", "0o17", "1_000", "~", "2024-01-01", "12:30:45", "'", "- x", "é 🛫"]
    ),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
)
WORDS = TEXTS.filter(lambda text: bool(text.strip()))
PATTERNS = ("[A-Z]{2}", r"\d+", "^a|b$")
SCALARS = (LogicalType.STRING, LogicalType.INTEGER, LogicalType.NUMBER, LogicalType.BOOLEAN, LogicalType.DATE)
ENUMS: dict[LogicalType, st.SearchStrategy[Any]] = {
    LogicalType.STRING: TEXTS,
    LogicalType.INTEGER: st.integers(-3, 3),
    LogicalType.NUMBER: st.one_of(st.integers(-2, 2), st.sampled_from([0.5, 1.0, 1e-7, 2.5e300])),
    LogicalType.DATE: st.sampled_from(["2024-01-01", "2024-02-29"]),
}
FINITE = st.one_of(st.integers(-3, 100).map(float), st.sampled_from([0.5, 97.25, 1e-7, 1e300]))
PERCENTAGES = st.integers(0, 100_000_000).map(lambda millionths: f"{millionths / 1_000_000:.6f}%")
DURATIONS = st.one_of(
    st.integers(0, 5000).map(lambda amount: timedelta(milliseconds=amount)),
    st.integers(0, 400).map(lambda amount: timedelta(days=amount)),
    st.sampled_from([timedelta(minutes=5), timedelta(hours=36), timedelta(weeks=2), timedelta(days=36_500)]),
)


def enums(kind: LogicalType) -> st.SearchStrategy[tuple[Any, ...] | None]:
    """As the manifest's checks allow them: values of the type, each once (1 and 1.0 are two)."""
    if kind not in ENUMS:
        return st.none()
    values = st.lists(ENUMS[kind], max_size=3, unique_by=lambda value: (type(value), value)).map(tuple)
    return st.one_of(st.none(), st.none(), values)


def ranges(kind: LogicalType) -> st.SearchStrategy[dict[str, Any]]:
    """Bounds of a property, in their order; each may be missing."""
    values: dict[LogicalType, st.SearchStrategy[Any]] = {
        LogicalType.INTEGER: st.integers(-3, 3),
        LogicalType.NUMBER: st.one_of(st.integers(-2, 2), st.sampled_from([0.5, 1e-7, 2.5e300])),
        LogicalType.DATE: st.sampled_from(["2024-01-01", "2024-02-29"]),
    }
    if kind not in values:
        return st.just({})
    pairs = st.lists(values[kind], min_size=2, max_size=2).map(sorted)
    names = st.sampled_from([(), ("minimum",), ("maximum",), ("minimum", "maximum")])
    return st.builds(lambda chosen, pair: {n: pair[n == "maximum"] for n in chosen}, names, pairs)


@st.composite
def properties(draw: st.DrawFn, depth: int = 2, *, top: bool = True) -> Property:
    kinds = [*SCALARS, LogicalType.OBJECT, LogicalType.ARRAY] if depth else list(SCALARS)
    kind = draw(st.sampled_from(kinds))
    scalar = kind in SCALARS
    digits = draw(st.none() | st.integers(1, 38)) if kind is LogicalType.NUMBER else None
    return Property(
        type=kind,
        description=draw(TEXTS),
        required=draw(st.booleans()),
        key=top and scalar and draw(st.integers(0, 3)) == 0,
        unique=scalar and draw(st.booleans()),
        enum=draw(enums(kind)),
        pattern=draw(st.none() | st.sampled_from(PATTERNS)) if kind is LogicalType.STRING else None,
        **draw(ranges(kind)),
        precision=digits,
        scale=draw(st.none() | st.integers(0, digits)) if digits is not None else None,
        classification=draw(st.none() | st.sampled_from(["public", "internal", "Internal", "confidential", "c3"])),
        properties=draw(st.none() | parts(depth - 1)) if kind is LogicalType.OBJECT else None,
        items=draw(st.none() | properties(depth - 1, top=False)) if kind is LogicalType.ARRAY else None,
    )


def parts(depth: int) -> st.SearchStrategy[dict[str, Property]]:
    return st.dictionaries(st.sampled_from(NAMES), properties(depth, top=False), max_size=2)


def relationships(own: list[str]) -> st.SearchStrategy[Relationship]:
    return st.builds(
        Relationship,
        to=st.sampled_from(NAMES),
        description=TEXTS,
        properties=st.dictionaries(st.sampled_from(own), st.sampled_from(NAMES), max_size=2),
    )


@st.composite
def semantic_models(draw: st.DrawFn) -> SemanticModel:
    held = draw(st.dictionaries(st.sampled_from(NAMES), properties(), min_size=1, max_size=3))
    moments = [name for name, each in held.items() if each.type in (LogicalType.TIMESTAMP, LogicalType.DATE)]
    event, ingestion = (draw(st.none() | st.sampled_from(moments)) if moments else None for _ in range(2))
    return SemanticModel(
        description=draw(TEXTS),
        entity=draw(st.none() | WORDS),
        event_time=event,
        ingestion_time=ingestion,
        timeliness=draw(st.none() | DURATIONS) if event and ingestion else None,
        properties=held,
        relationships=tuple(draw(st.lists(relationships(list(held)), max_size=2))),
    )


@st.composite
def comparisons(draw: st.DrawFn) -> dict[str, Any]:
    operator = draw(
        st.sampled_from([name for name in QualityRule.model_fields if name.startswith("must")]),
    )
    if operator.endswith("Between"):
        return {operator: tuple(sorted((draw(FINITE), draw(FINITE))))}
    if operator in {"mustBe", "mustNotBe"}:
        return {operator: draw(FINITE | TEXTS)}
    return {operator: draw(FINITE)}


@st.composite
def rules(draw: st.DrawFn, name: str, models: dict[str, SemanticModel]) -> QualityRule:
    kind = draw(st.sampled_from(["sql", "library", "text"]))
    model = draw(st.sampled_from(sorted(models)))
    said: dict[str, Any] = {}
    if kind == "sql":
        said["query"] = draw(st.sampled_from(["SELECT 1", "SELECT  1", "SELECT 'a  b'", "SELECT 2 -- ;\n"]))
        said["model"] = draw(st.none() | st.just(model))
    elif kind == "library":
        metric = draw(st.sampled_from(["nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount"]))
        needs = metric in {"nullValues", "missingValues", "invalidValues"}
        named = st.sampled_from(sorted(models[model].properties))
        said["metric"] = metric
        said["property"] = draw(named if needs else st.none() if metric == "rowCount" else st.none() | named)
        said["model"] = draw(st.none() | st.just(model)) if len(models) == 1 else model
    if kind != "text" or draw(st.booleans()):
        said |= draw(comparisons())
    return QualityRule(
        name=name,
        type=kind,
        description=draw(TEXTS),
        unit=draw(st.sampled_from([None, "rows", "percent"])),
        dimension=draw(st.sampled_from([None, "accuracy", "timeliness"])),
        severity=draw(st.sampled_from([None, "info", "warning", "error"])),
        **said,
    )


@st.composite
def billings(draw: st.DrawFn) -> Billing:
    """As the manifest's checks allow them: free costs nothing, a price has its currency and unit."""
    model = draw(st.sampled_from(["free", "flat", "per_use"]))
    periods = st.sampled_from(["month", "30d", "quarter"])
    units = st.sampled_from(["1000 requests", "GB", "1 million rows"])
    currencies = st.sampled_from(["EUR", "USD"])
    if model == "free":
        return Billing(model=model, currency=draw(st.none() | currencies), per=draw(st.none() | units | periods))
    return Billing(
        model=model,
        price=draw(st.sampled_from([Decimal(0), Decimal("0.4"), Decimal("0.1234567"), Decimal(12)])),
        currency=draw(currencies),
        per=draw(st.none() | periods if model == "flat" else units),
        time_zone=draw(st.none() | st.sampled_from(["Europe/Berlin", "Asia/Kathmandu"])),
        credits=draw(st.none() | st.builds(Credits, uptime=st.none() | PERCENTAGES)),
    )


@st.composite
def service_levels(draw: st.DrawFn) -> ServiceLevels:
    """Service levels; a key that qualifies a level is there only beside that level, as a manifest demands."""
    uptime, updates = draw(st.none() | PERCENTAGES), draw(st.none() | DURATIONS)
    response = draw(st.none() | DURATIONS)
    nothing = st.none()
    percentiles, zones = st.sampled_from(["p50", "p95", "p95.0", "p99.9"]), st.sampled_from(["UTC", "Europe/Berlin"])
    windows = st.sampled_from([timedelta(days=7), timedelta(days=30), timedelta(days=90)])
    maintenance = st.sampled_from([timedelta(0), timedelta(hours=4), timedelta(days=1)])
    measured = uptime is not None or updates is not None or response is not None
    return ServiceLevels(
        uptime=uptime,
        update_frequency=updates,
        response_time=response,
        freshness=draw(st.none() | DURATIONS),
        percentile=draw(nothing | percentiles if response is not None else nothing),
        window=draw(nothing | windows if measured else nothing),
        maintenance=draw(nothing | maintenance if uptime is not None else nothing),
        time_zone=draw(nothing | zones if updates is not None else nothing),
    )


SERVICE_LEVELS = service_levels()
COUNT_LIMITS = st.builds(UsageLimit, st.integers(1, 10**9), st.sampled_from(PERIODS))
SIZE_LIMITS = st.builds(UsageLimit, st.integers(1, 10**15), st.sampled_from(PERIODS), st.just(True))
LIMITS = st.builds(
    UsageLimits, requests=st.none() | COUNT_LIMITS, bytes=st.none() | SIZE_LIMITS, rows=st.none() | COUNT_LIMITS
)
TERMS = st.builds(
    Terms,
    usage=TEXTS,
    limits=st.none() | LIMITS,
    billing=st.none() | billings(),
    notice_period=st.none() | DURATIONS,
)
PROTOCOLS: st.SearchStrategy[tuple[str, ...]] = st.sampled_from(
    [("sql",), ("rest",), ("sql", "rest"), ("rest", "sql", "graphql"), ("columnar-table",), ("object-storage",)]
)


@st.composite
def contracts(draw: st.DrawFn, models: dict[str, SemanticModel]) -> Contract:
    levels, terms = draw(SERVICE_LEVELS), draw(TERMS)
    if levels.uptime is None and terms.billing is not None:  # a credit needs its service level
        terms = terms.model_copy(update={"billing": terms.billing.model_copy(update={"credits": None})})
    return Contract(
        version=draw(st.sampled_from(["0.1.0", "1.0.0", "1.2.3", "2.0.0", "10.0.0"])),
        lifecycle=draw(st.sampled_from(ContractLifecycle)),
        access=draw(st.sampled_from(AccessType)),
        service_levels=levels,
        terms=terms,
        quality=draw(qualities(models)),
    )


@st.composite
def qualities(draw: st.DrawFn, models: dict[str, SemanticModel]) -> tuple[QualityRule, ...]:
    names = draw(st.lists(st.sampled_from(RULE_NAMES), max_size=3, unique=True))
    return tuple(draw(rules(name, models)) for name in names)


@st.composite
def promised_ports(draw: st.DrawFn) -> PromisedPort:
    models = draw(st.dictionaries(st.sampled_from(NAMES), semantic_models(), min_size=1, max_size=2))
    return PromisedPort(draw(st.none() | contracts(models)), models, draw(PROTOCOLS))


@st.composite
def promised_ports_with_contract(draw: st.DrawFn) -> PromisedPort:
    port = draw(promised_ports())
    return port if port.contract is not None else replace(port, contract=draw(contracts(dict(port.models))))


@st.composite
def varied(draw: st.DrawFn, port: PromisedPort) -> PromisedPort:
    """The promise with one or two parts replaced, so that examples reach every single rule."""
    sections = ["access", "service_levels", "terms", "quality", "protocols", "models", "property", "rule"]
    for section in draw(st.lists(st.sampled_from(sections), min_size=1, max_size=2, unique=True)):
        port = draw(_replaced(port, section))
    return port


@st.composite
def _replaced(draw: st.DrawFn, port: PromisedPort, section: str) -> PromisedPort:
    models = dict(port.models)
    name = draw(st.sampled_from(sorted(models)))
    if section == "protocols":
        return replace(port, protocols=draw(PROTOCOLS))
    if section == "models":
        other = draw(st.sampled_from(NAMES))
        if draw(st.booleans()) or len(models) == 1:
            models[other] = draw(semantic_models())
        else:
            del models[name]
        return replace(port, models=models)
    if section == "property":
        model = models[name]
        held = draw(st.sampled_from(sorted(model.properties)))
        field = draw(st.sampled_from(sorted(Property.model_fields)))
        one = model.properties[held].model_copy(update={field: getattr(draw(properties()), field)})
        models[name] = model.model_copy(update={"properties": {**model.properties, held: one}})
        return replace(port, models=models)
    contract = port.contract
    if contract is None:
        return replace(port, contract=draw(st.none() | contracts(models)))
    new: Any
    if section == "rule" and contract.quality:
        first, *others = contract.quality
        field = draw(st.sampled_from(sorted({*QualityRule.model_fields} - {"name"})))
        new = (first.model_copy(update={field: getattr(draw(rules(first.name, models)), field)}), *others)
        return replace(port, contract=contract.model_copy(update={"quality": new}))
    strategy = {"access": st.sampled_from(AccessType), "service_levels": SERVICE_LEVELS, "terms": TERMS}
    new = draw(strategy.get(section, qualities(models)))
    name = section if section in strategy else "quality"
    return replace(port, contract=contract.model_copy(update={name: new}))
