"""``python -m parts prepare [kafka …]``: get what real servers need, so that nothing waits for it later."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from parts import java, kafka, nifi

PREPARE: dict[str, Callable[[], Path]] = {"kafka": kafka.prepare, "nifi": nifi.prepare}


def main(arguments: list[str]) -> int:
    """Prepare the parts that are named, or all; returns 1 when one cannot be, 2 on wrong usage."""
    command, *names = arguments or [""]
    unknown = [name for name in names if name not in PREPARE]
    if command != "prepare" or unknown:
        print(f"usage: python -m parts prepare [{'|'.join(PREPARE)} …]", file=sys.stderr)
        return 2
    if lacking := java.missing():
        print(f"the real servers are left out: {lacking}", file=sys.stderr)
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
