"""Exports the contract of a port to the Open Data Contract Standard (ODCS)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.names import port_address
from alchemesh_platform.base.units import format_duration
from alchemesh_platform.contracts.compatibility.quality import OPERATORS
from alchemesh_platform.contracts.odcs import terms as odcs
from alchemesh_platform.contracts.odcs.yaml_text import yaml_text
from alchemesh_platform.contracts.port import PromisedPort
from alchemesh_platform.manifest.models import (
    Contract,
    Property,
    QualityRule,
    Relationship,
    SemanticModel,
    Terms,
)

if TYPE_CHECKING:
    from open_data_contract_standard.model import OpenDataContractStandard

Document = dict[str, Any]
_FIRST = (
    "apiVersion",
    "kind",
    "id",
    "name",
    "property",
    "value",
    "version",
    "status",
    "type",
    "logicalType",
    "from",
    "to",
)
_CONSTANT = {"mustBeBetween": "mustBe", "mustNotBeBetween": "mustNotBe"}  # for two equal bounds


class NothingPromised(Failure):
    """Raised when the port to export has no contract."""

    exit_code = ExitCode.PROBLEMS


@dataclass(frozen=True, slots=True)
class PortIdentity:
    """The provider of the contract."""

    domain: str
    product: str
    port: str
    description: str = ""
    team: str = ""
    owner: str = ""

    @property
    def address(self) -> str:
        """``domain/product/port``."""
        return port_address(self.domain, self.product, self.port)


def export_odcs(
    port: PromisedPort, identity: PortIdentity, results: Mapping[str, Mapping[str, Any]] | None = None
) -> OpenDataContractStandard:
    """The contract of a port as a document of ODCS 3.2.

    Args:
        port: The port, from a manifest without problems.
        identity: Its provider.
        results: Test: its newest result, which becomes a custom property of the test.

    Raises:
        NothingPromised: when the port has no contract.
    """
    from open_data_contract_standard.model import OpenDataContractStandard

    if port.contract is None:
        raise NothingPromised(
            f"{identity.address} has no contract to export",
            hint="give the port one: `contract: {version: 1.0.0, lifecycle: draft}`",
        )
    placed = _placed(port.contract.quality, port.models)
    document = {
        "apiVersion": odcs.API_VERSION,
        "kind": odcs.KIND,
        "id": identity.address,
        "name": identity.port,
        "version": port.contract.version,
        "status": port.contract.lifecycle.value,
        "domain": identity.domain,
        **_team(identity),
        **_description(identity, port.contract.terms),
        "schema": [_object(name, model, port.models, placed, results or {}) for name, model in port.models.items()],
        **_price(port.contract.terms),
        **_service_levels(port.contract),
        **_customs(_contract_customs(port, placed)),
    }
    return OpenDataContractStandard.model_validate(document)


def odcs_text(contract: OpenDataContractStandard) -> str:
    """A contract of ODCS as YAML."""
    # The library's own writer omits null values, and writes for readers of YAML 1.1 only.
    return yaml_text(_readable(contract.model_dump(by_alias=True, exclude_unset=True)))


def _readable(value: Any) -> Any:
    """The same value with its identifying keys first, since the library's models have another order."""
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: _FIRST.index(key) if key in _FIRST else len(_FIRST))
        return {key: _readable(value[key]) for key in keys}
    return [_readable(part) for part in value] if isinstance(value, list) else value


def _team(identity: PortIdentity) -> Document:
    if not identity.team:
        return {}
    members = {"members": [{"username": identity.owner, "role": "owner"}]} if identity.owner else {}
    return {"team": {"name": identity.team, **members}}


def _description(identity: PortIdentity, terms: Terms) -> Document:
    texts = _given_texts({"purpose": identity.description, "usage": terms.usage})
    return {"description": texts} if texts else {}


def _price(terms: Terms) -> Document:
    billing = terms.billing
    if billing is None:
        return {}
    price: Document = {"priceAmount": odcs.whole(float(billing.price))}
    if billing.currency is not None:
        price["priceCurrency"] = billing.currency
    if billing.per is not None:
        price["priceUnit"] = billing.per
    return {"price": price}


def _service_levels(contract: Contract) -> Document:
    levels = contract.service_levels
    promised: list[Document] = []
    if levels.uptime is not None:
        promised.append({"property": odcs.AVAILABILITY, "value": odcs.whole(levels.uptime), "unit": "percent"})
    for name, level in odcs.SPANS.items():
        span = getattr(levels, level)
        if span is not None:
            promised.append({"property": name, **_amount(span)})
    return {"slaProperties": promised} if promised else {}


def _amount(span: timedelta) -> Document:
    unit = next((unit for unit, length in odcs.UNITS.items() if span and span % length == timedelta(0)), "ms")
    return {"value": span // odcs.UNITS[unit], "unit": unit}


def _contract_customs(port: PromisedPort, placed: Mapping[str, Sequence[QualityRule]]) -> Document:
    assert port.contract is not None  # noqa: S101 - asked before
    terms, quality = port.contract.terms, port.contract.quality
    customs: Document = {odcs.ACCESS_TYPE: port.contract.access.value, odcs.PROTOCOLS: list(port.protocols)}
    if terms.billing is not None:
        customs[odcs.BILLING_MODEL] = terms.billing.model
        if terms.billing.time_zone is not None:
            customs[odcs.BILLING_TIME_ZONE] = terms.billing.time_zone
        if terms.billing.credits is not None:
            customs[odcs.CREDITS] = terms.billing.credits.model_dump(mode="json", exclude_none=True)
    levels = port.contract.service_levels.model_dump(mode="json", exclude_none=True)
    customs |= {name: levels[key] for name, key in odcs.MEASURING.items() if key in levels}
    if terms.limits is not None:
        customs[odcs.LIMITS] = terms.limits.model_dump(mode="json", exclude_none=True)
    if terms.notice_period is not None:
        customs[odcs.NOTICE_PERIOD] = format_duration(terms.notice_period)
    read = [rule.name for name, model in port.models.items() for rule in _in_order(placed[name], model)]
    if read != [rule.name for rule in quality]:
        customs[odcs.QUALITY_ORDER] = [rule.name for rule in quality]
    return customs


def _placed(rules: Sequence[QualityRule], models: Mapping[str, SemanticModel]) -> dict[str, list[QualityRule]]:
    """The tests of each model.

    Tests without a model belong to the first one, since ODCS has no other place for them.
    """
    placed: dict[str, list[QualityRule]] = {name: [] for name in models}
    first = next(iter(models))
    for rule in rules:
        placed.get(rule.model or first, placed[first]).append(rule)
    return placed


def _at_property(rule: QualityRule, model: SemanticModel) -> bool:
    """Whether a test belongs at its property rather than at the model."""
    return rule.property in model.properties


def _in_order(rules: Sequence[QualityRule], model: SemanticModel) -> list[QualityRule]:
    """The tests of one model in the order of an import: first the model's, then property by property."""
    order = [rule for rule in rules if not _at_property(rule, model)]
    for name in model.properties:
        order += [rule for rule in rules if rule.property == name]
    return order


def _object(
    name: str,
    model: SemanticModel,
    models: Mapping[str, SemanticModel],
    placed: Mapping[str, Sequence[QualityRule]],
    results: Mapping[str, Mapping[str, Any]],
) -> Document:
    rules = placed[name]
    quality = [_rule(rule, name, None, model, results) for rule in rules if not _at_property(rule, model)]
    known, elsewhere = [], []
    for index, relationship in enumerate(model.relationships):
        if _has_references(relationship, model, models.get(relationship.to)):
            known.append(_relationship(name, relationship))
        else:
            elsewhere.append({"index": index, **relationship.model_dump(mode="json")})
    properties = []
    keys = [key for key, one in model.properties.items() if one.key]
    for key, one in model.properties.items():
        about = [_rule(rule, name, key, model, results) for rule in rules if rule.property == key]
        position = keys.index(key) + 1 if one.key else None
        properties.append({"name": key, **_property(one, position), **_listed("quality", about)})
    return {
        "name": name,
        "logicalType": "object",
        **_given_texts({"description": model.description}),
        **({} if model.entity is None else {"businessName": model.entity}),
        "properties": properties,
        **_listed("relationships", known),
        **_listed("quality", quality),
        **_customs(_times(model) | ({odcs.RELATIONSHIPS: elsewhere} if elsewhere else {})),
    }


def _times(model: SemanticModel) -> Document:
    """The times of a model, which ODCS has no place for."""
    limit = None if model.timeliness is None else format_duration(model.timeliness)
    found = {odcs.EVENT_TIME: model.event_time, odcs.INGESTION_TIME: model.ingestion_time, odcs.TIMELINESS: limit}
    return {name: value for name, value in found.items() if value is not None}


def _property(one: Property, key_position: int | None = None) -> Document:
    document: Document = {"logicalType": one.type.value, **_given_texts({"description": one.description})}
    if one.precision is not None:  # ODCS has no option of a logical type for it
        digits = one.precision if one.scale is None else f"{one.precision},{one.scale}"
        document["physicalType"] = f"decimal({digits})"
    flags = {"required": one.required, "unique": one.unique, "primaryKey": one.key}
    document |= {name: True for name, holds in flags.items() if holds}
    if key_position is not None:
        document["primaryKeyPosition"] = key_position
    customs: Document = {}
    if one.enum is not None:
        values = [odcs.whole(value) for value in one.enum]
        standard = _without_repeated_numbers(values)
        document |= _listed("enum", [{"value": value} for value in standard])
        if not values or standard != values:
            customs[odcs.ENUM] = list(one.enum)
    options = {"pattern": one.pattern, "minimum": odcs.whole(one.minimum), "maximum": odcs.whole(one.maximum)}
    if known := {name: value for name, value in options.items() if value is not None}:
        document["logicalTypeOptions"] = known
    if one.classification is not None:
        document["classification"] = one.classification
    if one.properties is not None:
        document["properties"] = [{"name": name, **_property(part)} for name, part in one.properties.items()]
    if one.items is not None:
        document["items"] = _property(one.items)
    return document | _customs(customs)


def _without_repeated_numbers(values: Sequence[Any]) -> list[Any]:
    """The values without duplicates. ODCS allows each value once, and 1 equals 1.0."""
    seen: dict[tuple[bool, Any], Any] = {}
    for value in values:
        seen.setdefault((isinstance(value, str), value), value)
    return list(seen.values())


def _has_references(relationship: Relationship, model: SemanticModel, target: SemanticModel | None) -> bool:
    """Whether ODCS can express a relationship: it needs properties, and both ends in the document."""
    if not relationship.properties or target is None:
        return False
    here, there = relationship.properties.keys(), set(relationship.properties.values())
    return here <= model.properties.keys() and there <= target.properties.keys()


def _relationship(model: str, relationship: Relationship) -> Document:
    here = [f"{model}.{name}" for name in relationship.properties]
    there = [f"{relationship.to}.{name}" for name in relationship.properties.values()]
    single = len(here) == 1
    custom = {odcs.DESCRIPTION: relationship.description} if relationship.description else {}
    return {"from": here[0] if single else here, "to": there[0] if single else there, **_customs(custom)}


def _rule(
    rule: QualityRule, model: str, key: str | None, of: SemanticModel, results: Mapping[str, Mapping[str, Any]]
) -> Document:
    document: Document = {"name": rule.name, "type": rule.type}
    for name in ("description", "metric", "query", "dimension", "severity", "unit"):
        if getattr(rule, name):
            document[name] = getattr(rule, name)
    arguments = odcs.metric_arguments(rule.metric, of.properties.get(key or ""), _key(of))
    if arguments is not None:
        document["arguments"] = arguments
    customs: Document = {}
    if rule.model != model:
        customs[odcs.MODEL] = rule.model
    if rule.property != key:
        customs[odcs.PROPERTY] = rule.property
    for operator in OPERATORS:
        value = getattr(rule, operator)
        if value is None:
            continue
        written = [odcs.whole(bound) for bound in value] if isinstance(value, tuple) else odcs.whole(value)
        if rule.type == "text":  # a rule in prose has no comparison in ODCS
            customs[operator] = written
        elif isinstance(written, list) and written[0] == written[1]:  # ODCS requires two different bounds
            document[_CONSTANT[operator]] = written[0]
            customs[operator] = written
        else:
            document[operator] = written
    if rule.name in results:
        customs[odcs.RESULT] = dict(results[rule.name])
    return document | _customs(customs)


def _key(model: SemanticModel) -> tuple[str, ...]:
    return tuple(name for name, declared in model.properties.items() if declared.key)


def _customs(values: Mapping[str, Any]) -> Document:
    customs = [{"property": name, "value": value, "vendor": odcs.VENDOR} for name, value in values.items()]
    return _listed("customProperties", customs)


def _listed(name: str, values: Sequence[Any]) -> Document:
    return {name: list(values)} if values else {}


def _given_texts(texts: Mapping[str, str]) -> Document:
    return {name: text for name, text in texts.items() if text}
