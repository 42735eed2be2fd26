"""The address of a key-value store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from acme_keyvalue.access.models import Args, Settings
from acme_keyvalue.access.spec import SPEC
from alchemesh_platform.sdk.component import Component


class Access(Component[Args, Settings]):
    """The address of the port's store."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """The address of the file."""
        return {"kind": "keyvalue-access", "sqlite": pulumi.Output.concat("sqlite://", self.wiring.storage["path"])}
