"""A key-value store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acme_keyvalue import resources
from acme_keyvalue.store.models import Args, Settings
from acme_keyvalue.store.spec import SPEC
from alchemesh_platform.sdk.component import Component


class Store(Component[Args, Settings]):
    """A key-value store: ``<folder>/<domain>.<product>.<port>.db``."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One file."""
        wiring = self.wiring
        store = resources.Store(
            f"{self.name}-file",
            path=str(Path(self.settings.keyvalue.folder, f"{wiring.address.replace('/', '.')}.db")),
            keep_on_delete=self.args.keep_on_destroy,
            opts=self.child_options,
        )
        return {"kind": "keyvalue", "path": store.path}
