"""Events in the form that the engine reports them, short to write."""

from __future__ import annotations

from typing import Any

from alchemesh_platform.engine.run.events import PropertyDiff, ResourceFailed, ResourceOutputs, ResourcePre

PREFIX = "urn:pulumi:local::shop.orders::"
STACK = f"{PREFIX}pulumi:pulumi:Stack::shop.orders-local"
PRODUCT = f"{PREFIX}alchemesh:stacks:DataProduct::orders"
TYPES = {
    "product": "alchemesh:stacks:DataProduct",
    "input": "alchemesh:stacks:InputPort",
    "output": "alchemesh:stacks:OutputPort",
}


def urn(kind: str, name: str) -> str:
    """The URN of a resource, without the types of its parents, which no test here reads."""
    return f"{PREFIX}{TYPES.get(kind, kind)}::{name}"


def reported(
    event: type[ResourcePre | ResourceOutputs | ResourceFailed],
    kind: str,
    name: str,
    parent: str,
    op: str,
    *,
    diffs: tuple[PropertyDiff, ...] = (),
    outputs: dict[str, Any] | None = None,
) -> ResourcePre | ResourceOutputs | ResourceFailed:
    """One event about one resource."""
    gone = op == "delete"
    return event(
        urn=urn(kind, name),
        type=TYPES.get(kind, kind),
        name=name,
        parent=parent,
        op=op,
        custom=kind.startswith(("alchemesh:local", "alchemesh:mesh")),
        diffs=diffs,
        old_inputs=None,
        new_inputs=None,
        old_outputs=outputs if gone else None,
        new_outputs=None if gone else outputs,
        planning=False,
    )
