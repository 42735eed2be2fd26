"""The emulated version of Pulumi's provider `gcp`. The engine attaches to it instead of the real plugin."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from alchemesh_platform.clouds.gcp.emulation.catalog import TYPES
from alchemesh_platform.clouds.gcp.emulation.types.kind import EmulatedKind
from alchemesh_platform.clouds.gcp.emulation.types.sdk import PACKAGE, sdk_version
from alchemesh_platform.clouds.gcp.emulation.world import World
from alchemesh_platform.provider.handler import Context, NotDone
from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.provider.kind import ResourceKind
from alchemesh_platform.provider.serve.served import ServedProvider

if TYPE_CHECKING:
    from alchemesh_platform.provider.serve.attach import Served


class EmulatedGcp(ServedProvider):
    """A provider `gcp` that works on this machine only.

    Args:
        world: The emulated cloud.
    """

    package = PACKAGE

    def __init__(self, world: World) -> None:
        super().__init__()
        self.package_version = sdk_version()  # the engine warns of a provider that is older than its SDK
        self.world = world

    def kind_of(self, type_: str) -> ResourceKind:
        if type_ not in TYPES:
            raise NotDone(
                f"{type_} is not emulated",
                hint="docs/emulation.md lists the emulated types; add others in "
                "alchemesh_platform/clouds/gcp/emulation/services/",
            )
        return EmulatedKind(TYPES[type_], self.world)

    def schema_json(self) -> str:
        return json.dumps({"name": PACKAGE, "version": self.package_version})

    def check_configuration(self, arguments: Mapping[str, Any]) -> list[Refusal]:
        return []  # the real provider's other settings are for access to the real cloud

    def configure_with(self, arguments: Mapping[str, Any]) -> None:
        self.world.configure(project=arguments.get("project"), region=arguments.get("region"))

    def context(self, urn: str, stop: threading.Event, *, preview: bool) -> Context:
        return Context(
            urn=urn,
            stop=stop,
            registry=_no_registry,
            report=lambda severity, message: self.report(severity, message, urn),
            preview=preview,
        )


@contextmanager
def serve_emulated(world: World) -> Iterator[Served]:
    """Serve the emulated provider to the engines that run inside the block."""
    from alchemesh_platform.provider.serve.attach import serve_attached

    provider = EmulatedGcp(world)
    try:
        with serve_attached(provider) as served:
            yield served
    finally:
        provider.close()


def _no_registry() -> NoReturn:
    raise NotDone("the emulated cloud has no registry")
