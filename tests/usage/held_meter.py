"""Meters one gateway, and stops at a moment until it is killed: arguments URL, ENVIRONMENT, PORT, FOLDER, MOMENT."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alchemesh_platform.app.usage.meter import meter_source
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.usage import positions
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.metering.sources import WebLog

MOMENTS = ("read", "lines", "committed")


def held(after: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with a stop after it."""

    def stops(*given: Any, **named: Any) -> Any:
        done = after(*given, **named)
        print("held", flush=True)  # noqa: T201 - for the test
        sys.stdin.readline()
        return done

    return stops


def main() -> None:
    """Meter."""
    url, environment, port, folder, moment = sys.argv[1:]
    source = WebLog(Gateway.at(Path(folder)), batch_bytes=1)
    if moment == "read":
        source.read = held(source.read)  # type: ignore[method-assign]
    elif moment == "lines":
        positions.insert_lines = held(positions.insert_lines)
    else:
        positions.move = held(positions.move)
    with Registry.open(url) as registry:
        meter_source(registry, environment, port, source)


if __name__ == "__main__":
    main()
