"""The variables of policy expressions, by scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from alchemesh_platform.policies.models import Scope

Kind = Literal["string", "strings", "list", "map", "lists", "any"]


@dataclass(frozen=True, slots=True)
class Variable:
    """A name that expressions may use.

    Args:
        kind: Its CEL type; ``lists`` is a map of lists, ``any`` is only known when the expression runs.
        description: Meaning of the variable.
        source: The source of a value that may be unknown; None if every product has the value.
    """

    kind: Kind
    description: str
    source: str | None = None


_COMPOSED = "it is known once the product is composed for an environment"
_PROPERTIES = Variable(
    "list", "Every property of the models in question, those inside objects and arrays too, as property."
)
_EVERYWHERE = {
    "product.name": Variable("string", "Name of the product."),
    "product.domain": Variable("string", "Name of its domain."),
    "product.address": Variable("string", "domain/product."),
    "product.team": Variable("string", "Its data product team."),
    "product.owner": Variable("string", "Email of its owner."),
    "product.version": Variable("string", "Its semantic version."),
    "product.lifecycle": Variable("string", "development, discovery, stable or decommissioned."),
    "product.description": Variable("string", "Description of the product; may be empty."),
    "product.source_systems": Variable("strings", "Source systems that it relies on."),
    "domain.name": Variable("string", "Name of its domain."),
    "domain.type": Variable(
        "string", "source_aligned, aggregated or consumer_aligned.", "it is known where the registry has the domain"
    ),
    "environment": Variable("string", "Environment.", "it is known if an environment is given"),
}
VARIABLES: Mapping[Scope, Mapping[str, Variable]] = {
    Scope.PRODUCT: {
        **_EVERYWHERE,
        "product.input_ports": Variable("list", "Its input ports, each as port."),
        "product.output_ports": Variable("list", "Its output ports, each as port."),
        "product.models": Variable("map", "Its semantic models by name."),
        "product.infrastructure": Variable("list", "Its infrastructure needs."),
        "product.code": Variable("any", "Its code; null where it has none."),
        "properties": _PROPERTIES,
        "plan": Variable(
            "lists",
            "Components by role: input_port, storage, proxy, infrastructure, code; each as component.",
            _COMPOSED,
        ),
    },
    Scope.INPUT_PORT: {**_EVERYWHERE, "port": Variable("map", "The input port, as the manifest writes it.")},
    Scope.OUTPUT_PORT: {
        **_EVERYWHERE,
        "port": Variable("map", "The output port, as the manifest writes it, with its contract."),
        "properties": _PROPERTIES,
    },
    Scope.MODEL: {
        **_EVERYWHERE,
        "model": Variable("map", "The semantic model, as the manifest writes it, with its name."),
        "properties": _PROPERTIES,
    },
    Scope.PROPERTY: {
        **_EVERYWHERE,
        "property": Variable(
            "map",
            "The property, as the manifest writes it, with its model and its name: address.street inside an object, "
            "emails[] for what an array holds.",
        ),
    },
    Scope.REQUEST: {
        "request.requester_kind": Variable("string", "data_product, technical_team, user or data_domain."),
        "request.requester": Variable("string", "domain/product, domain/team, email or domain."),
        "request.requester_domains": Variable("strings", "Domains that the requester belongs to."),
        "request.purpose": Variable("string", "Purpose of the request."),
        "request.days": Variable(
            "any", "How many days access is wanted for, as a number.", "it is known where the request has an end"
        ),
        "request.port": Variable("string", "domain/product/port of the output port."),
        "request.product": Variable("string", "domain/product of the output port."),
        "request.domain": Variable("string", "Domain of the output port."),
        "request.access": Variable("string", "Access type of its contract; restricted where it has none."),
        "request.classifications": Variable("strings", "Classifications of the properties that the port exposes."),
        "environment": Variable("string", "Environment.", "it is known if an environment is given"),
    },
    Scope.COMPONENT: {
        **_EVERYWHERE,
        "component": Variable(
            "map", "The component: name, type, role, port, version, maturity, owner, stateful, args.", _COMPOSED
        ),
    },
}
