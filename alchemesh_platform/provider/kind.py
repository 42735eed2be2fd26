"""One resource type as the servicer uses it: it receives and returns trees of properties."""

from __future__ import annotations

from typing import Protocol

from alchemesh_platform.provider import operations
from alchemesh_platform.provider.handler import Context
from alchemesh_platform.provider.operations import AnyHandler, Checked, Difference, Tree


class ResourceKind(Protocol):
    """The operations on a resource of one type. Secrets and unknown values in the trees are marked."""

    def check(self, old_inputs: Tree, inputs: Tree, context: Context) -> Checked:
        """Check inputs and fill in defaults."""
        ...

    def diff(self, identity: str, old_inputs: Tree, old_state: Tree, inputs: Tree, context: Context) -> Difference:
        """The effect of changed inputs on the resource."""
        ...

    def create(self, inputs: Tree, context: Context) -> tuple[str, Tree]:
        """Create the resource; returns its id and state, in a preview as far as they are known."""
        ...

    def read(self, identity: str, inputs: Tree, state: Tree, context: Context) -> tuple[str, Tree, Tree] | None:
        """Read the current id, inputs and state of the resource; None if it no longer exists."""
        ...

    def update(self, identity: str, old_inputs: Tree, old_state: Tree, inputs: Tree, context: Context) -> Tree:
        """Update the resource; returns its new state, in a preview as far as it is known."""
        ...

    def delete(self, identity: str, inputs: Tree, state: Tree, context: Context) -> None:
        """Delete the resource."""
        ...


class OfHandler:
    """A resource type whose properties are models, implemented by a handler."""

    def __init__(self, handler: AnyHandler) -> None:
        self.handler = handler

    def check(self, old_inputs: Tree, inputs: Tree, context: Context) -> Checked:
        return operations.check(self.handler, old_inputs, inputs, context)

    def diff(self, identity: str, old_inputs: Tree, old_state: Tree, inputs: Tree, context: Context) -> Difference:
        return operations.diff(self.handler, old_inputs, old_state, inputs, context)

    def create(self, inputs: Tree, context: Context) -> tuple[str, Tree]:
        return operations.create(self.handler, inputs, context)

    def read(self, identity: str, inputs: Tree, state: Tree, context: Context) -> tuple[str, Tree, Tree] | None:
        return operations.read(self.handler, inputs, state, context)

    def update(self, identity: str, old_inputs: Tree, old_state: Tree, inputs: Tree, context: Context) -> Tree:
        return operations.update(self.handler, old_inputs, old_state, inputs, context)

    def delete(self, identity: str, inputs: Tree, state: Tree, context: Context) -> None:
        operations.delete(self.handler, inputs, state, context)
