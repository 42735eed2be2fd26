"""Waits until a consumer's access to one gateway expires, and then makes the gateway reject that consumer.

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

# Sleep of the machine, or a change of the clock, moves the end. So check again at intervals.
LOOK_AGAIN_SECONDS = 60.0


def wait_for_ends(gateway: Gateway) -> None:
    """Reject each consumer when its access expires, until no remaining access expires."""
    while (end := next_end(read_entries(gateway.folder), now())) is not None:
        time.sleep(max(0.0, min((end - now()).total_seconds(), LOOK_AGAIN_SECONDS)))
        if end <= now():
            with locked(gateway.folder):
                apply(gateway, watch=False)


def main() -> int:
    """Wait. After a failure, its message is on stderr and the supervisor restarts the process."""
    gateway = Gateway.at(Path(sys.argv[1]))
    try:
        with locked(gateway.folder):
            apply(gateway, watch=False)  # accesses that expired while this process did not run
        wait_for_ends(gateway)
    except Failure as failure:
        sys.stderr.write(f"{failure.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
