"""The output of a run by an engine, while it runs on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry


class LiveOutput:
    """Forwards the lines of the attempts of a request. The file of a run stays readable after the run removed it.

    Args:
        platform: The environment.
        registry: Its open registry.
        product: ``domain/product``.
        request: The request.
        on_output: Receives each line, with secrets masked.
    """

    def __init__(
        self, platform: Platform, registry: Registry, product: str, request: str, on_output: Callable[[str], None]
    ) -> None:
        self._platform = platform
        self._registry = registry
        self._product = product
        self._request = request
        self._on_output = on_output
        self._files: dict[str, IO[str]] = {}
        self._rest: dict[str, str] = {}

    def look(self) -> None:
        """Forward the lines that were printed since the last look."""
        from alchemesh_platform.deployment.code.output import output_file

        environment = self._platform.environment
        run = self._registry.run_of_request(environment, self._product, self._request)
        if run is not None and run.outcome == "running" and run.id not in self._files:
            try:
                path = output_file(Path(self._platform.home), environment, run.id)
                self._files[run.id] = path.open("r", encoding="utf-8", errors="replace", newline="\n")
            except OSError:  # it has not begun, or is on another machine
                pass
        for id_, file in self._files.items():
            *lines, self._rest[id_] = (self._rest.get(id_, "") + file.read()).split("\n")
            for line in lines:
                self._on_output(line)

    def finish(self, run: str, output: str) -> None:
        """Forward the last lines, or the recorded output of a run whose file was never read."""
        for id_, file in self._files.items():
            rest = self._rest.get(id_, "") + file.read()
            file.close()
            for line in rest.splitlines():
                self._on_output(line)
        if run not in self._files:
            for line in output.splitlines():
                self._on_output(line)
