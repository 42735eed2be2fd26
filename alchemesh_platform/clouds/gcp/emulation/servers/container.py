"""The container of the data API on this machine: the image's entry point, its user and its folders, in an enclosure."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alchemesh_platform.clouds.gcp.data_api import image
from alchemesh_platform.clouds.gcp.data_api.configuration import VARIABLE
from alchemesh_platform.machine.files import write_if_changed
from alchemesh_platform.systems.local.data_api.programs import find_program
from alchemesh_platform.systems.local.data_api.web import python_folders

_SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/lib32", "/nix/store", "/etc/ld.so.cache", "/etc/hosts")


class NoContainer(Exception):
    """Raised when this machine cannot run a container's program."""


def runs_here(container: Mapping[str, Any]) -> bool:
    """Whether the program of a container is on this machine: the data API of the platform."""
    return any(variable["name"] == VARIABLE for variable in container.get("envs") or ())


def container_command(variables: Mapping[str, str], folder: Path) -> list[str]:
    """The command that runs the image's entry point as its container does.

    Args:
        variables: Variables of the container.
        folder: A folder for files that the enclosure shows at other places.

    Raises:
        NoContainer: when this machine has no enclosure.
    """
    bwrap = find_program("bwrap")
    if bwrap is None:
        raise NoContainer("the emulated Cloud Run needs bubblewrap to run an instance")
    number = str(image.ACCOUNT_NUMBER)
    passwd = folder / "passwd"
    write_if_changed(passwd, f"{image.ACCOUNT}:x:{number}:{number}::{image.HOME}:/bin/sh\n")
    command = [str(bwrap), "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent"]
    command += ["--uid", number, "--gid", number, "--clearenv"]
    for name, value in {**image.VARIABLES, **variables, "PYTHONDONTWRITEBYTECODE": "1"}.items():
        command += ["--setenv", name, value]
    command += ["--setenv", "PATH", "/usr/bin:/bin", "--proc", "/proc", "--dev", "/dev"]
    for path in ("/tmp", image.DATA_FOLDER):  # noqa: S108 - of the enclosure
        command += ["--tmpfs", path]
    # The image has a prepared data folder of PostgreSQL there.
    home = folder / "home"
    home.mkdir(exist_ok=True)
    command += ["--bind", str(home), image.HOME]
    for path in (*_SYSTEM, *python_folders()):
        command += ["--ro-bind-try", path, path]
    command += ["--ro-bind", str(passwd), "/etc/passwd", "--chdir", image.HOME, "--remount-ro", "/", "--"]
    return [*command, sys.executable, *image.ENTRYPOINT[1:]]
