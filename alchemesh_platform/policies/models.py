"""What a policy file may say."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from alchemesh_platform.documents.models import Name, Strict

RequesterKind = Literal["data_product", "technical_team", "user", "data_domain"]

POINTS_MAX = 100  # the value score of a product that breaks nothing


class Effect(StrEnum):
    """What a policy does: broken, forbid the product, warn its team, or take points off its value score; kept, approve
    an access request in the owner's place."""

    DENY = "deny"
    WARN = "warn"
    DEVALUE = "devalue"
    APPROVE = "approve"


class Scope(StrEnum):
    """What a policy is asked of: the product once, each port, model, property or component of it, or an access
    request."""

    PRODUCT = "product"
    INPUT_PORT = "input_port"
    OUTPUT_PORT = "output_port"
    MODEL = "model"
    PROPERTY = "property"
    COMPONENT = "component"
    REQUEST = "request"


class Outcome(StrEnum):
    """What came of asking a policy.

    ``not_evaluated``: something that the answer depends on is not known. ``error``: the expression could not be
    evaluated, or gave something else than true or false. Neither of them is a pass.
    """

    PASSED = "passed"
    VIOLATED = "violated"
    NOT_APPLICABLE = "not_applicable"
    NOT_EVALUATED = "not_evaluated"
    ERROR = "error"


class GivenDomain(Strict):
    """What a case says of the product's domain."""

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
        default="stable", description="How far it can be relied on."
    )
    owner: str = Field(default="platform", description="Platform team that answers for it.")
    stateful: bool = Field(default=False, description="Whether it holds data.")
    args: dict[str, Any] = Field(default_factory=dict, description="What the product team set.")


class GivenRequest(Strict):
    """An access request, as far as policies see it."""

    requester_kind: RequesterKind = Field(default="user", description="What the requester is.")
    requester: str = Field(default="somebody@example.org", description="Address of the requester.")
    requester_domains: tuple[Name, ...] = Field(default=(), description="Domains that the requester belongs to.")
    purpose: str = Field(default="example", description="What the data is wanted for.")
    days: float | None = Field(default=None, description="How many days access is wanted for; left out: for good.")
    port: str = Field(default="example/example/example", description="Address of the output port.")
    access: Literal["restricted", "internal", "public"] = Field(
        default="restricted", description="Access type of the port's contract."
    )
    classifications: tuple[str, ...] = Field(
        default=(), description="Classifications of the properties that the port exposes."
    )


class Given(Strict):
    """What a case is about. What is left out is not known, as it may be in a real run."""

    product: dict[str, Any] = Field(
        default_factory=dict, description="A manifest; what it leaves out and every manifest has is filled in."
    )
    domain: GivenDomain | None = Field(default=None, description="The product's domain.")
    environment: Name | None = Field(default=None, description="Environment.")
    components: tuple[GivenComponent, ...] | None = Field(default=None, description="Components of the plan.")
    request: GivenRequest | None = Field(
        default=None, description="The access request; what it leaves out is filled in. Only for policies that approve."
    )


class PolicyCase(Strict):
    """A recorded case: what is given, and what should come of it."""

    name: str = Field(min_length=1, description="What the case shows, in words.")
    given: Given = Field(description="What the policy is asked of.")
    expect: Outcome = Field(description="What should come of it.")
    at: tuple[str, ...] | None = Field(
        default=None, description="Places in the product that should be named, such as output_ports[0]."
    )


class Policy(Strict):
    """A rule of the governance group: what it is asked of, what it requires, and what follows when it is broken."""

    kind: Literal["Policy"] = Field(description="Always Policy.")
    name: Name = Field(description="Name of the policy, unique in the mesh; that of a shipped policy replaces it.")
    owner: Name = Field(description="Governance group that answers for it.")
    description: str = Field(min_length=1, description="What it asks for and why, in a sentence.")
    applies_to: Scope = Field(default=Scope.PRODUCT, description="What it is asked of.")
    when: str | None = Field(default=None, description="CEL: whether it applies; without it, always.")
    require: str = Field(description="CEL: true where the policy is kept.")
    effect: Effect = Field(description="What follows when it is broken; approve: when it is kept.")
    points: int | None = Field(
        default=None, ge=1, le=POINTS_MAX, description="Points that it takes off the value score; with devalue only."
    )
    message: str = Field(
        min_length=1, description="What is wrong, where it is broken; approve: why the request is approved."
    )
    hint: str = Field(default="", description="The way out; every policy has one that does not approve.")
    cases: tuple[PolicyCase, ...] = Field(default=(), description="Recorded cases for `alchemesh policy test`.")
