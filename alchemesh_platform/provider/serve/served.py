"""Shared parts of all our providers: threads for blocking work, and shutdown."""

from __future__ import annotations

import asyncio
import threading
import traceback
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from pulumi.provider.experimental.provider import Provider

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.provider.handler import Cancelled, Context, NotDone
from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.provider.kind import ResourceKind
from alchemesh_platform.provider.operations import Recorded

T = TypeVar("T")
Report = Callable[[str, str, str], None]  # severity, sentence, URN

WORKERS = 16  # operations at the same time; most of them wait for a disk, a database or a server


class ServedProvider(Provider):
    """A provider of one package.

    Attributes:
        package: Name of the package: ``alchemesh``.
        package_version: Version for the engine.
        has_components: Whether it constructs components.
        report: Sends a message to the engine.
    """

    package: ClassVar[str]
    package_version: str
    has_components = False
    report: Report

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[threading.Event] = set()
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix=self.package)
        self.report = lambda severity, message, urn: None

    @abstractmethod
    def kind_of(self, type_: str) -> ResourceKind:
        """The implementation of a type.

        Raises:
            NotDone: when the type does not exist; lists the available types.
        """

    @abstractmethod
    def schema_json(self) -> str:
        """The package schema in Pulumi's JSON format."""

    @abstractmethod
    def check_configuration(self, arguments: Mapping[str, Any]) -> list[Refusal]:
        """The problems of the provider's configuration."""

    @abstractmethod
    def configure_with(self, arguments: Mapping[str, Any]) -> None:
        """Apply the provider's configuration."""

    @abstractmethod
    def context(self, urn: str, stop: threading.Event, *, preview: bool) -> Context:
        """The context of one operation."""

    async def construct_component(self, request: Any, engine_address: str) -> Any:
        """Construct a component.

        Args:
            request: The request of the engine.
            engine_address: Address of the engine, for messages.

        Raises:
            Failure: when the construction fails.
        """
        raise NotDone(f"the provider {self.package} has no components")

    async def work(self, urn: str, act: Callable[[Context], T], *, seconds: float = 0, preview: bool = False) -> T:
        """Run blocking work in a thread, outside the event loop.

        Args:
            urn: URN of the resource.
            act: The work.
            seconds: Time limit; 0 for no limit.
            preview: Whether this is a preview, which must not change anything.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._workers, self._do, urn, act, seconds, preview)

    def cancel_all(self) -> None:
        """Cancel the running operations."""
        with self._lock:
            for stop in self._running:
                stop.set()

    def close(self) -> None:
        """Cancel and await running operations."""
        self.cancel_all()
        self._workers.shutdown(wait=True, cancel_futures=True)

    def _do(self, urn: str, act: Callable[[Context], T], seconds: float, preview: bool) -> T:
        with self._stoppable(seconds) as stop:
            context = self.context(urn, stop, preview=preview)
            try:
                with bugs_in_one_sentence(context.report):
                    return act(context)
            except Recorded:
                raise  # raise it also when stopped: the state must record the partial resource
            except Failure as error:
                if stop.is_set():
                    raise Cancelled(f"stopped: {error.message}", hint=error.hint) from error
                raise

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


@contextmanager
def bugs_in_one_sentence(report: Callable[[str, str], None]) -> Iterator[None]:
    """Raise an unexpected error as one sentence. The debug log (`--debug`) contains the traceback.

    Args:
        report: Sends a message to the user: a severity and a sentence.

    Raises:
        NotDone: for an error that is no failure.
    """
    try:
        yield
    except Failure:
        raise
    except Exception as error:
        report("debug", traceback.format_exc())
        raise NotDone(
            f"unexpected {type(error).__name__}: {error}",
            hint="a bug in alchemesh: please report it, with the output of the same run with --debug",
        ) from error
