"""One kind of resource as the servicer sees it: trees of properties in, trees out."""

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
        """The effect of changed inputs."""
        ...

    def create(self, inputs: Tree, context: Context) -> tuple[str, Tree]:
        """Create it; gives its id and state, in a preview as far as they are known."""
        ...

    def read(self, identity: str, inputs: Tree, state: Tree, context: Context) -> tuple[str, Tree, Tree] | None:
        """Its id, inputs and state as it is in the world; None when it is gone."""
        ...

    def update(self, identity: str, old_inputs: Tree, old_state: Tree, inputs: Tree, context: Context) -> Tree:
        """Change it; gives its new state, in a preview as far as it is known."""
        ...

    def delete(self, identity: str, inputs: Tree, state: Tree, context: Context) -> None:
        """Remove it."""
        ...


class OfHandler:
    """A kind whose properties are models, with a handler that works on them."""

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
