"""The image of the data API: its name, and the command that its container runs.

``image/Dockerfile`` beside this file builds it.
"""

from __future__ import annotations

from pathlib import Path

# A dot cannot be in the name of a domain, so no product has this name.
NAME = "alchemesh.platform/data-api"
FORMER = "roapi"  # the server of former versions
FOLDER = Path(__file__).with_name("image")
ENTRYPOINT = ("python", "-m", "alchemesh_platform.clouds.gcp.data_api")
ACCOUNT, ACCOUNT_NUMBER = "alchemesh", 1000
DATA_FOLDER = "/var/lib/alchemesh"
HOME = f"/home/{ACCOUNT}"
VARIABLES = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1", "HOME": HOME}


def is_former(image: str) -> bool:
    """Whether an image is one of roapi, which former versions deployed."""
    return FORMER in image.partition("@")[0].rpartition("/")[2]
