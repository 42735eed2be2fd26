"""The plan as a JSON document, for `alchemesh plan --json` and for comparing plans."""

from __future__ import annotations

from typing import Any

from alchemesh_platform.base.names import asset_address
from alchemesh_platform.base.secrecy.recognise import MASK, is_reference, is_secret
from alchemesh_platform.compose.plan import Plan, PlannedComponent, PlannedInput, PlannedOutput


def plan_document(plan: Plan) -> dict[str, Any]:
    """A plan as plain data, in the order of the manifest. Secrets stay references, and others are masked."""
    product = plan.product
    return {
        "product": product.address,
        "version": product.version,
        "environment": plan.environment,
        "project": plan.project,
        "inputs": [_input(planned) for planned in plan.inputs],
        "needs": [_component(planned) for planned in plan.needs],
        "code": _component(plan.code) if plan.code is not None else None,
        "outputs": [_output(plan, planned) for planned in plan.outputs],
        "transforms": [_shown(transform.model_dump(mode="json")) for transform in plan.transforms],
    }


def _input(planned: PlannedInput) -> dict[str, Any]:
    return {
        "name": planned.name,
        "origin": planned.origin,
        "from_product": planned.from_product,
        "component": _component(planned.component),
    }


def _output(plan: Plan, planned: PlannedOutput) -> dict[str, Any]:
    product = plan.product
    return {
        "name": planned.name,
        "storage": _component(planned.storage),
        "proxy": _component(planned.proxy) if planned.proxy is not None else None,
        "protocols": list(planned.protocols),
        "contract": planned.contract.model_dump(mode="json", exclude_none=True)
        if planned.contract is not None
        else None,
        "assets": [asset_address(product.domain, product.name, planned.name, model) for model in planned.models],
    }


def _component(planned: PlannedComponent) -> dict[str, Any]:
    return {
        "resource": planned.resource_name,
        "component_type": planned.component_type,
        "component": planned.spec.name,
        "component_version": planned.spec.version,
        "args": _shown(planned.args.model_dump(mode="json")),
        "settings": _shown(planned.settings.model_dump(mode="json")),
        "path": planned.path,
    }


def _shown(value: Any, name: str = "") -> Any:
    """A value without plain texts under the name of a secret. Its form stays, for programs that read the document."""
    if isinstance(value, dict):
        if is_reference(value):
            return value
        return {key: _shown(child, f"{name}.{key}") for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(child, name) for child in value]
    return MASK if isinstance(value, str) and is_secret(name, value) else value
