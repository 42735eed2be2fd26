"""``python -m parts prepare [kafka …]``: prepare the files of the real servers, so that no test waits for them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from parts import java, kafka, kestra, languages, nifi, sql_clients
from parts.tools import actionlint, chromium, datacontract, environments

PREPARE: dict[str, Callable[[], Path]] = {
    "actionlint": actionlint.prepare,
    "chromium": chromium.prepare,
    "datacontract": datacontract.prepare,
    "kafka": kafka.prepare,
    "kestra": kestra.prepare,
    "languages": languages.prepare,
    "nifi": partial(nifi.prepare, nifi.ONE),
    "nifi2": partial(nifi.prepare, nifi.TWO),
    "sql-clients": sql_clients.prepare,
    **environments.PREPARE,
}

# Programs on PATH of each part; the others need Java and Maven.
MISSING: dict[str, Callable[[], str | None]] = {
    "actionlint": actionlint.missing,
    "chromium": chromium.missing,
    "datacontract": datacontract.missing,
    "kestra": kestra.missing,
    "languages": languages.missing,
    "nifi2": nifi.TWO.missing,
    **dict.fromkeys(environments.PREPARE, environments.missing),
    "spark": java.missing,
}


def main(arguments: list[str]) -> int:
    """Prepare the named parts, or all; returns 1 if one fails, 2 on wrong usage."""
    command, *names = arguments or [""]
    unknown = [name for name in names if name not in PREPARE]
    if command != "prepare" or unknown:
        print(f"usage: python -m parts prepare [{'|'.join(PREPARE)} …]", file=sys.stderr)
        return 2
    for name in names or PREPARE:
        if lacking := MISSING.get(name, java.missing)():
            print(f"{name} is skipped: {lacking}", file=sys.stderr)
            if os.environ.get("CI") == "true":
                return 1
            continue
        try:
            print(f"{name}  {PREPARE[name]()}")
        except java.PartFailed as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
