"""Specs of other packages, remembered in the user's cache: the next command reads them without an import.

A remembered spec counts as long as the files of its package are unchanged, for one Python and one version of the
platform. Failures are not remembered. A cache that cannot be read or written costs time only.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from alchemesh_platform import __version__
from alchemesh_platform.base.packages.installed import EntryPoint

Kept = dict[str, Any]


def remembered(file: Path) -> dict[str, Kept]:
    """The content of a cache file. It is empty if the file is missing, damaged, or of another form."""
    stamp = _stamp(str(file))
    return dict(_content(file, *stamp)) if stamp else {}


@lru_cache(maxsize=2)
def _content(file: Path, _changed_at: int, _size: int) -> dict[str, Kept]:
    """A command on many products reads the file once."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def remember(file: Path, kept: Mapping[str, Kept]) -> None:
    """Add entries to a cache file, and leave out those of packages that are gone."""
    from alchemesh_platform.base.files.writing import write_private

    everything = {**remembered(file), **kept}
    there = {key: value for key, value in everything.items() if os.path.isdir(_folder(key))}  # noqa: PTH112 - as fast
    try:
        write_private(file, json.dumps(there))
    except OSError:
        return  # the next command imports them again


def key_of(entry: EntryPoint) -> str:
    """The name of an entry point in the cache."""
    return f"{entry.folder}\n{entry.name}\n{entry.value}"


def _folder(key: str) -> str:
    return key.partition("\n")[0]


def stamps(entry: EntryPoint, files: Iterable[str]) -> dict[str, list[int]]:
    """Time and size of the metadata of a package, and of the files that its spec comes from."""
    metadata = (str(Path(entry.folder, name)) for name in ("METADATA", "PKG-INFO"))
    return {file: stamp for file in (*metadata, *files) if (stamp := _stamp(file))}


def is_current(kept: Kept) -> bool:
    """Whether the files of a remembered spec are unchanged."""
    return all(_stamp(file) == stamp for file, stamp in kept["files"].items())


def _stamp(file: str) -> list[int]:
    """Time and size of a file; empty if it is missing."""
    try:
        found = os.stat(file)  # noqa: PTH116 - as fast
    except OSError:
        return []
    return [found.st_mtime_ns, found.st_size]


def cache_file() -> Path:
    """The cache of this Python, with this version of the platform and this form of a spec."""
    from dataclasses import fields

    from alchemesh_platform.sdk.spec import ComponentSpec

    form = [sys.prefix, sys.version, __version__, *(field.name for field in fields(ComponentSpec))]
    return _cache_folder() / "specs" / f"{sha256(chr(0).join(form).encode()).hexdigest()[:16]}.json"


def _cache_folder() -> Path:
    chosen, user = os.environ.get("XDG_CACHE_HOME", ""), os.environ.get("HOME", "")
    # The usual cases of Linux, as platformdirs answers them; see alchemesh_platform/base/files/home.py.
    if sys.platform == "linux" and Path(chosen or user).is_absolute():
        return Path(chosen, "alchemesh") if chosen else Path(user, ".cache", "alchemesh")
    from platformdirs import user_cache_path

    return user_cache_path("alchemesh", appauthor=False)
