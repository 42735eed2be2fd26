"""Folders that a resource leaves as they are when it is deleted, because another environment or product uses them."""

from __future__ import annotations

from pathlib import Path

from alchemesh_platform.machine.directory import Holder, holder_of
from alchemesh_platform.provider.handler import Context
from alchemesh_platform.registry.records import PortRecord, ProductRecord


def released(path: Path, owner: str, context: Context, *, unmarked: bool = False) -> bool:
    """Whether another environment or product uses the folder, so that it stays; reports this.

    A mark of an earlier version names no environment. Then the records of the product's other environments decide.

    Args:
        path: The folder.
        owner: Address that the deleted resource belonged to.
        context: The deletion.
        unmarked: Whether a folder without a mark counts as the owner's: earlier versions did not mark it.
    """
    holder = holder_of(path)
    if holder is None and unmarked and path.is_dir():
        holder = Holder(owner)
    if holder is None:
        return False
    if holder.owner != owner or not holder.is_in(context.environment):
        context.info(f"left {path} as it is: it belongs to {holder}")
        return True
    others = other_environments_with(path, owner, context) if holder.environment is None else []
    if others:
        context.info(f"left {path} as it is: {owner} uses it in environment {' and '.join(others)} too")
    return bool(others)


def other_environments_with(path: Path, owner: str, context: Context) -> list[str]:
    """The other environments whose records of the owner's product have a connection to the path, or below it."""
    if context.environment is None:
        return []
    product = "/".join(owner.split("/")[:2])
    registry = context.registry()
    records = (*registry.all(PortRecord, product=product), *registry.all(ProductRecord, product=product))
    found = [f'"{start}{end}' for start in (path.as_uri(), str(path)) for end in ('"', "/")]
    using = {record.environment for record in records if any(text in record.model_dump_json() for text in found)}
    return sorted(using - {context.environment})
