"""Processes that code of a killed run left on this machine: the next run ends them before it starts."""

from __future__ import annotations

from collections.abc import Collection

ATTEMPT_VARIABLE = "ALCHEMESH_ATTEMPT"
_GRACE_SECONDS = 5.0


def end_left_over(runs: Collection[str]) -> int:
    """End the processes of this user that belong to killed runs.

    A killed command cannot end its code, which has a process group of its own.

    Args:
        runs: Ids of killed runs.

    Returns:
        The number of processes that were ended.
    """
    if not runs:
        return 0
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(ATTEMPT_VARIABLE) in runs:
                process.terminate()
                found.append(process)
        except (psutil.Error, OSError):  # it has ended, or belongs to another user
            continue
    _, alive = psutil.wait_procs(found, timeout=_GRACE_SECONDS)
    for process in alive:
        try:
            process.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(alive, timeout=_GRACE_SECONDS)
    return len(found)
