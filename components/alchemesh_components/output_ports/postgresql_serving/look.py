"""Checks of a data API of this machine against the tables that it would copy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from alchemesh_components.local.settings import Settings
from alchemesh_components.output_ports.postgresql_serving.models import Args
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits

_LOG = "_delta_log"


def look(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that each deployed table fits the limit of the copy: files are smaller than the rows in them."""
    limit = (args.limits or Limits()).max_gigabytes
    for name in wiring.models:
        folder = Path(settings.local.root, wiring.domain, wiring.product, wiring.port, name)
        size = bytes_of_table(folder)
        if size is not None and size > limit * 1e9:
            yield Objection(
                f"table {name} has files of {size / 1e9:.1f} GB, and its serving copy holds at most {limit:g} GB",
                hint="raise `max_gigabytes` in `limits` of the proxy, or use a storage that serves itself, such as "
                "BigQuery, Trino or Athena",
            )


def bytes_of_table(folder: Path) -> int | None:
    """Bytes of the current files of a Delta table, from its log; None if there is none, or if it has a checkpoint."""
    if (folder / _LOG / "_last_checkpoint").exists():
        return None
    files: dict[str, int] = {}
    try:
        logs = sorted((folder / _LOG).glob("*.json"))
        for log in logs:
            for line in filter(None, log.read_text(encoding="utf-8").splitlines()):
                action = json.loads(line)
                if "add" in action:
                    files[action["add"]["path"]] = action["add"]["size"]
                elif "remove" in action:
                    files.pop(action["remove"]["path"], None)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return sum(files.values()) if logs else None
