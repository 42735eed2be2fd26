"""The manifest of commands about ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.manifest.load import LoadedManifest


def named_in_manifest(where: Where, port: str | None) -> LoadedManifest | None:
    """The manifest of the folder; None if the port is given by its address."""
    from alchemesh_platform.app.where import manifest_of

    return None if port is not None and "/" in port else manifest_of(where)
