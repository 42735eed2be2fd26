"""The schema of the manifest: the data product, its ports, models, contracts, code and needs.

Terms follow docs/concepts; logical types and quality rules follow the Open Data Contract Standard (ODCS) 3.
"""

# Annotations are values here: pydantic would compile each text again whenever a command starts.
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    StringConstraints,
    Tag,
)

from alchemesh_platform.base.money.currency import price_of
from alchemesh_platform.base.packages.ranges import split_range
from alchemesh_platform.base.units import PERCENTILE_PATTERN, Duration, Percent
from alchemesh_platform.base.usage_limit import CountLimit, SizeLimit
from alchemesh_platform.documents.choices import OneOf
from alchemesh_platform.documents.models import Email, Identifier, Name, ProductAddress, RequestedType, Strict, Version
from alchemesh_platform.documents.patterns import CURRENCY_PATTERN, TIME_ZONE_PATTERN
from alchemesh_platform.registration.protocol import protocol_names

Protocol = Annotated[str, OneOf(protocol_names)]


WINDOW = timedelta(days=30)  # of service levels, by default
PERCENTILE = "p95"  # of a response time, by default
TimeZone = Annotated[str, StringConstraints(pattern=TIME_ZONE_PATTERN)]

# A decimal, which documents, records and Pulumi's state hold as a number: the manifest's checks refuse more digits than
# a number keeps.
if TYPE_CHECKING:
    Price = Decimal
else:
    Price = Annotated[float, Field(ge=0), AfterValidator(price_of), PlainSerializer(float, return_type=float)]


class Lifecycle(StrEnum):
    """The lifecycle of a data product."""

    DEVELOPMENT = "development"
    DISCOVERY = "discovery"
    STABLE = "stable"
    DECOMMISSIONED = "decommissioned"


class LogicalType(StrEnum):
    """ODCS logical types."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    OBJECT = "object"
    ARRAY = "array"


class Property(Strict):
    """One property of a semantic model."""

    type: LogicalType = Field(description="ODCS logical type.")
    description: str = Field(default="", description="Its meaning in the domain.")
    required: bool = Field(default=False, description="Whether every row has a value.")
    key: bool = Field(default=False, description="Whether the property is part of the key.")
    unique: bool = Field(default=False, description="Whether no two rows have the same value.")
    enum: tuple[str | int | float, ...] | None = Field(default=None, description="Allowed values.")
    pattern: str | None = Field(
        default=None, description="Regular expression, as RE2 accepts it, that a string value matches."
    )
    minimum: int | float | str | None = Field(
        default=None, description="Smallest allowed value of a number, date or timestamp."
    )
    maximum: int | float | str | None = Field(
        default=None, description="Greatest allowed value of a number, date or timestamp."
    )
    precision: int | None = Field(
        default=None, ge=1, le=38, description="Digits of a number in all; the number is then an exact decimal."
    )
    scale: int | None = Field(
        default=None, ge=0, le=38, description="Digits of a number after the point; needs a precision."
    )
    classification: str | None = Field(
        default=None, description="Sensitivity, as the company names it: public, internal, confidential, …"
    )
    properties: "dict[Identifier, Property] | None" = Field(default=None, description="Parts of an object.")
    items: "Property | None" = Field(default=None, description="Type of the items of an array.")


class SourceProperty(Property):
    """One property of the data that an input port brings, with the form of its values in the source."""

    column: str | None = Field(
        default=None, min_length=1, description="Name in the source, if it differs from the property's name."
    )
    format: str | None = Field(
        default=None,
        min_length=1,
        description="Form of a date, time or timestamp, in letters of JDK DateTimeFormatter as in ODCS: dd.MM.yyyy.",
    )
    time_zone: TimeZone | None = Field(
        default=None, description="Time zone of timestamps without one: Europe/Berlin. The port's zone by default."
    )
    properties: "dict[Identifier, SourceProperty] | None" = Field(default=None, description="Parts of an object.")  # type: ignore[assignment] # narrower
    items: "SourceProperty | None" = Field(default=None, description="Type of the items of an array.")


class Relationship(Strict):
    """How a model refers to another."""

    to: Identifier = Field(description="The model referred to.")
    description: str = Field(default="", description="Meaning of the relationship.")
    properties: dict[Identifier, Identifier] = Field(
        default_factory=dict, description="Property of this model: property of the other model."
    )


class SemanticModel(Strict):
    """A machine- and human-readable model of the domain."""

    description: str = Field(default="", description="Meaning of one row.")
    entity: str | None = Field(default=None, description="The entity of the domain that it describes.")
    event_time: Identifier | None = Field(
        default=None,
        description="Property with the time at which the event of a row happened: a timestamp or date. `observe` "
        "measures the age of the data by it.",
    )
    ingestion_time: Identifier | None = Field(
        default=None, description="Property with the time at which a row was brought in: a timestamp or date."
    )
    timeliness: Duration | None = Field(
        default=None, description="Longest time from event to ingestion of a timely row; needs both times."
    )
    reference: Name | None = Field(
        default=None,
        description="Input port whose rows are the truth. `observe` compares rows with the same key: accuracy.",
    )
    properties: dict[Identifier, Property] = Field(min_length=1, description="Property name: property.")
    relationships: tuple[Relationship, ...] = Field(default=(), description="Models that it refers to.")


class ComponentUse(Strict):
    """A component type with its arguments; the platform file says which component implements it."""

    component: RequestedType = Field(
        description="Component type, with a range of versions if you need one: columnar-table@^2. "
        "`alchemesh components list` shows all."
    )
    args: dict[str, Any] = Field(default_factory=dict, description="Arguments of the component.")

    @property
    def component_type(self) -> str:
        """The component type, without its range of versions."""
        return split_range(self.component)[0]


class SourceSystemOrigin(Strict):
    """Data that comes from an operational system of the domain."""

    source_system: Name = Field(description="One of the manifest's source_systems.")


class OutputPortOrigin(Strict):
    """Data that comes from an output port of another data product."""

    data_product: ProductAddress = Field(description="Address of the product: domain/product.")
    output_port: Name = Field(description="Its output port.")


PRODUCT_INPUT_TYPE = "data-product-input"


def _form_of_schema(value: Any) -> str:
    return "str" if isinstance(value, str) else "dict"


DeclaredSchema = Annotated[
    Annotated[Identifier, Tag("str")] | Annotated[dict[Identifier, SourceProperty], Tag("dict")],
    Discriminator(_form_of_schema),
]


class InputPort(Strict):
    """Where data comes into the product."""

    name: Name = Field(description="Name of the port, unique among the product's ports and needs.")
    origin: SourceSystemOrigin | OutputPortOrigin = Field(alias="from", description="Origin of the data.")
    component: RequestedType | None = Field(
        default=None,
        description="Component type that ingests the data, with a range of versions if you need one; required with a "
        "source system, fixed with a data product.",
    )
    args: dict[str, Any] = Field(default_factory=dict, description="Arguments of the component.")
    declared_schema: DeclaredSchema | None = Field(
        default=None,
        alias="schema",
        description="Schema of the incoming data: a model of this product, or its properties. It is enforced.",
    )
    description: str = Field(default="", description="Description of the incoming data.")

    @property
    def component_type(self) -> str:
        """The component type in force, without its range of versions."""
        return split_range(self.component or PRODUCT_INPUT_TYPE)[0]


class InfrastructureNeed(ComponentUse):
    """Infrastructure that the code needs and no port provides."""

    name: Name = Field(description="Name of the need, unique among the product's ports and needs.")
    description: str = Field(default="", description="Its purpose.")


class ProxyUse(ComponentUse):
    """A proxy that gives access to a storage by protocol and query language."""

    protocols: tuple[Protocol, ...] = Field(min_length=1, description="Protocols offered to consumers.")


class ContractLifecycle(StrEnum):
    """The lifecycle of a data contract."""

    DRAFT = "draft"
    ACTIVE = "active"
    DEPRECATED = "deprecated"
    RETIRED = "retired"


class AccessType(StrEnum):
    """The audience: after review, the same domain without review, or everybody without review."""

    RESTRICTED = "restricted"
    INTERNAL = "internal"
    PUBLIC = "public"


class ServiceLevels(Strict):
    """Service levels that the contract promises to consumers."""

    uptime: Percent | None = Field(default=None, description="Share of time the port answers.")
    update_frequency: Duration | None = Field(default=None, description="Longest time between two updates.")
    response_time: Duration | None = Field(default=None, description="Longest time a request takes.")
    freshness: Duration | None = Field(
        default=None, description="Longest time from a change of the storage until consumers read it."
    )
    percentile: Annotated[str, StringConstraints(pattern=PERCENTILE_PATTERN)] | None = Field(
        default=None, description="Share of requests that keep the response time; p95 by default."
    )
    window: Duration | None = Field(
        default=None, description="Time over which uptime, response time and updates are measured; 30d by default."
    )
    maintenance: Duration | None = Field(
        default=None, description="Longest announced maintenance in a window, which uptime leaves out; none by default."
    )
    time_zone: TimeZone | None = Field(
        default=None, description="Time zone of an update frequency in days: Europe/Berlin; UTC by default."
    )

    # A field is None where the manifest does not say it: a recorded document of an earlier version has no such keys.
    @property
    def window_in_force(self) -> timedelta:
        """The window, or its default."""
        return WINDOW if self.window is None else self.window

    @property
    def percentile_in_force(self) -> str:
        """The percentile, or its default."""
        return self.percentile or PERCENTILE

    @property
    def time_zone_in_force(self) -> str:
        """The time zone, or its default."""
        return self.time_zone or "UTC"


class Credits(Strict):
    """Credits to consumers for service levels that are broken at the end of a month."""

    uptime: Percent | None = Field(default=None, description="Share of the month's charges, if uptime is broken.")
    update_frequency: Percent | None = Field(
        default=None, description="Share of the month's charges, if the update frequency is broken."
    )
    response_time: Percent | None = Field(
        default=None, description="Share of the month's charges, if the response time is broken."
    )
    freshness: Percent | None = Field(
        default=None, description="Share of the month's charges, if the freshness is broken."
    )


class Billing(Strict):
    """The price of consumption."""

    model: Literal["free", "flat", "per_use"] = Field(description="Billing model.")
    price: Price = Field(default=Decimal(0), description="Price of one unit, in the currency.")
    currency: Annotated[str, StringConstraints(pattern=CURRENCY_PATTERN)] | None = Field(
        default=None, description="ISO 4217 code."
    )
    per: str | None = Field(
        default=None,
        description="The quantity that the price is for. With per_use: 1000 requests, 1 million rows, GB; with "
        "flat: day, week, month, quarter, year or 30d, a month by default.",
    )
    time_zone: TimeZone | None = Field(
        default=None, description="Time zone of the months that are billed: Europe/Berlin. UTC by default."
    )
    credits: Credits | None = Field(default=None, description="Credits for broken service levels.")


class UsageLimits(Strict):
    """The most that one consumer may use in an hour, day or month of UTC."""

    requests: CountLimit | None = Field(default=None, description="Requests and queries: 10000/day.")
    bytes: SizeLimit | None = Field(default=None, description="Bytes of the answers: 5GB/month.")
    rows: CountLimit | None = Field(default=None, description="Rows of the answers, where the gateway knows them.")


class Terms(Strict):
    """Terms that consumer and provider commit to."""

    usage: str = Field(default="", description="Permitted and prohibited use of the data.")
    limits: UsageLimits | None = Field(default=None, description="The most that one consumer may use.")
    billing: Billing | None = Field(default=None, description="Price of consumption.")
    notice_period: Duration | None = Field(
        default=None, description="Time for consumers to adapt to a removal or a breaking change."
    )


class QualityRule(BaseModel):
    """A business test, written as an ODCS quality rule (its keys are ODCS's own, in camel case)."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: Name = Field(description="Name of the test, unique in the contract.")
    description: str = Field(default="", description="The value promised to consumers that it checks.")
    type: Literal["sql", "library", "text"] = Field(default="library", description="Form of the rule.")
    query: str | None = Field(default=None, description="SQL that gives one number; needed when type is sql.")
    metric: Literal["nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount"] | None = Field(
        default=None, description="Metric of the ODCS library; needed when type is library."
    )
    model: Identifier | None = Field(default=None, description="Model of the port that the metric is taken of.")
    property: Identifier | None = Field(default=None, description="Property that the metric is taken of.")
    unit: Literal["rows", "percent"] | None = Field(default=None, description="Unit of the value compared.")
    dimension: (
        Literal["accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness"] | None
    ) = Field(default=None, description="Quality dimension.")
    severity: Literal["info", "warning", "error"] | None = Field(default=None, description="Weight of a failure.")
    mustBe: float | str | None = Field(default=None, description="The value equals this.")
    mustNotBe: float | str | None = Field(default=None, description="The value differs from this.")
    mustBeGreaterThan: float | None = Field(default=None, description="The value is greater than this.")
    mustBeGreaterOrEqualTo: float | None = Field(default=None, description="The value is at least this.")
    mustBeLessThan: float | None = Field(default=None, description="The value is less than this.")
    mustBeLessOrEqualTo: float | None = Field(default=None, description="The value is at most this.")
    mustBeBetween: tuple[float, float] | None = Field(default=None, description="The value lies between these two.")
    mustNotBeBetween: tuple[float, float] | None = Field(default=None, description="The value lies outside of these.")


class Contract(Strict):
    """The contract of an output port with its consumers."""

    version: Version = Field(description="Semantic version of the contract.")
    lifecycle: ContractLifecycle = Field(default=ContractLifecycle.DRAFT, description="Lifecycle of the contract.")
    access: AccessType = Field(default=AccessType.RESTRICTED, description="Audience of the port.")
    service_levels: ServiceLevels = Field(default_factory=ServiceLevels, description="Promised service levels.")
    terms: Terms = Field(default_factory=Terms, description="Terms of both sides.")
    quality: tuple[QualityRule, ...] = Field(default=(), description="Business tests, as ODCS writes them.")


class OutputPort(Strict):
    """A storage, paired with a proxy that gives access to it, under a contract."""

    name: Name = Field(description="Name of the port, unique among the product's ports and needs.")
    models: tuple[Identifier, ...] = Field(min_length=1, description="Models of the product that it exposes.")
    storage: ComponentUse = Field(description="Storage of the data.")
    proxy: ProxyUse | None = Field(
        default=None,
        description="Proxy that gives access by protocol; without one, consumers access the storage itself.",
    )
    contract: Contract | None = Field(
        default=None, description="The contract, in place or as the path of a YAML file beside the manifest."
    )
    description: str = Field(default="", description="Description of the outgoing data.")


class DataProduct(Strict):
    """A data product: everything a product team declares."""

    kind: Literal["DataProduct"] = Field(description="Always DataProduct.")
    name: Name = Field(description="Name of the product, unique in its domain.")
    domain: Name = Field(description="Data domain that owns it.")
    team: Name = Field(description="Data product team of that domain.")
    owner: Email = Field(description="User with the owner persona.")
    version: Version = Field(description="Semantic version of the product.")
    lifecycle: Lifecycle = Field(default=Lifecycle.DEVELOPMENT, description="Lifecycle of the product.")
    description: str = Field(default="", description="Description of the product in one sentence.")
    source_systems: tuple[Name, ...] = Field(default=(), description="Operational systems that the product uses.")
    input_ports: tuple[InputPort, ...] = Field(default=(), description="Input ports.")
    models: dict[Identifier, SemanticModel] = Field(default_factory=dict, description="Model name: semantic model.")
    infrastructure: tuple[InfrastructureNeed, ...] = Field(
        default=(), description="Infrastructure that the code needs."
    )
    code: ComponentUse | None = Field(default=None, description="The team's own code.")
    output_ports: tuple[OutputPort, ...] = Field(default=(), description="Output ports.")

    @property
    def address(self) -> str:
        """``domain/product``."""
        return f"{self.domain}/{self.name}"
