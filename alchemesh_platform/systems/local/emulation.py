"""The local platform in an emulated environment: its folders are below those of the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.sdk.emulation import Emulation

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform


class LocalEmulation(Emulation):
    """Folders of data and of servers, of the emulated environment alone."""

    def settings(self, platform: Platform, folder: Path) -> Mapping[str, Mapping[str, str]]:
        """Folders of its own, where the environment has the local platform."""
        if "local" not in platform.settings:
            return {}
        return {"local": {"root": str(folder / "data"), "run": str(folder / "run")}}


EMULATION = LocalEmulation()
