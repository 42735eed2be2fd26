"""Finds the third-party programs that guard a data API, and the protocols that need a missing one."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.extras import install_command, missing_extras

Protocol = Literal["sql", "rest", "graphql"]
# Why a server may run without an enclosure: its port is public, or the platform file allows it by name.
WithoutEnclosure = Literal["public", "allowed"]

# PgBouncer and other servers are in folders that an ordinary user's PATH leaves out on Debian.
_SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/homebrew/bin")
_TRY_SECONDS = 60.0
PACKAGES = {"bwrap": "bubblewrap", "pgbouncer": "pgbouncer"}


class ProgramMissing(Failure):
    """Raised when a program is not installed. The message says how to install it."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The protocols that this machine can guard.

    Args:
        protocols: The requested protocols that this machine can offer, in the given order.
        sandboxed: Whether clients reach the server only through the gateway.
        warnings: Protocols that are not offered or not sandboxed, each with the package to install.
    """

    protocols: tuple[Protocol, ...]
    sandboxed: bool
    warnings: tuple[str, ...] = ()


def guard_of(wanted: Sequence[Protocol]) -> Guard:
    """The requested protocols that this machine can guard. The others are not offered."""
    sandboxed = why_not_sandboxed() is None
    warnings = []
    if not sandboxed:
        warnings.append(
            "the data API is not enclosed: its servers can read the files of their user, and SQL over REST is not "
            f"offered ({why_not_sandboxed()})"
        )
    kept: tuple[Protocol, ...] = tuple(protocol for protocol in wanted if protocol != "sql")
    if "sql" in wanted:
        if not sandboxed:
            warnings.append("protocol sql is not offered: nothing keeps its statements to the port's tables")
        elif find_program("pgbouncer") is None:
            warnings.append(
                f"protocol sql is not offered: there is no `pgbouncer` to guard it ({_install('pgbouncer')})"
            )
        else:
            kept = tuple(wanted)
    return Guard(kept, sandboxed, tuple(warnings))


def unenclosed_problem(exception: WithoutEnclosure | None, *, was_enclosed: bool) -> str | None:
    """The reason why a data API may not run on this machine; None if it may.

    A server without an enclosure lends the file access of its user to all users of the machine. So a port that is not
    public, or whose server was enclosed before, needs the enclosure, unless the platform team allows it by name.

    Args:
        exception: Why the data API may run without an enclosure; None if it may not.
        was_enclosed: Whether its deployed server is enclosed.
    """
    why = why_not_sandboxed()
    if why is None or exception == "allowed" or (exception == "public" and not was_enclosed):
        return None
    reason = "its server was enclosed before" if was_enclosed else "the port is not public"
    return f"the data API needs an enclosure, because {reason}, and this machine cannot provide one: {why}"


def unenclosed_hint(owner: str) -> str:
    """The fix for a data API that is refused without an enclosure."""
    return (
        f"make `bwrap` work, or let the platform team add {owner} to `allow_unenclosed` in the settings group `local` "
        "of the platform file"
    )


def program(name: str) -> Path:
    """A required program: the one that belongs to this Python, or else one of the system.

    Raises:
        ProgramMissing: when it is not installed.
    """
    found = find_program(name)
    if found is None:
        raise ProgramMissing(f"there is no `{name}` program", hint=_install(name))
    return found


def find_program(name: str) -> Path | None:
    """A program: the one that belongs to this Python, or else one of the system; None if it is not installed."""
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if (folder / name).is_file():
            return folder / name
    found = shutil.which(name) or shutil.which(name, path=":".join(_SYSTEM_FOLDERS))
    return Path(found).absolute() if found else None


@functools.cache
def why_not_sandboxed() -> str | None:
    """The reason why this machine cannot sandbox a server, with the remedy; None if it can. The result is cached."""
    if sys.platform != "linux":
        return "sandboxes need Linux"
    bwrap = find_program("bwrap")
    if bwrap is None:
        return f"there is no `bwrap`: {_install('bwrap')}"
    nothing = (str(bwrap), *ALONE, "--ro-bind", "/", "/", "--", "/bin/true")
    try:
        tried = subprocess.run(nothing, capture_output=True, text=True, timeout=_TRY_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"`bwrap` does not work here: {error}"
    if tried.returncode != 0:
        return f"this machine allows no namespaces: {tried.stderr.strip() or 'bwrap failed'}"
    return None


# All kinds of namespaces, and of root's capabilities only the one to change its root folder.
ALONE = ("--unshare-all", "--uid", "0", "--gid", "0", "--cap-add", "CAP_SYS_CHROOT", "--die-with-parent")


def _install(name: str) -> str:
    package = PACKAGES.get(name)
    if package:
        return f"install it, on Debian with `apt-get install {package}`"
    extra = "alchemesh-platform[local]"
    if missing_extras((extra,)):
        return f"run `{install_command(extra)}`"
    folder = Path(sys.executable).parent
    return f"{extra} is installed, without its program in {folder}: install it again there, or add `{name}` to PATH"
