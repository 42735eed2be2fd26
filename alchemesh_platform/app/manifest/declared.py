"""Read the address in a manifest, for commands that need nothing else from it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alchemesh_platform.app.where import Where, product_address

if TYPE_CHECKING:
    from alchemesh_platform.access.operating import Target

ADDRESS = re.compile(r"[a-z][a-z0-9-]*/[a-z][a-z0-9-]*")


def declared_address(where: Where) -> str:
    """The address in a manifest, even if the manifest has other errors: commands can then show the deployed product."""
    return _address(_read(where, ("domain", "name"))) or product_address(where)


def declared_product(where: Where) -> Target:
    """The product of a manifest as the target of an operation, even if the manifest has other errors."""
    from alchemesh_platform.access.operating import Target

    found = _read(where, ("domain", "name", "team", "owner"))
    return Target.product(_address(found) or product_address(where), found.get("team"), found.get("owner"))


def _address(found: dict[str, str]) -> str | None:
    address = f"{found.get('domain', '')}/{found.get('name', '')}"
    return address if ADDRESS.fullmatch(address) else None


def _read(where: Where, wanted: tuple[str, ...]) -> dict[str, str]:
    """The texts of these keys of the manifest, as far as it can be read."""
    import yaml

    found: dict[str, str] = {}
    depth, key = 0, None
    try:
        with where.manifest.open("rb") as file:
            for event in yaml.parse(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                if isinstance(event, yaml.CollectionStartEvent):
                    depth += 1
                elif isinstance(event, yaml.CollectionEndEvent):
                    depth -= 1
                    key = None if depth == 1 else key
                elif isinstance(event, yaml.ScalarEvent) and depth == 1:
                    if key is not None:
                        found[key] = event.value
                    key = event.value if key is None else None
                if all(name in found for name in wanted):
                    break
    except (OSError, ValueError, yaml.YAMLError):
        pass  # the loader reports the error and its line
    return found
