"""Dependents that block the removal of a foundation: products, domains of a platform, its own servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.remedy import Command, command, joined, remedy
from alchemesh_platform.compose.foundation import DOMAIN_PROJECT, Foundation
from alchemesh_platform.registry.records import FoundationRecord, ProductRecord
from alchemesh_platform.sdk.spec import Role

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry

_GUARD = "deletionProtection"  # the property's name for Google's and Amazon's databases


class FoundationInUse(Failure):
    """Raised by the removal of a foundation that others depend on; names the dependents."""

    exit_code = ExitCode.FORBIDDEN


class RefusesDeletion(Failure):
    """Raised when a service protects a resource of a foundation from deletion; names it before anything is deleted."""

    exit_code = ExitCode.FORBIDDEN


def check_deletable(deployment: Mapping[str, Any], foundation: Foundation) -> None:
    """Refuse to delete a whole foundation while a service protects some of its resources from deletion.

    Args:
        deployment: The state of the foundation's stack.

    Raises:
        RefusesDeletion: when a resource is protected.
    """
    guarded = [
        resource["id"]
        for resource in deployment.get("resources") or ()
        if resource.get("custom") and (resource.get("inputs") or {}).get(_GUARD) is True
    ]
    if guarded:
        raise RefusesDeletion(
            f"{foundation.title} cannot be removed as a whole: {', '.join(guarded)} "
            f"{'is' if len(guarded) == 1 else 'are'} protected from deletion by its service",
            hint="deploy the platform with `deletion_protection: false` in its settings first, then this again",
        )


def check_unused(registry: Registry, foundation: Foundation, platform: Platform) -> None:
    """Refuse to remove a foundation that others depend on.

    Raises:
        FoundationInUse: when it has dependents.
    """
    domain = foundation.wiring.domain if foundation.role is Role.DOMAIN else None
    products = _products(registry, platform.environment, domain)
    domains = [] if domain is not None else _domains(registry, platform.environment)
    if not products and not domains:
        return
    dependents = [_named("product", products)] if products else []
    dependents += [_named("domain", domains)] if domains else []

    def destroy(*words: str) -> Command:
        return command(*words, environment=platform.environment, emulated=platform.emulated)

    steps = [remedy("{} in the folder of each product", destroy("destroy"))] if products else []
    steps += [remedy("{}", destroy("domain", "destroy", name)) for name in domains]
    raise FoundationInUse(
        f"{foundation.title} is used by {' and '.join(dependents)}", hint=joined(", then ", [*steps, "this again"])
    )


def _named(noun: str, names: Sequence[str]) -> str:
    return f"{noun}{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _products(registry: Registry, environment: str, domain: str | None) -> list[str]:
    """Addresses of deployed products, and of products whose last run failed and may have left resources."""
    recorded = {product.address for product in registry.all(ProductRecord, environment=environment)}
    begun = {
        address
        for address, last in registry.last_deployments(environment, ("up", "destroy")).items()
        if not (last.operation == "destroy" and last.outcome == "succeeded")
    }
    return sorted(address for address in recorded | begun if domain in (None, address.partition("/")[0]))


def _domains(registry: Registry, environment: str) -> list[str]:
    """Domains whose stacks are deployed."""
    projects = [record.address for record in registry.all(FoundationRecord, environment=environment)]
    prefix = f"{DOMAIN_PROJECT}."
    return sorted(project.removeprefix(prefix) for project in projects if project.startswith(prefix))
