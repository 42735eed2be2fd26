"""References of products on AWS to their shared stacks: the outputs of aws-domain.

If an output is missing (in a preview before the stack is deployed, or for a component on its own), the functions return
the name that the stack will use. Names follow from the platform file.
"""

from __future__ import annotations

from typing import Any

from alchemesh_components.aws.names import BUDGET_TAG, POLICY, product_resource_name
from alchemesh_components.aws.settings import AwsSettings
from alchemesh_components.cloud_names import name_of
from alchemesh_platform.sdk.spec import Role
from alchemesh_platform.sdk.wiring import Wiring

# Parts of the names of shared roles and policies. No domain has a dot in its name, so none can change its own limits.
DEPLOYER, BOUNDARY = "mesh.deployer", "mesh.boundary"
BUDGET = "budget"


def boundary_of(settings: AwsSettings, wiring: Wiring) -> str | None:
    """ARN of the policy that limits the roles of a product: of the platform file, otherwise of the domain's stack."""
    if settings.permissions_boundary is not None or Role.DOMAIN.value not in wiring.foundations:
        return settings.permissions_boundary
    given: str | None = _output(wiring, "boundary")
    return given or boundary_arn(settings, wiring.environment, wiring.domain)


def boundary_arn(settings: AwsSettings, environment: str, domain: str) -> str:
    """ARN of the policy that limits the roles of a domain; ``*`` as the domain for those of all domains."""
    if domain == "*":
        name = product_resource_name(POLICY, settings, environment, BOUNDARY) + "--*"
    else:
        name = boundary_name(settings, environment, domain)
    return settings.arn("iam", f"policy/{name}", is_global=True)


def boundary_name(settings: AwsSettings, environment: str, domain: str) -> str:
    """Name of the policy that limits the roles of a domain."""
    return product_resource_name(POLICY, settings, environment, BOUNDARY, domain)


def domain_tags(settings: AwsSettings, wiring: Wiring) -> dict[str, str]:
    """Tags by which the domain's budget counts the costs of a product, if domains have stacks."""
    if Role.DOMAIN.value not in wiring.foundations:
        return {}
    given: dict[str, str] | None = _output(wiring, "tags")
    return given if given is not None else budget_tags(settings, wiring.environment, wiring.domain)


def budget_tags(settings: AwsSettings, environment: str, domain: str) -> dict[str, str]:
    """The tag of a domain's budget. It is specific to an environment, even if several environments share an account."""
    return {BUDGET: name_of(BUDGET_TAG, (settings.name_prefix, environment, domain))}


def _output(wiring: Wiring, name: str) -> Any:
    return wiring.foundations.get(Role.DOMAIN.value, {}).get(name)
