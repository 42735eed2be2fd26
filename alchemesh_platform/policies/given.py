"""The facts that a case of a policy states, and the schema of a policy file with its cases.

Evaluating a policy needs none of these models: importing them would slow down every check of a manifest.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from alchemesh_platform.documents.models import Name, Strict
from alchemesh_platform.policies.models import Outcome, Policy

RequesterKind = Literal["data_product", "technical_team", "user", "data_domain"]


class GivenDomain(Strict):
    """The facts about the product's domain in a case."""

    type: Literal["source_aligned", "aggregated", "consumer_aligned"] = Field(description="Type of the domain.")


class GivenComponent(Strict):
    """A component of the plan, as far as policies see it."""

    name: Name = Field(default="example", description="Name of the component in the catalogue.")
    type: Name = Field(default="example", description="Component type that it implements.")
    role: Literal["input_port", "storage", "proxy", "infrastructure", "code"] = Field(
        default="storage", description="Its place in the product."
    )
    port: Name = Field(default="example", description="Port or need that it belongs to; code for the product's code.")
    version: str = Field(default="1.0.0", description="Version of the component.")
    maturity: Literal["experimental", "beta", "stable", "deprecated"] = Field(
        default="stable", description="Maturity of the component."
    )
    owner: str = Field(default="platform", description="Platform team that owns it.")
    stateful: bool = Field(default=False, description="Whether it holds data.")
    args: dict[str, Any] = Field(default_factory=dict, description="Arguments that the product team set.")


class GivenRequest(Strict):
    """An access request, as far as policies see it."""

    requester_kind: RequesterKind = Field(default="user", description="Kind of the requester.")
    requester: str = Field(default="somebody@example.org", description="Address of the requester.")
    requester_domains: tuple[Name, ...] = Field(default=(), description="Domains that the requester belongs to.")
    purpose: str = Field(default="example", description="Purpose of the request.")
    days: float | None = Field(default=None, description="Requested days of access; without it, access does not end.")
    port: str = Field(default="example/example/example", description="Address of the output port.")
    access: Literal["restricted", "internal", "public"] = Field(
        default="restricted", description="Access type of the port's contract."
    )
    classifications: tuple[str, ...] = Field(
        default=(), description="Classifications of the properties that the port exposes."
    )


class GivenUser(Strict):
    """The acting user, as far as policies see it."""

    email: str = Field(default="somebody@example.org", description="Email of the user, or the subject of a pipeline.")
    issuer: str = Field(default="local", description="Issuer of the identity; local: this machine, unverified.")
    proven: bool = Field(default=False, description="Whether an issuer verified the identity.")
    known: bool = Field(default=True, description="Whether the mesh has the user.")
    personas: tuple[str, ...] = Field(default=(), description="Personas of the user in the mesh.")
    teams: tuple[str, ...] = Field(default=(), description="Teams of the user, each as domain/team.")
    domains: tuple[Name, ...] = Field(default=(), description="Domains of these teams, and domains that the user owns.")
    pipeline: str = Field(default="", description="Name of the pipeline in the platform file; empty for a person.")
    mapped: bool = Field(
        default=False, description="Whether the platform file maps the pipeline to the operation and its target."
    )


class GivenTarget(Strict):
    """The product of an operation, as far as policies see it."""

    address: str = Field(default="example/example", description="domain/product.")
    team: str = Field(default="example/example", description="Its recorded team, as domain/team.")
    owner: str = Field(default="owner@example.org", description="Email of its recorded owner.")
    deployed: bool = Field(default=True, description="Whether it is deployed; otherwise team and owner are declared.")
    new_team: str | None = Field(default=None, description="Declared team; by default the recorded one.")
    new_owner: str | None = Field(default=None, description="Declared owner; by default the recorded one.")


class GivenMesh(Strict):
    """A change of the recorded mesh, as far as policies see it."""

    domains: tuple[Name, ...] = Field(default=(), description="Domains whose teams or source systems change.")
    owned: tuple[Name, ...] = Field(default=(), description="Those of them that the user owns.")
    shared: bool = Field(default=False, description="Whether users, policies, or the type or owner of a domain change.")
    has_platform_owner: bool = Field(default=True, description="Whether the recorded mesh has a platform owner.")


class GivenOperation(Strict):
    """An operation of a user, as far as policies see it."""

    name: str = Field(default="up", description="up, refresh, destroy, run, unlock, access apply, access approve, …")
    target: Literal["product", "domain", "platform", "mesh"] = Field(
        default="product", description="Kind of the target."
    )
    delete_data: bool = Field(default=False, description="Whether data is deleted too.")
    reason: str = Field(default="", description="Reason of --take-over; empty without it.")
    own_request: bool = Field(
        default=False, description="access approve: whether the user made the request, or acts for its requester."
    )
    user: GivenUser = Field(default_factory=GivenUser, description="The acting user.")
    product: GivenTarget | None = Field(default=None, description="The product, for the target product.")
    domain: Name | None = Field(default=None, description="The domain, for the targets product and domain.")
    domain_owner: str = Field(default="", description="Email of the owner of that domain.")
    mesh: GivenMesh | None = Field(default=None, description="The change of the mesh, for the target mesh.")


class Given(Strict):
    """The facts of a case. Omitted facts are unknown, as they may be in a real run."""

    product: dict[str, Any] = Field(
        default_factory=dict, description="A manifest; what it leaves out and every manifest has is filled in."
    )
    domain: GivenDomain | None = Field(default=None, description="The product's domain.")
    environment: Name | None = Field(default=None, description="Environment.")
    components: tuple[GivenComponent, ...] | None = Field(default=None, description="Components of the plan.")
    request: GivenRequest | None = Field(
        default=None, description="The access request; what it leaves out is filled in. Only for policies that approve."
    )
    operation: GivenOperation | None = Field(
        default=None, description="The operation; what it leaves out is filled in. Only for policies on operations."
    )


class PolicyCase(Strict):
    """A recorded case: the given facts and the expected outcome."""

    name: str = Field(min_length=1, description="Description of the case.")
    given: Given = Field(description="Facts that the policy is evaluated on.")
    expect: Outcome = Field(description="Expected outcome.")
    at: tuple[str, ...] | None = Field(
        default=None, description="Places in the product that should be named, such as output_ports[0]."
    )


class PolicyFile(Policy):
    """A policy with its cases, as its file has it."""

    cases: tuple[PolicyCase, ...] = Field(default=(), description="Recorded cases for `alchemesh policy test`.")
