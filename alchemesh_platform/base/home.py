"""The folder of the platform's local files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

HOME_VARIABLE = "ALCHEMESH_HOME"


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of local state, registry and data: ``ALCHEMESH_HOME``, or the user's data folder.

    It may not exist yet.
    """
    chosen = environ.get(HOME_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("alchemesh", appauthor=False)
