"""Read the address in a manifest, for commands that need nothing else from it."""

from __future__ import annotations

import re

from alchemesh_platform.app.where import Where, product_address

ADDRESS = re.compile(r"[a-z][a-z0-9-]*/[a-z][a-z0-9-]*")


def declared_address(where: Where) -> str:
    """The address in a manifest, even if the manifest has other errors: commands can then show the deployed product."""
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
                address = f"{found.get('domain', '')}/{found.get('name', '')}"
                if ADDRESS.fullmatch(address):
                    return address
    except (OSError, ValueError, yaml.YAMLError):
        pass  # the loader reports the error and its line
    return product_address(where)
