"""Object storage as a folder of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alchemesh_components.infrastructure.local_directory.models import Args
from alchemesh_components.infrastructure.local_directory.spec import SPEC
from alchemesh_components.local.settings import Settings
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.systems.local.resources import Directory


class LocalDirectory(Component[Args, Settings]):
    """Object storage as a folder of this machine: ``<root>/<domain>/<product>/<port>``."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One folder."""
        folder = self.folder()
        return {"kind": "files", "url": folder.url, "format": None}

    def folder(self) -> Directory:
        """The folder, marked as the port's own."""
        wiring = self.wiring
        return Directory(
            f"{self.name}-folder",
            path=str(Path(self.settings.local.root, wiring.domain, wiring.product, wiring.port)),
            owner=wiring.address,
            retention_seconds=int(self.args.retention.total_seconds()) if self.args.retention else None,
            keep_on_delete=self.args.keep_on_destroy,
            opts=self.child_options,
        )
