"""Folders of this machine that have an owner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.machine.directory import OWNER_FILE, holder_of, inspect, remove
from alchemesh_platform.machine.files import count
from alchemesh_platform.platform_file.builtin import LOCAL, builtin_folders
from alchemesh_platform.sdk.system.retained import Retained, RetainedData

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform

_LEVELS = ("*/*/*", "*/*/*/*")  # domain/product/port, and domain/product/port/model


class LocalData(RetainedData):
    """Tables, landing areas and folders below the root of an environment."""

    def find(self, platform: Platform) -> Iterator[Retained]:
        root = platform.settings.get("local", {}).get("root")
        if root is None:
            return
        # Environments of earlier versions used the folders of the environment local.
        former = builtin_folders(Path(platform.home), LOCAL)["root"]
        for folder in dict.fromkeys((Path(root), Path(former))):
            marks = sorted(mark for level in _LEVELS for mark in folder.glob(f"{level}/{OWNER_FILE}"))
            for path in (mark.parent for mark in marks):
                holder = holder_of(path)
                if holder is not None and holder.is_in(platform.environment):
                    yield Retained(
                        _kind(path),
                        str(path),
                        holder.owner,
                        _contents(path),
                        (path.as_uri(), str(path)),
                        holder.environment,
                    )

    def delete(self, platform: Platform, data: Retained) -> None:
        remove(Path(data.name), data.owner, keep_data=False, environment=platform.environment)


def _kind(path: Path) -> str:
    if (path / "_delta_log").is_dir():
        return "Delta table"
    return "Iceberg table" if any((path / "metadata").glob("*.metadata.json")) else "folder"


def _contents(path: Path) -> str:
    if (path / "_delta_log").is_dir():
        from alchemesh_platform.systems.local.tables import delta

        try:
            state = delta.read_table(path)
        except delta.TableFailed:
            state = None
        if state is not None and state.rows is not None:
            return count(state.rows, "row")
    found = inspect(path)
    return f"{count(found.files, 'file')}, {found.size_bytes:,} bytes" if found is not None else ""


RETAINED = LocalData()
