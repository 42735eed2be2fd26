"""Whether a run of a product is due because of a change upstream, for sensors of engines.

``python -m alchemesh_platform.app.runs.due DESCRIPTOR`` prints the id of the change, or nothing if no run is due.
"""

from __future__ import annotations

import sys
from pathlib import Path

from alchemesh_platform.base.failure import Failure


def main(descriptor: str) -> int:
    """Print the change that makes a run due.

    Args:
        descriptor: Path of the job's description.

    Returns:
        The exit status: 0, or that of the failure on stderr.
    """
    from alchemesh_platform.app.runs.started import platform_of
    from alchemesh_platform.app.runs.upstream import due_by_upstream
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.sdk.code.description import read_job

    try:
        job = read_job(Path(descriptor))
        platform = platform_of(job)
        with Registry.open(platform.registry) as registry:
            change = due_by_upstream(registry, platform.environment, job.product, on=job.on)
    except Failure as failure:
        sys.stderr.write(f"{failure.message}\n")
        return int(failure.exit_code)
    if change is not None:
        sys.stdout.write(f"{change}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
