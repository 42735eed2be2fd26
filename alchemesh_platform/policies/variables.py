"""The variables of policy expressions, by scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from alchemesh_platform.policies.models import Scope

Kind = Literal["string", "strings", "bool", "list", "map", "lists", "any"]


class Variable(NamedTuple):
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
_ON_PRODUCT = "it is known where the target is a product"
_ON_DOMAIN = "it is known where the target is a product or a domain"
_ON_MESH = "it is known where the target is the mesh"
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
        "port": Variable(
            "map",
            "The output port, as the manifest writes it, with its contract. A span of time is a text for duration(), "
            "in milliseconds: 30d is '2592000000ms'. A percentage is a number: 99.5% is 99.5.",
        ),
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
    Scope.OPERATION: {
        "operation.name": Variable("string", "up, refresh, destroy, run, unlock, access apply, access approve, …"),
        "operation.target": Variable("string", "product, domain, platform or mesh."),
        "operation.delete_data": Variable("bool", "Whether `destroy` deletes data too."),
        "operation.reason": Variable("string", "Reason of --take-over; empty without it."),
        "operation.own_request": Variable(
            "bool", "access approve: whether the user made the request, or acts for its requester."
        ),
        "user.email": Variable("string", "Email of the acting user, or the subject of a pipeline."),
        "user.issuer": Variable("string", "Issuer of the identity; local: this machine, unverified."),
        "user.proven": Variable("bool", "Whether an issuer verified the identity."),
        "user.known": Variable("bool", "Whether the mesh has the user."),
        "user.personas": Variable("strings", "Personas of the user in the mesh."),
        "user.teams": Variable("strings", "Teams of the user, each as domain/team."),
        "user.domains": Variable("strings", "Domains of these teams, and domains that the user owns."),
        "user.pipeline": Variable("string", "Name of the pipeline in the platform file; empty for a person."),
        "user.mapped": Variable("bool", "Whether the platform file maps the pipeline to the operation and its target."),
        "product.address": Variable("string", "domain/product.", _ON_PRODUCT),
        "product.team": Variable("string", "Its recorded team, as domain/team.", _ON_PRODUCT),
        "product.owner": Variable("string", "Email of its recorded owner.", _ON_PRODUCT),
        "product.deployed": Variable(
            "bool", "Whether it is deployed; otherwise team and owner are those of the manifest.", _ON_PRODUCT
        ),
        "product.new_team": Variable("string", "Team that the manifest declares.", _ON_PRODUCT),
        "product.new_owner": Variable("string", "Owner that the manifest declares.", _ON_PRODUCT),
        "domain.name": Variable("string", "Domain of the product, or the domain itself.", _ON_DOMAIN),
        "domain.owner": Variable("string", "Email of the owner of that domain.", _ON_DOMAIN),
        "mesh.domains": Variable("strings", "Domains whose teams or source systems change.", _ON_MESH),
        "mesh.owned": Variable("strings", "Those of them that the user owns.", _ON_MESH),
        "mesh.shared": Variable("bool", "Whether users, policies, or the type or owner of a domain change.", _ON_MESH),
        "mesh.has_platform_owner": Variable("bool", "Whether the recorded mesh has a platform owner.", _ON_MESH),
        "environment": Variable("string", "Environment.", "it is known if an environment is given"),
    },
    Scope.COMPONENT: {
        **_EVERYWHERE,
        "component": Variable(
            "map", "The component: name, type, role, port, version, maturity, owner, stateful, args.", _COMPOSED
        ),
    },
}
