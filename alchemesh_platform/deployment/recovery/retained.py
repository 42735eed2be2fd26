"""Find the data of an environment that stayed when its resources were removed, and delete it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.names import project_name
from alchemesh_platform.deployment.objects.planned import cloud_objects
from alchemesh_platform.deployment.operator import stack_of
from alchemesh_platform.registration.systems import Parts, installed_systems, part_of
from alchemesh_platform.registry.records import HoldingRecord, PortRecord, ProductRecord
from alchemesh_platform.sdk.system.cloud_object import ObjectOwner
from alchemesh_platform.sdk.system.retained import Found, Retained, RetainedData

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry


class StillDeployed(Failure):
    """Raised when data belongs to a resource that is deployed."""


def retained_data(registry: Registry, platform: Platform, address: str | None = None) -> Found:
    """The data of an environment that no deployed port or need has.

    Args:
        registry: The registry of the environment.
        platform: The environment.
        address: A product, a port or a model; all by default.
    """
    found, failures = list[Retained](), list[Failure]()
    for name, part in _parts().items():
        try:
            found += [replace(one, system=name) for one in part.find(platform)]
        except Failure as failure:
            failures.append(failure)
    found += _holdings(registry, platform)
    return Found(
        tuple(
            one
            for one in sorted(found, key=lambda one: (one.owner, one.name))
            if (address is None or one.is_below(address)) and not _is_recorded(registry, one)
        ),
        tuple(failures),
    )


def delete_retained(
    registry: Registry, platform: Platform, product: str, data: Sequence[Retained], report: Callable[[str], None]
) -> Iterator[Retained]:
    """Delete retained data of one product, under the lock of its stack.

    Args:
        registry: The registry of the environment, which forgets deleted objects of a cloud.
        platform: The environment.
        product: ``domain/product``.
        data: The data; Alchemesh can delete each.
        report: Receives a line for each finding of the lock.

    Yields:
        Each deleted part, right after its deletion.

    Raises:
        StackLocked: when a run works on the product.
        StillDeployed: when the state has a resource with this data; then nothing is deleted.
    """
    from alchemesh_platform.engine.install.find import find_engine
    from alchemesh_platform.engine.state.checkout import checked_out
    from alchemesh_platform.engine.state.deployed import deployed_ids, deployed_state

    engine, parts = find_engine(progress=report), _parts()
    with checked_out(stack_of(project_name(*product.split("/")), platform), report=report) as stack:
        deployed = {one for ids in deployed_ids(deployed_state(engine, stack)).values() for one in ids}
        for one in data:
            if one.name in deployed:
                raise StillDeployed(
                    f"{one.name} belongs to {one.owner}, which is deployed", hint="only `destroy` deletes deployed data"
                )
        for one in data:
            if one.object_type is not None:
                _delete_object(registry, platform, product, one)
            elif one.system is not None:
                parts[one.system].delete(platform, one)
            yield one


def remains_of(data: Retained) -> str:
    """A sentence on what the service itself keeps of deleted data; empty if nothing."""
    return cloud_objects()[data.object_type].remains if data.object_type is not None else ""


def _delete_object(registry: Registry, platform: Platform, product: str, data: Retained) -> None:
    part = cloud_objects()[str(data.object_type)]
    owner = part.owner(platform, data.name)
    if owner is not None and not _is_of(owner, platform.environment, product):
        raise StillDeployed(
            f"{part.kind} {data.name} {owner}, not to {product} in environment {platform.environment}",
            hint="another deployment created it again: leave it to its owner",
        )
    if owner is not None:
        part.delete(platform, data.name)
    address = f"{product}#{data.object_type}::{data.resource}"
    registry.remove(HoldingRecord, platform.environment, address)


def _holdings(registry: Registry, platform: Platform) -> Iterator[Retained]:
    """Objects in a cloud that were retained: recorded, but in no state."""
    from alchemesh_platform.engine.install.find import find_engine
    from alchemesh_platform.engine.state.deployed import deployed_ids, deployed_state

    holdings = registry.all(HoldingRecord, platform.environment)
    if not holdings:
        return
    engine = find_engine()
    for product in sorted({one.product for one in holdings}):
        deployed = deployed_ids(deployed_state(engine, stack_of(project_name(*product.split("/")), platform)))
        retained = [one for one in holdings if one.product == product and one.id not in deployed.get(one.type, ())]
        apart = {one.id for one in retained}
        for one in retained:
            yield _found_object(platform, one, apart)


def _found_object(platform: Platform, holding: HoldingRecord, apart: Collection[str]) -> Retained:
    """A retained object with its data, as far as its cloud says."""
    part = cloud_objects().get(holding.type)
    found = Retained(
        holding.type.rpartition(":")[2],
        holding.id,
        f"{holding.product}/{holding.name}",
        environment=holding.environment,
        resource=holding.name,
    )
    if part is None:
        return found
    try:
        owner = part.owner(platform, holding.id)
        if owner is None:
            return replace(found, contents="no longer exists", object_type=holding.type)
        if not _is_of(owner, platform.environment, holding.product):
            return replace(found, contents=str(owner))
        contents = part.contents(platform, holding.id, apart=apart) if part.holds_data else None
    except Failure as failure:
        return replace(found, contents=f"unknown: {failure.message.strip()}", object_type=holding.type)
    empty = "empty" if part.holds_data else ""
    words = contents.words if contents is not None else empty
    return replace(found, owner=str(owner.address), contents=words, object_type=holding.type)


def _is_of(owner: ObjectOwner, environment: str, product: str) -> bool:
    """Whether an owner is a product in an environment."""
    return owner.environment == environment and f"{owner.address}/".startswith(f"{product}/")


def _is_recorded(registry: Registry, data: Retained) -> bool:
    """Whether a deployed product has the data, in any environment."""
    texts = [f'"{text}{end}' for text in data.recorded_as for end in ('"', "/")]
    records = (*registry.all(PortRecord, product=data.product), *registry.all(ProductRecord, product=data.product))
    return any(text in record.model_dump_json() for record in records for text in texts)


def _parts() -> dict[str, RetainedData]:
    offers = installed_systems().single("retained data", lambda system: system.retained)
    return Parts(offers, part_of(RetainedData)).loaded()[0]
