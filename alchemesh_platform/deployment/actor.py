"""Who is acting."""

from __future__ import annotations

import getpass
import os
import socket


def actor() -> str:
    """The user of this machine, as ``user@host``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without an entry, as in many containers
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
