"""The records of the registry. One record describes one object in one environment, named by its address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

DomainType = Literal["source_aligned", "aggregated", "consumer_aligned"]
TeamKind = Literal["data_product_team", "platform_team", "governance_group"]
RequesterKind = Literal["data_product", "technical_team", "user", "data_domain"]
RequestState = Literal["requested", "approved", "granted", "rejected", "revoked", "expired"]
Persona = Literal[
    "data_product_developer", "data_product_consumer", "data_product_owner", "platform_developer", "platform_owner"
]


class Record(BaseModel):
    """A thing of the mesh, named by environment and address."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: ClassVar[str]

    environment: str = Field(description="Environment the record belongs to.")
    address: str = Field(description="Name of the thing across the mesh.")


class DomainRecord(Record):
    """A data domain; address ``domain``."""

    kind: ClassVar[str] = "domain"

    type: DomainType
    owner: str = Field(description="Email of a user.")
    description: str = ""


class TeamRecord(Record):
    """A technical team; address ``domain/team``."""

    kind: ClassVar[str] = "team"

    domain: str
    name: str
    team_kind: TeamKind
    members: tuple[str, ...] = Field(default=(), description="Emails of users, sorted.")


class SourceSystemRecord(Record):
    """An operational system that is referred to and not managed; address ``domain/source-system``."""

    kind: ClassVar[str] = "source_system"

    domain: str
    name: str
    description: str = ""
    technology: str = ""
    contact: str = ""


class UserRecord(Record):
    """A person; the address is the email."""

    kind: ClassVar[str] = "user"

    name: str
    personas: tuple[Persona, ...] = Field(default=(), description="Sorted.")


class PolicyRecord(Record):
    """A policy of the mesh repo; the address is its name."""

    kind: ClassVar[str] = "policy"

    owner: str = Field(description="Name of the governance group that owns it.")
    effect: str
    document: dict[str, Any] = Field(description="The policy as its file declares it, without its cases.")


class FoundationRecord(Record):
    """The outputs of a shared stack; the address is its Pulumi project."""

    kind: ClassVar[str] = "foundation"

    component: str = Field(description="Component that creates it.")
    outputs: dict[str, Any] = Field(default_factory=dict, description="Outputs of the stack.")


class ProductRecord(Record):
    """A data product; address ``domain/product``."""

    kind: ClassVar[str] = "product"

    team: str = Field(description="Name of its team.")
    owner: str = Field(description="Email of its owner.")
    version: str = Field(description="Semantic version of the product.")
    lifecycle: str = Field(description="Lifecycle that the manifest declares.")
    description: str = Field(default="", description="The product, in a sentence.")
    source_systems: tuple[str, ...] = Field(default=(), description="Source systems that it relies on.")
    code: dict[str, Any] | None = Field(
        default=None, description="Component, component type and connection of the code."
    )
    needs: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Need: component, component type and connection."
    )
    identity: dict[str, str] | None = Field(
        default=None, description="Identity that the code runs as, where it has its own: kind and name."
    )


class PortRecord(Record):
    """An input or output port; address ``domain/product/port``."""

    kind: ClassVar[str] = "port"

    product: str = Field(description="Address of the product.")
    direction: Literal["input", "output"] = Field(description="Direction of the data.")
    description: str = Field(default="", description="The port, in a sentence.")
    origin: str | None = Field(
        default=None, description="Input: domain/source-system, or the address of the output port it reads."
    )
    from_product: bool = Field(default=False, description="Input: whether the origin is another product's output port.")
    storage: str = Field(default="", description="Component that keeps the data.")
    storage_type: str = Field(default="", description="Its component type.")
    proxy: str | None = Field(default=None, description="Component that gives access.")
    proxy_type: str | None = Field(default=None, description="Its component type.")
    models: tuple[str, ...] = Field(default=(), description="Output: models it exposes.")
    connections: dict[str, Any] = Field(
        default_factory=dict, description="A PortConnections document for the product's code."
    )


class AssetRecord(Record):
    """One semantic model as exposed by one output port; address ``domain/product/port/model``."""

    kind: ClassVar[str] = "asset"

    product: str = Field(description="Address of the product.")
    port: str = Field(description="Address of the output port.")
    model: str = Field(description="Name of the semantic model.")
    definition: dict[str, Any] = Field(description="The semantic model, as the manifest declares it.")


class ScoreDeduction(BaseModel):
    """Points that a policy deducted from a value score."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: str
    points: int
    message: str


class ValueScoreRecord(Record):
    """The value score of a product at its last deployment; its address is the product's."""

    kind: ClassVar[str] = "value_score"

    product: str = Field(description="Address of the product.")
    value: int = Field(description="From 0 to 100.")
    deductions: tuple[ScoreDeduction, ...] = ()
    open: tuple[str, ...] = Field(default=(), description="Devaluing policies that could not be evaluated.")
    policies: str = Field(description="Digest of the evaluated policies.")


class ContractRecord(Record):
    """The contract of an output port; its address is the port's."""

    kind: ClassVar[str] = "contract"

    product: str = Field(description="Address of the product.")
    version: str = Field(description="Semantic version of the contract.")
    lifecycle: str = Field(description="Lifecycle of the contract.")
    access: str = Field(description="Access type: restricted, internal or public.")
    document: dict[str, Any] = Field(description="The whole contract, as the manifest declares it.")
    models: dict[str, dict[str, Any]] = Field(default_factory=dict, description="Model: its definition under it.")
    protocols: tuple[str, ...] = Field(default=(), description="Protocols that consumers may use.")


class ManifestRecord(Record):
    """A product's manifest as it was deployed last; address ``domain/product``.

    It allows composing a product's plan without its repo, to deploy or remove a grant.
    """

    kind: ClassVar[str] = "manifest"

    root: str = Field(description="Folder of the product's repo; relative paths start there.")
    document: str = Field(
        description="The manifest as JSON with overlay and contract files merged in; text, because its order matters."
    )


class ContractVersionRecord(Record):
    """One version of a contract, kept permanently and immutable once active; address ``domain/product/port@1.2.0``."""

    kind: ClassVar[str] = "contract_version"

    product: str
    port: str = Field(description="Address of the output port.")
    version: str
    lifecycle: str
    access: str
    document: dict[str, Any] = Field(description="The whole contract, as the manifest declared it.")
    models: dict[str, dict[str, Any]] = Field(description="Model: its definition under this version.")
    protocols: tuple[str, ...] = Field(description="Protocols that consumers use.")


class NoticeRecord(Record):
    """A notice to the consumers of a port; address ``domain/product/port#what@1.2.0``."""

    kind: ClassVar[str] = "notice"

    product: str
    port: str = Field(description="Address of the output port.")
    what: str = Field(description="breaking-change, deprecation, retirement or removal.")
    version: str = Field(description="Version of the contract that it concerns.")
    given_at: datetime
    period_seconds: float = Field(description="The notice period that was promised then.")
    given_by: str
    message: str = ""


class MaintenanceRecord(Record):
    """An announced maintenance of a port; address ``domain/product/port#maintenance@2026-03-01T12:00``."""

    kind: ClassVar[str] = "maintenance"

    product: str
    port: str = Field(description="Address of the output port.")
    starts_at: datetime
    ends_at: datetime
    announced_at: datetime
    announced_by: str
    message: str = ""
    cancelled_at: datetime | None = None
    cancelled_by: str = ""


class RequestStep(BaseModel):
    """A transition of a request: time, actor and reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: RequestState
    at: datetime
    by: str = Field(description="Actor: the subject of an identity, or the policy that approved.")
    reason: str = ""


class AccessRequestRecord(Record):
    """A request for access to an output port; address ``req-`` and eight hexadecimal digits."""

    kind: ClassVar[str] = "access_request"

    product: str = Field(description="Address of the product that owns the port.")
    port: str = Field(description="Address of the output port.")
    requester_kind: RequesterKind
    requester: str = Field(description="domain/product, domain/team, email or domain.")
    purpose: str
    ends_at: datetime | None = Field(default=None, description="End of access; None: no end.")
    renews: str | None = Field(default=None, description="Address of the request that it renews.")
    state: RequestState
    steps: tuple[RequestStep, ...] = Field(
        min_length=1, description="Every state in order; a step to the same state moved the end of access."
    )


class GrantRecord(Record):
    """Access of a consumer, granted by a deployment; its address is the address of its request."""

    kind: ClassVar[str] = "grant"

    product: str = Field(description="Address of the product that grants.")
    port: str = Field(description="Address of the output port.")
    requester_kind: RequesterKind = Field(description="Kind of the requester.")
    requester: str = Field(description="domain/product, domain/team, email or domain.")
    purpose: str = Field(default="", description="Purpose that the request gives.")
    principals: tuple[str, ...] = Field(default=(), description="Principals with access, as the technology names them.")
    behind: tuple[str, ...] = Field(
        default=(), description="People and teams behind the requester when access was granted."
    )
    ends_at: datetime | None = Field(default=None, description="When access ends; by default it does not.")


class CredentialRecord(Record):
    """A credential that somebody holds, without its secret; address ``request/user/holder``."""

    kind: ClassVar[str] = "credential"

    product: str = Field(description="Address of the product that grants.")
    port: str = Field(description="Address of the output port.")
    request: str = Field(description="Address of the access request.")
    holder: str = Field(description="Subject of the identity that received it.")
    user: str = Field(description="User name of the credential at its system.")
    slot: int = Field(default=1, description="1 or 2: during a rotation, a holder has one in each.")
    issued_at: datetime = Field(description="When it was issued.")
    expires_at: datetime | None = Field(default=None, description="When it expires; by default with its request.")


class HoldingRecord(Record):
    """A resource of a product that is retained on deletion because of its data; address ``domain/product#type::name``.

    The registry records it before a run that may delete it from the state, so that a later run can import it.
    """

    kind: ClassVar[str] = "holding"

    product: str = Field(description="Address of the product.")
    type: str = Field(description="Pulumi type.")
    name: str = Field(description="Name of the Pulumi resource.")
    id: str = Field(description="Id at its provider.")


class LineageRecord(Record):
    """Data flows from ``source`` into ``target``; its address is ``source -> target``."""

    kind: ClassVar[str] = "lineage"

    product: str = Field(description="Address of the product that declares it.")
    source: str = Field(description="domain/source-system, or the address of an output port.")
    source_kind: Literal["source_system", "output_port"] = Field(description="Kind of the source.")
    target: str = Field(description="Address of the input port.")


Trigger = Literal["schedule", "manual", "asset", "backfill"]


@dataclass(frozen=True, slots=True)
class RunDetails:
    """The engine and the reason of a run of a product's code: the fields of :class:`Deployment` with these names."""

    engine: str | None = None
    engine_run: str | None = None
    trigger: Trigger = "manual"
    attempt: int = 1
    interval: tuple[datetime, datetime] | None = None
    request: str | None = None


class RunInput(BaseModel):
    """The source of one input port, at the start of a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    origin: str | None = Field(default=None, description="Source system, or the address of the output port.")
    versions: dict[str, str] = Field(
        default_factory=dict,
        description="Version of the data by model, or of `files`: of a table, or the time of the last landing.",
    )
    run: str | None = Field(default=None, description="Newest run of the upstream product that changed the port.")
    product_version: str | None = Field(default=None, description="Version of the upstream product.")


class Deployment(BaseModel):
    """One operation on a product, with its outcome. The history remains after the product is removed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="Random, unique.")
    environment: str
    product: str = Field(description="Address of the product.")
    operation: Literal["up", "refresh", "destroy", "run"]
    started_at: datetime
    finished_at: datetime | None = Field(default=None, description="None while it runs, or after a kill.")
    outcome: Literal["running", "succeeded", "failed", "cancelled"] = "running"
    actor: str = Field(description="Subject of the acting identity.")
    version: str = Field(default="", description="Version of the product deployed.")
    process: str | None = Field(default=None, description="Machine, id and start of the process that runs it.")
    seen_at: datetime | None = Field(default=None, description="When its process last reported that it runs.")
    changes: dict[str, int] = Field(default_factory=dict, description="Operation: number of resources, records aside.")
    problem: str | None = Field(default=None, description="Reason of the failure, in one sentence.")
    exit_status: int | None = Field(default=None, description="Of the product's code.")
    output: str | None = Field(
        default=None, description="Output of the product's code: masked, and only the end of a long output."
    )
    written: dict[str, int] = Field(
        default_factory=dict, description="Rows that the product's code wrote, by port and model: port/model."
    )
    engine: str | None = Field(default=None, description="Engine that started a run; None for `alchemesh run` itself.")
    engine_run: str | None = Field(default=None, description="The engine's own id of the run.")
    trigger: Trigger | None = Field(
        default=None, description="Reason of a run; None in runs that earlier versions recorded."
    )
    attempt: int | None = Field(default=None, description="Number of the attempt of a run: 1 for the first.")
    interval: tuple[datetime, datetime] | None = Field(
        default=None, description="Interval of time whose data a run of a backfill is about: from, to."
    )
    request: str | None = Field(default=None, description="Id of the request that a run carries out.")
    inputs: dict[str, RunInput] = Field(
        default_factory=dict, description="Inputs of a run by input port, recorded before its code started."
    )
    cancelled_by: str | None = Field(default=None, description="Identity that asked to cancel it.")

    @property
    def seconds(self) -> float | None:
        """Duration, after its end."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None


class Change(BaseModel):
    """One line of the history: a record was created, changed or removed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    environment: str
    kind: str
    address: str
    change: Literal["created", "updated", "removed"]
    document: dict[str, Any]
