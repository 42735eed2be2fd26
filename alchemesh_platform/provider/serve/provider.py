"""The provider `alchemesh`: its configuration, its registry and its resource types."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform import __version__
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy, with_hint
from alchemesh_platform.provider.handler import PACKAGE, Context, DeployedState, Handlers, NotDone
from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.provider.kind import OfHandler, ResourceKind
from alchemesh_platform.provider.loss import permission_in
from alchemesh_platform.provider.serve.served import WORKERS, ServedProvider, bugs_in_one_sentence

if TYPE_CHECKING:
    from alchemesh_platform.provider.components.construct import Construction
    from alchemesh_platform.provider.components.types import ComponentTypes
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.sdk.spec import ComponentSpec

REGISTRY_VARIABLE = "ALCHEMESH_REGISTRY"
DELETE_DATA_VARIABLE = "ALCHEMESH_DELETE_DATA"
_TOO_OLD = (
    f"the SDK of the program has the version {{0}}, and this plugin is older, {__version__}: run "
    f"`pip install 'alchemesh-platform>={{0}}'` in the Python environment of pulumi-resource-{PACKAGE}, or generate "
    "the SDK again with this plugin"
)
_YES = ("true", "1", "yes")


class AlchemeshProvider(ServedProvider):
    """The shared state of all operations.

    Args:
        handlers: The resource types.
        components: The component types; none where only the stack's own program uses the provider.
        registry: Address of the registry; the provider's configuration may also set it.
        delete_data: Whether data is deleted with its resource, even if the resource retains it.
        deployed: The resources in the stack's state before the run; None if unknown.
        actor: The identity that acts; None under plain Pulumi.
        stack_folder: The folder of the locked stack, with the permission to lose data; None under plain Pulumi.
    """

    package = PACKAGE
    package_version = __version__

    def __init__(
        self,
        handlers: Handlers,
        registry: str | None = None,
        *,
        delete_data: bool = False,
        deployed: DeployedState | None = None,
        actor: str | None = None,
        stack_folder: Path | None = None,
        components: ComponentTypes | None = None,
    ) -> None:
        super().__init__()
        self.handlers = handlers
        self.components = components
        self.has_components = components is not None
        self._constructions: set[Construction] = set()
        # Not the threads of operations: a construction waits for its children, whose operations need a thread.
        self._constructors = ThreadPoolExecutor(WORKERS, thread_name_prefix=f"{self.package}-component")
        self._registry_address = registry
        self._delete_data = delete_data
        self._deployed = deployed
        self._actor = actor
        self._stack_folder = stack_folder
        self._registry: Registry | None = None
        self._unasked: dict[str, Failure] = {}

    def kind_of(self, type_: str) -> ResourceKind:
        return OfHandler(self.handlers.of(type_))

    def schema_json(self) -> str:
        from alchemesh_platform.provider.schema import package_schema_json

        return package_schema_json(self.handlers, self.components, self._left_out)

    async def construct_component(self, request: Any, engine_address: str) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._constructors, self._construct, request, engine_address)

    def cancel_all(self) -> None:
        """Cancel the running operations and constructions."""
        super().cancel_all()
        with self._lock:
            constructions = list(self._constructions)
        for construction in constructions:
            construction.cancel()

    def configure_with(self, arguments: Mapping[str, Any]) -> None:
        """Apply the provider's configuration: ``registry`` and ``deleteData``. The constructor takes precedence."""
        with self._lock:
            if self._registry_address is None and isinstance(arguments.get("registry"), str):
                self._registry_address = arguments["registry"]
            if "deleteData" in arguments:
                self._delete_data = self._delete_data or str(arguments["deleteData"]).lower() in _YES

    def check_configuration(self, arguments: Mapping[str, Any]) -> list[Refusal]:
        known = ("registry", "deleteData", "version")
        reason = f"there is no such setting; there are {', '.join(known)}"
        refusals = [Refusal(name, reason) for name in arguments if name not in known]
        if _is_newer(arguments.get("version")):
            refusals.append(Refusal("version", _TOO_OLD.format(arguments["version"])))
        return refusals

    def registry(self) -> Registry:
        """The registry, opened on first use.

        Raises:
            NotDone: when no address of the registry is set.
            RegistryUnavailable: when it cannot be opened.
        """
        with self._lock:
            if self._registry is None:
                if self._registry_address is None:
                    raise NotDone(
                        "the provider does not know the registry",
                        hint=f"set {REGISTRY_VARIABLE}, or `pulumi config set --secret {PACKAGE}:registry ADDRESS`",
                    )
                from alchemesh_platform.registry.store import Registry

                self._registry = Registry.open(self._registry_address)
            return self._registry

    def context(self, urn: str, stop: threading.Event, *, preview: bool) -> Context:
        return Context(
            urn=urn,
            stop=stop,
            registry=self.registry,
            report=lambda severity, message: self.report(severity, message, urn),
            delete_data=self._delete_data,
            preview=preview,
            unasked=self._unasked,
            deployed=self._deployed,
            actor=self._actor,
            permission=lambda: permission_in(self._stack_folder),
        )

    def close(self) -> None:
        """Cancel and await running operations, and close the registry."""
        super().close()
        self._constructors.shutdown(wait=True, cancel_futures=True)
        if self._registry is not None:
            self._registry.close()

    def _left_out(self, spec: ComponentSpec, error: Exception) -> None:
        from alchemesh_platform.sdk.fault import package_of

        sentence = f"the schema leaves out component {spec.name} of package {package_of(spec)}"
        hint = str(remedy("{} shows the fault", command("components", "check", spec.name)))
        self.report("warning", with_hint(f"{sentence}: {type(error).__name__}: {error}", hint), "")

    def _construct(self, request: Any, engine_address: str) -> Any:
        from alchemesh_platform.provider.components.construct import Construction  # imports the SDK's runtime

        assert self.components is not None  # noqa: S101 - checked by the caller
        construction = Construction(self.components.of(request.type), request, engine_address, self.report)
        with self._lock:
            self._constructions.add(construction)
        try:
            with bugs_in_one_sentence(lambda severity, message: self.report(severity, message, "")):
                return construction.run()
        finally:
            with self._lock:
                self._constructions.discard(construction)


def _is_newer(version: object) -> bool:
    """Whether a version that a program needs is newer than this plugin."""
    from packaging.version import InvalidVersion, Version

    try:
        return isinstance(version, str) and Version(version) > Version(__version__)
    except InvalidVersion:
        return False
