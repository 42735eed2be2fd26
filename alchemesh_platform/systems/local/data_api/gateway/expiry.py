"""Waits for the end of each consumer's access at one gateway, and then has the gateway refuse it.

The supervisor runs ``python -m alchemesh_platform.systems.local.data_api.gateway.expiry FOLDER`` while a grant has an
end date.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.systems.local.data_api.gateway.consumers import locked, next_end, now, read_entries
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway, apply

# A machine that slept, or a clock that was set, moves the end: look again now and then.
LOOK_AGAIN_SECONDS = 60.0


def wait_for_ends(gateway: Gateway) -> None:
    """Refuse each consumer at the end of its access, until no access ends by itself any more."""
    while (end := next_end(read_entries(gateway.folder), now())) is not None:
        time.sleep(max(0.0, min((end - now()).total_seconds(), LOOK_AGAIN_SECONDS)))
        if end <= now():
            with locked(gateway.folder):
                apply(gateway, watch=False)


def main() -> int:
    """Wait; with what went wrong on stderr, the supervisor tries again."""
    gateway = Gateway.at(Path(sys.argv[1]))
    try:
        with locked(gateway.folder):
            apply(gateway, watch=False)  # what ended while nobody watched
        wait_for_ends(gateway)
    except Failure as failure:
        sys.stderr.write(f"{failure.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
