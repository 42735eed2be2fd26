"""Two runs of one product at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from alchemesh_platform.deployment.code.run import one_at_a_time

HOLDER = """
import sys
from pathlib import Path
from alchemesh_platform.deployment.code.run import one_at_a_time
with one_at_a_time(Path(sys.argv[1]), "local", "shop/orders"):
    print("holds", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_waits_for_the_first(tmp_path: Path) -> None:
    """Two runs of one product wrote into its tables at the same time."""
    order, waits = list[str](), threading.Event()

    def note(line: str) -> None:
        order.append(line)
        waits.set()

    def second() -> None:
        with one_at_a_time(tmp_path, "local", "shop/orders", note):
            order.append("second")

    with one_at_a_time(tmp_path, "local", "shop/orders"):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(60)
        with one_at_a_time(tmp_path, "dev", "shop/orders"), one_at_a_time(tmp_path, "local", "shop/visits"):
            order.append("first")
    thread.join(60)
    assert order == [
        "another run of shop/orders in local is not finished: this one waits for it",
        "first",
        "second",
    ]


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "holds\n"
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    waited = list[str]()
    with one_at_a_time(tmp_path, "local", "shop/orders", waited.append):
        assert waited == []
