"""A Delta table whose commits and files are older than they are."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path


def age(folder: Path, hours: float) -> None:
    """Set the times of all files of a table, and of their removals in its log, back by a number of hours."""
    for commit in (folder / "_delta_log").glob("*.json"):
        actions = [json.loads(line) for line in commit.read_text().splitlines()]
        for action in actions:
            if "remove" in action:
                action["remove"]["deletionTimestamp"] -= int(hours * 3600 * 1000)
        commit.write_text("".join(json.dumps(action) + "\n" for action in actions))
    moment = time.time() - hours * 3600
    for file in folder.rglob("*.parquet"):
        os.utime(file, (moment, moment))
