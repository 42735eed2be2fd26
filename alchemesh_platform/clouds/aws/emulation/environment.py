"""Amazon Web Services in an emulated environment: MiniStack, and an emulated version of Pulumi's provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.clouds.aws.emulation.servers.services import (
    DEFAULT_ACCOUNT,
    DEFAULT_REGION,
    FOLDER,
    MiniStack,
)
from alchemesh_platform.sdk.system.emulation import Emulation

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform

GROUP = "aws"  # of settings: environments without it have nothing of AWS
_PACKAGE = "aws-native"


class AmazonWebServices(Emulation):
    """Amazon Web Services on this machine."""

    title = "AWS"
    packages = frozenset({_PACKAGE})

    def variables(self, folder: Path) -> Mapping[str, str]:
        """Variables that lead Amazon's clients to the emulated services; none where nothing of AWS was deployed."""
        services = services_in(folder)
        return services.place().variables() if services.folder.is_dir() else {}

    def resume(self, folder: Path) -> None:
        """Restart the services that an earlier run started."""
        services_in(folder).resume()

    @contextmanager
    def serve(self, platform: Platform, folder: Path, report: Callable[[str], None]) -> Iterator[Mapping[str, int]]:
        """Serve the emulated version of Pulumi's provider, in environments with settings for AWS."""
        from alchemesh_platform.clouds.aws.emulation.provider import serve_emulated

        if GROUP not in platform.settings:
            yield {}
            return
        settings: Mapping[str, Any] = platform.settings[GROUP]
        services = services_in(folder, report)
        services.placed(str(settings.get("account") or DEFAULT_ACCOUNT), str(settings.get("region") or DEFAULT_REGION))
        services.resume()
        with serve_emulated(services) as served:
            yield {served.package: served.port}


EMULATION = AmazonWebServices()


def services_in(folder: Path, report: Callable[[str], None] = lambda _line: None) -> MiniStack:
    """The emulated services of an environment.

    Args:
        folder: The environment's folder on this machine.
        report: Called with a line of progress before each slow step.
    """
    return MiniStack((folder / FOLDER).resolve(), report)
