"""The schema of a policy file."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from alchemesh_platform.documents.models import Name, Strict

POINTS_MAX = 100  # the value score of a product without deductions


class Effect(StrEnum):
    """The effect of a policy.

    A violation forbids the product, warns its team, or deducts from its value score. A met approval policy approves an
    access request in the owner's place.
    """

    DENY = "deny"
    WARN = "warn"
    DEVALUE = "devalue"
    APPROVE = "approve"


class Scope(StrEnum):
    """The scope of a policy: the product once, each port, model, property or component of it, an access request, or
    an operation of a user."""

    PRODUCT = "product"
    INPUT_PORT = "input_port"
    OUTPUT_PORT = "output_port"
    MODEL = "model"
    PROPERTY = "property"
    COMPONENT = "component"
    REQUEST = "request"
    OPERATION = "operation"


class Outcome(StrEnum):
    """The outcome of evaluating a policy.

    ``not_evaluated``: something that the answer depends on is not known. ``error``: the expression could not be
    evaluated, or gave something else than true or false. Neither of them is a pass.
    """

    PASSED = "passed"
    VIOLATED = "violated"
    NOT_APPLICABLE = "not_applicable"
    NOT_EVALUATED = "not_evaluated"
    ERROR = "error"


class Policy(Strict):
    """A rule of the governance group: its scope, its requirement, and the effect of a violation."""

    kind: Literal["Policy"] = Field(description="Always Policy.")
    name: Name = Field(description="Name of the policy, unique in the mesh; that of a shipped policy replaces it.")
    owner: Name = Field(description="Governance group that owns it.")
    description: str = Field(min_length=1, description="The requirement and its reason, in one sentence.")
    applies_to: Scope = Field(default=Scope.PRODUCT, description="Scope of the policy.")
    when: str | None = Field(default=None, description="CEL: true if the policy applies; by default it always applies.")
    require: str = Field(description="CEL: true if the policy is satisfied.")
    effect: Effect = Field(description="Effect of a violation; approve: of a met requirement.")
    points: int | None = Field(
        default=None, ge=1, le=POINTS_MAX, description="Points to deduct from the value score; with devalue only."
    )
    message: str = Field(min_length=1, description="Message of a violation; approve: why the request is approved.")
    hint: str = Field(default="", description="The remedy; required unless the effect is approve.")
    cases: tuple[Any, ...] = Field(default=(), description="Recorded cases for `alchemesh policy test`, unchecked.")
