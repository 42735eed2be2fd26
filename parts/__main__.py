"""``python -m parts prepare [kafka …]``: prepare the files of the real servers, so that no test waits for them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from parts import java, kafka, nifi, sql_clients

PREPARE: dict[str, Callable[[], Path]] = {
    "kafka": kafka.prepare,
    "nifi": nifi.prepare,
    "sql-clients": sql_clients.prepare,
}


def main(arguments: list[str]) -> int:
    """Prepare the named parts, or all; returns 1 if one fails, 2 on wrong usage."""
    command, *names = arguments or [""]
    unknown = [name for name in names if name not in PREPARE]
    if command != "prepare" or unknown:
        print(f"usage: python -m parts prepare [{'|'.join(PREPARE)} …]", file=sys.stderr)
        return 2
    if lacking := java.missing():
        print(f"the real servers are skipped: {lacking}", file=sys.stderr)
        return 1 if os.environ.get("CI") == "true" else 0
    for name in names or PREPARE:
        try:
            print(f"{name}  {PREPARE[name]()}")
        except java.PartFailed as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
