"""The run that code belongs to: its id, and the receipts of the rows that it wrote."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.data.backend import Written

RUN_VARIABLE = "ALCHEMESH_RUN"
RECEIPTS_VARIABLE = "ALCHEMESH_RECEIPTS"
INTERVAL_FROM_VARIABLE = "ALCHEMESH_INTERVAL_FROM"
INTERVAL_TO_VARIABLE = "ALCHEMESH_INTERVAL_TO"
# https://cloud.google.com/run/docs/container-contract#jobs-env-vars: a task that is tried again has the same execution.
_RUN_VARIABLES = (RUN_VARIABLE, "CLOUD_RUN_EXECUTION")

_writes: Counter[str] = Counter()
_process = os.getpid()
_lock = Lock()


def current_run(environ: Mapping[str, str] = os.environ) -> str | None:
    """The id of the run that this process belongs to; None outside of a run."""
    return next((environ[name] for name in _RUN_VARIABLES if environ.get(name)), None)


def write_id(
    product: str, port: str, model: str, run: str | None, given: str | None, command: Sequence[str] | None = None
) -> str | None:
    """The identity of a write, the same when a run is repeated; None outside of a run.

    Args:
        run: The run.
        given: An id that the code gives to what it writes. By default, the writes of a command to one model are
            counted: a run may have several commands.
        command: The program and its arguments; those of this process by default.
    """
    place = f"{product}/{port}/{model}"
    if given is not None:
        return f"alchemesh:{place}:{given}"
    if run is None:
        return None
    said = json.dumps(list(sys.argv if command is None else command), ensure_ascii=True)
    name = f"alchemesh:{place}:{run}:{hashlib.sha256(said.encode()).hexdigest()[:12]}"
    with _lock:
        _writes[name] += 1
        return f"{name}:{_writes[name]}"


def not_done(name: str, run: str | None) -> None:
    """Give the number of a write back, so that the code can try it again as the same write.

    Args:
        name: Identity of the write, from :func:`write_id`.
        run: The id that the code gave to it; None if it was counted.
    """
    counted, _, number = name.rpartition(":")
    with _lock:
        if run is None and str(_writes[counted]) == number:
            _writes[counted] -= 1


def counts_writes() -> bool:
    """Whether this process can count the writes of its run. Processes that another one started would count alike."""
    return multiprocessing.parent_process() is None and os.getpid() == _process


def keep_receipt(written: Written, environ: Mapping[str, str] = os.environ) -> None:
    """Note the rows of a write for the history of runs."""
    file = environ.get(RECEIPTS_VARIABLE)
    if file and not written.repeated:
        line = json.dumps({"port": written.port, "model": written.model, "mode": written.mode, "rows": written.rows})
        with Path(file).open("a", encoding="utf-8") as receipts:
            receipts.write(line + "\n")


def read_receipts(file: Path) -> dict[str, int]:
    """Rows written by a run, by ``port/model``. A line that a kill cut off is left out."""
    found: Counter[str] = Counter()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    for line in lines:
        try:
            receipt = json.loads(line)
            found[f"{receipt['port']}/{receipt['model']}"] += int(receipt["rows"])
        except (ValueError, KeyError, TypeError):
            continue
    return dict(found)
