"""The folder of the platform's local files."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

HOME_VARIABLE = "ALCHEMESH_HOME"
ANOTHER_FOLDER = f"give this user the right to it, or choose another folder: {HOME_VARIABLE} names the platform's"


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of local state, registry and data: ``ALCHEMESH_HOME``, or the user's data folder.

    It may not exist yet.
    """
    chosen = environ.get(HOME_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    data, user = environ.get("XDG_DATA_HOME", ""), environ.get("HOME", "")
    # The usual cases of Linux, as platformdirs answers them. Its import takes longer than reading a manifest.
    if sys.platform == "linux" and Path(data or user).is_absolute():
        return Path(data, "alchemesh") if data else Path(user, ".local", "share", "alchemesh")
    from platformdirs import user_data_path

    return user_data_path("alchemesh", appauthor=False)
