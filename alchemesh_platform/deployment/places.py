"""The folders of a product that was deployed before environments had folders of their own.

Environments that extend ``builtin/local`` once shared the folders of the environment ``local``. A product keeps the
folders that its records or its data name. Nothing is moved or copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.machine.directory import OWNER_FILE, Holder, holder_of
from alchemesh_platform.platform_file.builtin import LOCAL, builtin_folders
from alchemesh_platform.registry.records import PortRecord, ProductRecord

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan, PlannedComponent, PlannedInput, PlannedOutput
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry

GROUP = "local"  # the group of settings that names the folders


def in_recorded_places(registry: Registry, platform: Platform, plan: Plan) -> Plan:
    """The plan, with the folders in which the product is deployed or has data.

    Args:
        registry: The registry of the environment.
        platform: The environment.
        plan: The product, composed for it.
    """
    home, settings = Path(platform.home), platform.settings.get(GROUP, {})
    own, former = builtin_folders(home, platform.environment), builtin_folders(home, LOCAL)
    unset = {name for name, folder in own.items() if settings.get(name) == folder and former[name] != folder}
    if not unset or not _is_in(former, own, registry, plan):
        return plan
    folders = {name: former[name] for name in unset}
    return replace(
        plan,
        inputs=tuple(_input(planned, folders) for planned in plan.inputs),
        needs=tuple(_with(planned, folders) for planned in plan.needs),
        code=_with(plan.code, folders) if plan.code is not None else None,
        outputs=tuple(_output(planned, folders) for planned in plan.outputs),
    )


def _is_in(former: dict[str, str], own: dict[str, str], registry: Registry, plan: Plan) -> bool:
    """Whether the product is recorded in the former folders; or, if it is not recorded, has retained data there."""
    product = plan.product.address
    records = (
        *registry.all(PortRecord, plan.environment, product),
        *registry.all(ProductRecord, plan.environment, product),
    )
    if records:
        return any(f"{folder}/" in record.model_dump_json() for record in records for folder in former.values())
    if any(_holders(_of_product(own, plan))):
        return False
    return any(
        holder.environment == plan.environment
        or (holder.environment is None and _deployed_last(registry, product) == plan.environment)
        for holder in _holders(_of_product(former, plan))
    )


def _of_product(folders: dict[str, str], plan: Plan) -> Path:
    return Path(folders["root"], plan.product.domain, plan.product.name)


def _holders(folder: Path) -> Iterator[Holder]:
    for mark in sorted((*folder.glob(f"*/{OWNER_FILE}"), *folder.glob(f"*/*/{OWNER_FILE}"))):
        holder = holder_of(mark.parent)
        if holder is not None:
            yield holder


def _deployed_last(registry: Registry, product: str) -> str | None:
    """The environment of the product's last run. Data without the name of an environment belongs to it."""
    last = registry.deployments(product, limit=1)
    return last[0].environment if last else None


def _input(planned: PlannedInput, folders: dict[str, str]) -> PlannedInput:
    return replace(planned, component=_with(planned.component, folders))


def _output(planned: PlannedOutput, folders: dict[str, str]) -> PlannedOutput:
    proxy = _with(planned.proxy, folders) if planned.proxy is not None else None
    return replace(planned, storage=_with(planned.storage, folders), proxy=proxy)


def _with(planned: PlannedComponent, folders: dict[str, str]) -> PlannedComponent:
    group: Any = getattr(planned.settings, GROUP, None)
    if group is None:
        return planned
    settings = planned.settings.model_copy(update={GROUP: group.model_copy(update=folders)})
    return replace(planned, settings=settings)
