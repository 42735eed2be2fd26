"""Retained data: objects that remain when their resource is deleted, and their import by a later run.

The engine forgets retained objects. So every run that may delete resources first records the deployed ones. The record
survives the run and any kill. A recorded object that is not in the state was retained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.problems import Problem
from alchemesh_platform.compose.plan import Kept, Plan
from alchemesh_platform.engine.urn import name_of, type_of
from alchemesh_platform.registry.records import HoldingRecord
from alchemesh_platform.registry.writes import Key

if TYPE_CHECKING:
    from alchemesh_platform.engine.run.result import EngineResult
    from alchemesh_platform.registry.store import Registry

# The engine's message that an object to import does not exist.
# Source: pulumi pkg/resource/deploy/step.go (ImportStep.Apply)
_NOT_THERE = re.compile(r"^resource '(?P<id>.+)' does not exist$")


def record_holdings(registry: Registry, plan: Plan, deployment: Mapping[str, Any]) -> None:
    """Record the deployed objects that would be retained. Call this before a run that may delete their resources.

    Args:
        deployment: The state of the product's stack.
    """
    recorded = {holding.address: holding for holding in _recorded(registry, plan)}
    deployed = {_address(plan, resource["urn"]): resource for resource in _deployed_resources(deployment)}
    held = {address: _holding(plan, resource) for address, resource in deployed.items() if _is_kept(resource)}
    new = [holding for address, holding in held.items() if recorded.get(address) != holding]
    over = [
        Key(HoldingRecord, plan.environment, address)
        for address in recorded
        if address in deployed and address not in held
    ]
    if new or over:
        registry.write(new, over)


def with_kept(registry: Registry, plan: Plan, deployment: Mapping[str, Any]) -> Plan:
    """The plan with the product's retained objects to import."""
    return replace(plan, kept=kept_of(registry, plan, deployment))


def kept_of(registry: Registry, plan: Plan, deployment: Mapping[str, Any]) -> tuple[Kept, ...]:
    """The retained objects of a product: recorded, but in no state."""
    deployed = {_address(plan, resource["urn"]) for resource in _deployed_resources(deployment)}
    return tuple(
        Kept(holding.type, holding.name, holding.id)
        for holding in _recorded(registry, plan)
        if holding.address not in deployed
    )


def forget_missing(registry: Registry, plan: Plan, result: EngineResult) -> dict[str, str]:
    """Delete the records of retained objects that no longer exist; returns replacements for the engine's messages."""
    gone: dict[str, str] = {}
    for reported in result.errors:
        found = _NOT_THERE.match(reported.message)
        kept = next((one for one in plan.kept if found and one.id == found["id"]), None)
        if kept is not None:
            registry.remove(HoldingRecord, plan.environment, _named(plan, kept.type, kept.name))
            gone[reported.message] = f"{kept.id} was retained when its resource was removed, and no longer exists"
    return gone


def with_fix(problem: Problem, gone: Mapping[str, str]) -> Problem:
    """The problem; with a fix if it is about a missing object."""
    message = next((message for message in gone if message in problem.message), None)
    if message is None:
        return problem
    words = problem.message.replace(message, gone[message])
    return replace(problem, message=words, hint="run it again: `up` creates it")


def _recorded(registry: Registry, plan: Plan) -> list[HoldingRecord]:
    return registry.all(HoldingRecord, plan.environment, plan.product.address)


def _deployed_resources(deployment: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for resource in deployment.get("resources") or ():
        if resource.get("custom") and not resource.get("delete"):
            yield resource


def _is_kept(resource: Mapping[str, Any]) -> bool:
    return bool(resource.get("retainOnDelete") and resource.get("id"))


def _holding(plan: Plan, resource: Mapping[str, Any]) -> HoldingRecord:
    urn = resource["urn"]
    return HoldingRecord(
        environment=plan.environment,
        address=_address(plan, urn),
        product=plan.product.address,
        type=type_of(urn),
        name=name_of(urn),
        id=resource["id"],
    )


def _address(plan: Plan, urn: str) -> str:
    return _named(plan, type_of(urn), name_of(urn))


def _named(plan: Plan, pulumi_type: str, name: str) -> str:
    return f"{plan.product.address}#{pulumi_type}::{name}"
