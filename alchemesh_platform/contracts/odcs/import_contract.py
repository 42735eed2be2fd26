"""Imports a contract of the Open Data Contract Standard (ODCS) into a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.money.currency import price_of
from alchemesh_platform.base.money.quantity import PERIOD_EXAMPLES, PERIODS, USE_EXAMPLES, USES, parse_quantity
from alchemesh_platform.base.names import NAME_MAX, NAME_PATTERN
from alchemesh_platform.base.problems import Problem, ProblemsFound
from alchemesh_platform.base.units import Duration, Percent, format_duration
from alchemesh_platform.contracts.odcs import terms as odcs
from alchemesh_platform.contracts.odcs.models import read_models
from alchemesh_platform.contracts.odcs.quality import in_order, read_quality
from alchemesh_platform.contracts.odcs.reading import Custom, Reading, fitting
from alchemesh_platform.contracts.odcs.yaml_text import yaml_text
from alchemesh_platform.contracts.port import PromisedPort
from alchemesh_platform.documents.document import Node, Path, described, quoted
from alchemesh_platform.documents.patterns import CURRENCY_PATTERN, VERSION_PATTERN
from alchemesh_platform.documents.validate import validate
from alchemesh_platform.manifest.models import (
    AccessType,
    Billing,
    Contract,
    ContractLifecycle,
    Credits,
    ServiceLevels,
    Terms,
    TimeZone,
    UsageLimits,
)
from alchemesh_platform.registration.protocol import protocol_names

if TYPE_CHECKING:
    from open_data_contract_standard.model import OpenDataContractStandard, ServiceLevelAgreementProperty

FIRST_VERSION = "1.0.0"
PORT_NAME = "imported"
STORAGE, PROXY = "columnar-table", "data-api"  # component types, for a document without servers
# Keys about the document, not about the contract. In a manifest, they belong to the product.
_OF_THE_PRODUCT = ("apiVersion", "kind", "id", "domain", "dataProduct", "contractCreatedTs")
_UNITS = {
    **odcs.UNITS,
    **dict.fromkeys(("day", "days"), timedelta(days=1)),
    **dict.fromkeys(("w", "week", "weeks"), timedelta(weeks=1)),
    **dict.fromkeys(("hr", "hour", "hours"), timedelta(hours=1)),
    **dict.fromkeys(("minute", "minutes"), timedelta(minutes=1)),
    **dict.fromkeys(("sec", "second", "seconds"), timedelta(seconds=1)),
    **dict.fromkeys(("millisecond", "milliseconds"), timedelta(milliseconds=1)),
}
LONGEST = timedelta(days=36_500)  # units of a duration in a manifest
_PERCENT_UNITS = {None, "percent", "%"}


@dataclass(frozen=True, slots=True)
class ImportedPort:
    """The result of an import.

    Args:
        name: A name for the output port.
        description: Description of the port.
        port: The port with its contract.
        problems: A warning for each value that the import adapted or left out.
    """

    name: str
    description: str
    port: PromisedPort
    problems: tuple[Problem, ...]


def import_odcs(tree: Node) -> ImportedPort:
    """Read a contract of ODCS 3 as the contract of an output port.

    Args:
        tree: The document, from :func:`alchemesh_platform.documents.yaml_source.read_document`.

    Raises:
        ProblemsFound: when it is not a contract of ODCS 3, is unreadable, or has no model.
    """
    from open_data_contract_standard.model import OpenDataContractStandard

    found = _foreign(tree)
    if found is not None:
        raise ProblemsFound([found])
    document, problems = validate(tree, OpenDataContractStandard)
    if document is None:
        raise ProblemsFound(problems)
    own = any(custom.vendor == odcs.VENDOR for custom in document.customProperties or ())
    imported = _Import(document, Reading(tree, own=own)).port()
    if not imported.port.models:
        message = "found no object that can be a model, expected at least one"
        raise ProblemsFound([*imported.problems, Problem(tree.locate(("schema",)), "schema", message)])
    return imported


def manifest_text(imported: ImportedPort) -> str:
    """The imported parts as YAML, for pasting into a manifest."""
    port = imported.port
    assert port.contract is not None  # noqa: S101 - every import has one
    known = protocol_names()
    offered = [protocol for protocol in port.protocols if protocol in known]
    storage = next((protocol for protocol in port.protocols if protocol not in known), STORAGE)
    contract = port.contract.model_dump(mode="json", exclude_defaults=True)
    first = {"version": contract.pop("version"), "lifecycle": port.contract.lifecycle.value}
    first["access"] = port.contract.access.value
    billing = port.contract.terms.billing
    if billing is not None and billing.model != "free":  # always write a price, even if it is zero
        contract["terms"]["billing"]["price"] = float(billing.price)
    output: dict[str, Any] = {"name": imported.name}
    if imported.description:
        output["description"] = imported.description
    output |= {"models": list(port.models), "storage": {"component": storage}}
    if offered:
        output["proxy"] = {"component": PROXY, "protocols": offered}
    output["contract"] = first | contract
    models = {name: model.model_dump(mode="json", exclude_defaults=True) for name, model in port.models.items()}
    text = yaml_text({"models": models, "output_ports": [_plain(output)]})
    return (
        f"# To be pasted under the same keys of alchemesh.yaml; `storage` is a component type of your choice.\n{text}"
    )


def _foreign(tree: Node) -> Problem | None:
    """The reason why the document is not a contract of ODCS 3."""
    kind, version = tree.keys.get("kind"), tree.keys.get("apiVersion")
    if "dataContractSpecification" in tree.keys:
        return Problem(
            tree.keys["dataContractSpecification"].key_location,
            "dataContractSpecification",
            "found a contract of the Data Contract Specification, expected one of ODCS 3",
            "`datacontract export odcs` of the Data Contract CLI converts it",
        )
    if kind is None or kind.value != odcs.KIND:
        found = described(kind.value) if kind is not None else "nothing"
        where = kind.location if kind is not None else tree.location
        return Problem(where, "kind", f"found {found}, expected {odcs.KIND}", "a contract of ODCS begins with it")
    if version is None or not str(version.value).startswith("v3."):
        found = described(version.value) if version is not None else "nothing"
        where = version.location if version is not None else tree.location
        return Problem(where, "apiVersion", f"found {found}, expected a version of ODCS 3, such as {odcs.API_VERSION}")
    return None


class _Import:
    """The import of one document."""

    def __init__(self, document: OpenDataContractStandard, reading: Reading) -> None:
        self.document = document
        self.reading = reading
        self.customs = reading.customs((), document.customProperties)

    def port(self) -> ImportedPort:
        """Every part that can be imported, and a warning for each other part."""
        reading, document = self.reading, self.document
        reading.take(*((name,) for name in _OF_THE_PRODUCT), ("description", "purpose"), ("description", "usage"))
        self._team()
        taken = read_models(document.schema_ or [], reading)
        quality = in_order(read_quality(taken, reading), self._custom(odcs.QUALITY_ORDER, list[str]))
        about = document.description
        contract = Contract(
            version=self._version(),
            lifecycle=self._lifecycle(),
            access=self._custom(odcs.ACCESS_TYPE, AccessType) or AccessType.RESTRICTED,
            service_levels=self._service_levels(),
            terms=Terms(
                usage=(about.usage if about is not None else None) or "",
                limits=self._custom(odcs.LIMITS, UsageLimits),
                billing=self._billing(),
                notice_period=self._custom(odcs.NOTICE_PERIOD, Duration),
            ),
            quality=quality,
        )
        name = document.name or PORT_NAME
        name = reading.text(("name",), name, NAME_PATTERN, NAME_MAX, PORT_NAME) or PORT_NAME
        protocols = tuple(self._custom(odcs.PROTOCOLS, list[str]) or ())
        models = {key: one.model for key, one in taken.items()}
        return ImportedPort(
            name,
            (about.purpose if about is not None else None) or "",
            PromisedPort(contract, models, protocols),
            tuple(reading.problems()),
        )

    def _custom(self, name: str, expected: Any) -> Any:
        """The value of a custom property, if it exists with the right type."""
        custom: Custom | None = self.customs.get(name)
        value = None if custom is None else fitting(expected, custom.value)
        if custom is not None and value is not None:
            self.reading.take(custom.path)
        return value

    def _team(self) -> None:
        """Read the product's team and owner, which are not part of the contract, and warn about other members."""
        from open_data_contract_standard.model import Team

        if isinstance(self.document.team, Team):
            self.reading.take(("team", "name"))
            for index, member in enumerate(self.document.team.members or ()):
                if member.role == "owner":
                    place: Path = ("team", "members", index)
                    self.reading.take((*place, "username"), (*place, "role"))

    def _version(self) -> str:
        found = self.document.version or ""
        return self.reading.text(("version",), found, VERSION_PATTERN, len(found) + 4, FIRST_VERSION) or FIRST_VERSION

    def _lifecycle(self) -> ContractLifecycle:
        found = self.document.status
        self.reading.take(("status",))
        if found in set(ContractLifecycle):
            return ContractLifecycle(found)
        if found:
            self.reading.change(("status",), found, ContractLifecycle.DRAFT.value)
        return ContractLifecycle.DRAFT

    def _service_levels(self) -> ServiceLevels:
        levels: dict[str, Any] = {}
        for index, promised in enumerate(self.document.slaProperties or ()):
            path: Path = ("slaProperties", index)
            name, value = _level(promised)
            if name is None or name in levels:
                level = described(promised.property)
                self.reading.leave(path, f"found the service level {level}, for which a manifest has no place")
            else:
                levels[name] = value
                self.reading.take(*((*path, key) for key in ("property", "value", "unit")))
        for name, key in odcs.MEASURING.items():
            value = self._custom(name, ServiceLevels.model_fields[key].rebuild_annotation())
            if value is not None:
                levels[key] = value
        return ServiceLevels(**levels)

    def _billing(self) -> Billing | None:
        price = self.document.price
        model = self._custom(odcs.BILLING_MODEL, Billing.model_fields["model"].annotation)
        zone, shares = self._custom(odcs.BILLING_TIME_ZONE, TimeZone), self._custom(odcs.CREDITS, Credits)
        if price is None:
            return None if model is None else fitting(Billing, {"model": model})
        found = price.priceCurrency
        currency = None
        if found is not None:
            currency = self.reading.text(("price", "priceCurrency"), found, CURRENCY_PATTERN, len(found))
        amount = float(price.priceAmount or 0)
        unit = parse_quantity(price.priceUnit) if price.priceUnit else None
        chosen = model or ("free" if amount == 0 else "flat" if unit is not None and unit.is_period else "per_use")
        known = amount >= 0 and (chosen == "free" or (currency and (chosen == "flat" or price.priceUnit)))
        if not known or (chosen == "free" and amount > 0):
            self.reading.leave(("price",), "found a price without its currency and unit")
            return None
        if chosen != "free" and price.priceUnit and (unit is None or unit.is_period != (chosen == "flat")):
            expected = f"{PERIODS}: {PERIOD_EXAMPLES}" if chosen == "flat" else f"{USES}: {USE_EXAMPLES}"
            self.reading.leave(("price",), f"found a price per {quoted(price.priceUnit)}, expected {expected}")
            return None
        self.reading.take(("price", "priceAmount"), ("price", "priceCurrency"), ("price", "priceUnit"))
        if model is None:
            self.reading.change(("price",), f"a price of {amount:g}", f"the billing model {chosen}")
        return Billing(
            model=chosen,
            price=price_of(amount),
            currency=currency,
            per=price.priceUnit,
            time_zone=zone,
            credits=shares,
        )


def _level(promised: ServiceLevelAgreementProperty) -> tuple[str | None, Any]:
    """The name and the value of the manifest's service level; an empty name if the manifest has none for it."""
    if promised.property == odcs.AVAILABILITY and promised.unit in _PERCENT_UNITS:
        value = promised.value
        text = f"{Decimal(str(value)).normalize():f}%" if _is_number(value) else value
        level = fitting(Percent, text)
        return ("uptime" if level is not None else None), text
    name = odcs.SPANS.get(promised.property or "")
    if name is None or not _is_number(promised.value) or promised.unit not in _UNITS:
        return None, None
    assert isinstance(promised.value, int | float)  # noqa: S101 - just asked
    if not 0 <= promised.value * _UNITS[promised.unit].total_seconds() <= LONGEST.total_seconds():
        return None, None
    span = promised.value * _UNITS[promised.unit]
    whole = span % timedelta(milliseconds=1) == timedelta(0)
    level = fitting(Duration, format_duration(span)) if whole else None
    return (name if level is not None else None), level


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    """The value with numbers without a fraction as whole numbers, at every level."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else odcs.whole(value)
