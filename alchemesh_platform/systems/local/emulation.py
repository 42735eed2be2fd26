"""The local platform in an emulated environment. Its folders are below the environment's folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.sdk.system.emulation import Emulation

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform


class LocalEmulation(Emulation):
    """Separate folders of data and servers for an emulated environment."""

    def settings(self, platform: Platform, folder: Path) -> Mapping[str, Mapping[str, str]]:
        """The environment's own folders, if it uses the local platform."""
        if "local" not in platform.settings:
            return {}
        return {"local": {"root": str(folder / "data"), "run": str(folder / "run")}}


EMULATION = LocalEmulation()
