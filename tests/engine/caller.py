"""A process that runs one operation, for a test to kill or interrupt: ``python -m tests.engine.caller OPERATION``.

The job is in the environment variable TEST_JOB. It prints the outcome as one JSON line.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import cast

from alchemesh_platform.engine.install.find import find_engine
from alchemesh_platform.engine.run.operation import Operation, run_operation
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.checkout import checked_out

from .harness import PROJECT, declare
from .thing import PACKAGE, served_things


def main() -> None:
    cancel = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        cancel.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, stop)  # as the command line does it
    job = json.loads(os.environ["TEST_JOB"])
    stack = Stack(PROJECT, job["stack"]["name"], job["stack"]["backend"], Path(job["stack"]["home"]))
    engine = find_engine(allow_install=False)
    reported: list[str] = []
    with served_things(Path(job["folder"])) as port, checked_out(stack, report=reported.append) as held:
        held.prepare(engine)
        result = run_operation(
            engine,
            held,
            cast("Operation", sys.argv[1]),
            program=lambda: declare(job["things"]),
            providers={PACKAGE: port},
            cancel=cancel,
        )
    errors = [diagnostic.message for diagnostic in result.errors]
    outcome = {"outcome": result.outcome, "told": reported, "errors": errors, "notes": list(result.notes)}
    sys.stdout.write(json.dumps(outcome) + "\n")


if __name__ == "__main__":
    main()
