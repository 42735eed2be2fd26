"""The emulated version of Pulumi's provider `aws-native`. The engine attaches to it instead of the real plugin."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, NoReturn

from alchemesh_platform.clouds.aws.emulation.kind import StackKind
from alchemesh_platform.clouds.aws.emulation.schema import PACKAGE, Schemas, schemas_in
from alchemesh_platform.clouds.aws.emulation.servers.services import ROOT_KEY, MiniStack
from alchemesh_platform.clouds.aws.emulation.stacks import Stacks
from alchemesh_platform.provider.handler import Context, NotDone
from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.provider.kind import ResourceKind
from alchemesh_platform.provider.serve.served import ServedProvider

if TYPE_CHECKING:
    from alchemesh_platform.provider.serve.attach import Served


class EmulatedAws(ServedProvider):
    """A provider `aws-native` that works on this machine only.

    Args:
        services: The emulated services. They start with the first resource.
    """

    package = PACKAGE

    def __init__(self, services: MiniStack) -> None:
        super().__init__()
        self.package_version = _sdk_version()  # the engine warns of a provider that is older than its SDK
        self.services = services
        self._connecting = threading.Lock()
        self._stacks: Stacks | None = None

    def kind_of(self, type_: str) -> ResourceKind:
        return StackKind(self.schemas.of(type_), self.stacks)

    def stacks(self) -> Stacks:
        """The stacks that hold the resources.

        Raises:
            EmulatorFailed: when the services do not start.
        """
        with self._connecting:
            if self._stacks is None:
                self._stacks = Stacks(
                    client_of(self.services, "cloudformation"), lambda name: client_of(self.services, name)
                )
        return self._stacks

    @cached_property
    def schemas(self) -> Schemas:
        """The resource types."""
        return schemas_in(self.services.environment())

    def schema_json(self) -> str:
        return json.dumps({"name": PACKAGE, "version": self.package_version})

    def check_configuration(self, arguments: Mapping[str, Any]) -> list[Refusal]:
        return []  # the real provider's settings are for access to the real cloud

    def configure_with(self, arguments: Mapping[str, Any]) -> None:
        """Nothing of the configuration applies: region and account are those of the environment."""

    def context(self, urn: str, stop: threading.Event, *, preview: bool) -> Context:
        return Context(
            urn=urn,
            stop=stop,
            registry=_no_registry,
            report=lambda severity, message: self.report(severity, message, urn),
            preview=preview,
        )


@contextmanager
def serve_emulated(services: MiniStack) -> Iterator[Served]:
    """Serve the emulated provider to the engines that run inside the block."""
    from alchemesh_platform.provider.serve.attach import serve_attached

    provider = EmulatedAws(services)
    try:
        with serve_attached(provider) as served:
            yield served
    finally:
        provider.close()


def client_of(services: MiniStack, service: str) -> Any:
    """boto3's client of an emulated service, with every right. Starts the services if they do not run.

    Args:
        services: The emulated services.
        service: ``s3``, ``lambda``.
    """
    import boto3

    return boto3.session.Session().client(
        service,
        endpoint_url=services.url(),
        region_name=services.place().region,
        aws_access_key_id=ROOT_KEY,
        aws_secret_access_key=ROOT_KEY,
    )


def _sdk_version() -> str:
    try:
        return version(f"pulumi-{PACKAGE}")
    except PackageNotFoundError:
        return "1.0.0"


def _no_registry() -> NoReturn:
    raise NotDone("the emulated cloud has no registry")
