"""The places where a manifest uses components, each with the role of the component."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from alchemesh_platform.base.packages.ranges import split_range
from alchemesh_platform.base.problems import Location
from alchemesh_platform.documents.document import Node, Path
from alchemesh_platform.manifest.checks import CODE_NAME, named
from alchemesh_platform.manifest.models import PRODUCT_INPUT_TYPE
from alchemesh_platform.sdk.spec import Role


@dataclass(frozen=True, slots=True)
class Use:
    """A place of a manifest that uses a component.

    Args:
        path: The place: ``("output_ports", 0, "storage")``.
        role: Role of the component there.
        port: The port or need that it belongs to; ``code`` for the product's code.
        resource_name: Name of its Pulumi resource.
        component_type: The requested component type.
        versions: The requested range of its versions; None for every version.
        node: The place in the document, with ``component`` and ``args``.
        owner: The port or need in the document.
    """

    path: Path
    role: Role
    port: str
    resource_name: str
    component_type: str
    node: Node
    owner: Node
    versions: str | None = None

    @property
    def location(self) -> Location:
        """The place of the component type, or of the port if the manifest leaves the type to the platform."""
        component = self.node.keys.get("component")
        return self.node.location if component is None else component.location

    @property
    def args(self) -> Node | None:
        """The arguments; an empty mapping if there are none; None if they are not a mapping."""
        args = self.node.keys.get("args")
        if args is None:
            return self.node._replace(value={})
        return args if isinstance(args.value, dict) else None


def uses(tree: Node) -> Iterator[Use]:
    """Every use of a component in a document, in the order of a plan. Places that name no component are skipped."""
    for place, port in tree.each("input_ports"):
        given = PRODUCT_INPUT_TYPE if port.get("from", "data_product") is not None else None
        yield from _use(place, Role.INPUT_PORT, port, port, "", given)
    for place, need in tree.each("infrastructure"):
        yield from _use(place, Role.INFRASTRUCTURE, need, need, "")
    code = tree.keys.get("code")
    if code is not None and code.keys:
        yield from _use(("code",), Role.CODE, code, code, "")
    for place, port in tree.each("output_ports"):
        for part, role in (("storage", Role.STORAGE), ("proxy", Role.PROXY)):
            node = port.keys.get(part)
            if node is not None and node.keys:
                yield from _use((*place, part), role, node, port, f"-{part}")


def _use(path: Path, role: Role, node: Node, owner: Node, suffix: str, given: str | None = None) -> Iterator[Use]:
    component = node.keys.get("component")
    asked = given if component is None or component.value is None else component.text
    port = CODE_NAME if role is Role.CODE else named(owner) or ""
    if asked:
        component_type, versions = split_range(asked)
        yield Use(path, role, port, f"{port}{suffix}", component_type, node, owner, versions)
