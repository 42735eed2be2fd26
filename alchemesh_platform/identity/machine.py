"""The user according to this machine. This machine is trusted; nothing proves its answer."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from collections.abc import Mapping

USER_VARIABLE = "ALCHEMESH_USER"
GIT_SECONDS = 20  # git responds in milliseconds, unless its configuration is on an unreachable disk


def local_subject(environ: Mapping[str, str] = os.environ) -> str:
    """``ALCHEMESH_USER``, or else the email of git's configuration, or else ``user@host``."""
    return environ.get(USER_VARIABLE) or _git_email() or f"{user_name()}@{socket.gethostname()}"


def user_name() -> str:
    """The name of the user that this process runs as."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in many containers
        return str(os.getuid())


def _git_email() -> str:
    try:
        result = subprocess.run(
            ["git", "config", "--get", "user.email"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.decode(errors="replace").strip()
