"""A process that writes to a registry, started by tests: python writer.py URL ENVIRONMENT WHAT.

Opens the registry (migrating it), says ``ready``, waits for a line on its standard input, then acts:
``keys N`` puts own and shared records, N of each, printing each outcome; ``forever`` puts until it is
killed; ``die`` kills itself between the record and its line of history.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys

from alchemesh_platform.registry.records import ProductRecord
from alchemesh_platform.registry.store import Registry


def product(environment: str, name: str, version: str) -> ProductRecord:
    return ProductRecord(
        environment=environment,
        address=f"d/{name}",
        team="team",
        owner="owner@example.org",
        version=version,
        lifecycle="stable",
    )


def report(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(url: str, environment: str, what: str, *rest: str) -> None:
    with Registry.open(url) as registry:
        report("ready")
        sys.stdin.readline()
        me = f"p{os.getpid()}"
        if what == "keys":
            for number in range(int(rest[0])):
                own = registry.put(product(environment, f"{me}-{number}", "1.0.0"))
                shared = registry.put(product(environment, f"shared-{number % 3}", f"{number}.0.{os.getpid()}"))
                report(f"{own} {shared}")
        elif what == "forever":
            for number in itertools.count():
                registry.put(product(environment, f"n-{number % 7}", f"{number}.0.0"))
                report(str(number))
        elif what == "die":
            die_before_the_history_is_written()
            registry.put(product(environment, "never", "1.0.0"))


def die_before_the_history_is_written() -> None:
    from sqlalchemy import Engine, event

    @event.listens_for(Engine, "before_cursor_execute")
    def _die(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO changes"):
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
