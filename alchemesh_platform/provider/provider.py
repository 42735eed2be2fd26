"""The provider as a whole: its configuration, its registry, and where its blocking work is done."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from pulumi.provider.experimental.provider import Provider

from alchemesh_platform.failure import Failure
from alchemesh_platform.provider.handler import Cancelled, Context, Handlers, NotDone
from alchemesh_platform.provider.inputs import Refusal

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

T = TypeVar("T")
Tell = Callable[[str, str, str], None]  # severity, sentence, URN

PACKAGE = "alchemesh"
REGISTRY_VARIABLE = "ALCHEMESH_REGISTRY"
DELETE_DATA_VARIABLE = "ALCHEMESH_DELETE_DATA"
WORKERS = 16  # operations at once; most of them wait for a disk, a database or a server
_YES = ("true", "1", "yes")


class AlchemeshProvider(Provider):
    """What every operation shares.

    Args:
        handlers: The kinds of resources.
        registry: Address of the registry; may also come by the provider's configuration.
        delete_data: Whether data is deleted with its resource, whatever the resource says.
    """

    def __init__(self, handlers: Handlers, registry: str | None = None, *, delete_data: bool = False) -> None:
        self.handlers = handlers
        self._registry_address = registry
        self._delete_data = delete_data
        self._registry: Registry | None = None
        self._lock = threading.Lock()
        self._running: set[threading.Event] = set()
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="alchemesh")
        self.tell: Tell = lambda severity, message, urn: None

    def configure_with(self, arguments: Mapping[str, Any]) -> None:
        """Take the provider's configuration: ``registry`` and ``deleteData``. What the constructor was given stays."""
        with self._lock:
            if self._registry_address is None and isinstance(arguments.get("registry"), str):
                self._registry_address = arguments["registry"]
            if "deleteData" in arguments:
                self._delete_data = self._delete_data or str(arguments["deleteData"]).lower() in _YES

    def check_configuration(self, arguments: Mapping[str, Any]) -> list[Refusal]:
        """What is wrong with the provider's configuration."""
        known = ("registry", "deleteData", "version")
        reason = f"there is no such setting; there are {', '.join(known)}"
        return [Refusal(name, reason) for name in arguments if name not in known]

    def registry(self) -> Registry:
        """The registry, opened on first use.

        Raises:
            NotDone: when nobody said where it is.
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

    async def work(self, urn: str, act: Callable[[Context], T], *, seconds: float = 0, preview: bool = False) -> T:
        """Do blocking work off the event loop.

        Args:
            urn: The resource it is for.
            act: The work.
            seconds: How long it may take; 0 stands for no limit.
            preview: Whether nothing may be changed.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._workers, self._do, urn, act, seconds, preview)

    def cancel_all(self) -> None:
        """Tell what runs to stop."""
        with self._lock:
            for stop in self._running:
                stop.set()

    def close(self) -> None:
        """Wait for what runs, told to stop, and close the registry."""
        self.cancel_all()
        self._workers.shutdown(wait=True, cancel_futures=True)
        if self._registry is not None:
            self._registry.close()

    def _do(self, urn: str, act: Callable[[Context], T], seconds: float, preview: bool) -> T:
        with self._stoppable(seconds) as stop:
            context = Context(
                urn=urn,
                stop=stop,
                registry=self.registry,
                tell=lambda severity, message: self.tell(severity, message, urn),
                delete_data=self._delete_data,
                preview=preview,
            )
            try:
                return act(context)
            except Failure as error:
                if stop.is_set():
                    raise Cancelled(f"stopped: {error.message}", hint=error.hint) from error
                raise
            except Exception as error:
                # A mistake of ours: the person gets a sentence, the debug log (`--debug`) all of it.
                context.tell("debug", traceback.format_exc())
                raise NotDone(
                    f"unexpected {type(error).__name__}: {error}",
                    hint="a mistake in alchemesh: please report it, with the output of the same run with --debug",
                ) from error

    @contextmanager
    def _stoppable(self, seconds: float) -> Iterator[threading.Event]:
        stop = threading.Event()
        timer = threading.Timer(seconds, stop.set) if seconds > 0 else None
        with self._lock:
            self._running.add(stop)
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            yield stop
        finally:
            if timer is not None:
                timer.cancel()
            with self._lock:
                self._running.discard(stop)
