"""Installs BigQuery's emulator, `local-bigquery`, into a separate Python environment in the user's cache folder.

The emulator needs a newer Python than the platform, and other versions of libraries than a product's code may have. It
is installed once for each lock file. DuckDB's extensions are packages too, so its start downloads nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.machine.environments import EnvironmentFailed, ensure_environment, python_of, run_in

NAME, TITLE = "local-bigquery", "BigQuery's emulator"
LOCK = Path(__file__).with_name("local-bigquery.txt")
PYTHON_VARIABLE = "ALCHEMESH_EMULATOR_PYTHON"
OLDEST_PYTHON = (3, 13)
_VERSION = "import sys; print(*sys.version_info[:2])"
# DuckDB looks for extensions in the home folder of its user: https://duckdb.org/docs/stable/extensions/installing_extensions
_EXTENSIONS = """
import duckdb, glob, sysconfig
for path in glob.glob(sysconfig.get_path("purelib") + "/duckdb_extension_*/extensions/*/*.duckdb_extension"):
    duckdb.connect().install_extension(path)
"""


class EmulatorMissing(Failure):
    """Raised when an emulator cannot be installed. The message names the missing part."""


def ensure_local_bigquery(report: Callable[[str], None] = lambda _line: None) -> Path:
    """The folder of the emulator's environment. It is created if it is missing.

    Args:
        report: Called with a line of progress before the installation.

    Raises:
        EmulatorMissing: when there is no Python for it, or its packages cannot be installed.
    """
    try:
        return ensure_environment(NAME, LOCK, report, title=TITLE, python=find_python, finish=_install_extensions)
    except EnvironmentFailed as error:
        raise EmulatorMissing(error.message, hint=error.hint) from error


def find_python() -> str:
    """A Python that is new enough: the configured one, this one, one on PATH, or one of pyenv.

    Raises:
        EmulatorMissing: when there is none, with the ways to install one.
    """
    for candidate in _candidates():
        if _is_new_enough(candidate):
            return candidate
    wanted = ".".join(map(str, OLDEST_PYTHON))
    raise EmulatorMissing(
        f"BigQuery's emulator needs Python {wanted} or newer, and none was found",
        hint=f"install it beside yours (`uv python install {wanted}`, `pyenv install {wanted}`), "
        f"or name it: {PYTHON_VARIABLE}=/path/to/python{wanted}",
    )


def home_of(folder: Path) -> Path:
    """The home folder of the emulator, which holds DuckDB's extensions."""
    return folder / "home"


def _candidates() -> Iterator[str]:
    if named := os.environ.get(PYTHON_VARIABLE):
        yield named
        return
    yield sys.executable
    for minor in (13, 14):
        if found := shutil.which(f"python3.{minor}"):
            yield found
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from (str(path) for path in sorted(root.glob("versions/3.1[34]*/bin/python"), reverse=True))
    if uv := shutil.which("uv"):
        search = subprocess.run(
            [uv, "python", "find", "--offline", "3.13"], capture_output=True, text=True, check=False
        )
        if search.returncode == 0:
            yield search.stdout.strip()


def _is_new_enough(python: str) -> bool:
    try:  # pyenv also has shims for inactive versions, and those fail
        printed = subprocess.run([python, "-c", _VERSION], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return False
    return tuple(int(part) for part in printed.split()) >= OLDEST_PYTHON


def _install_extensions(folder: Path) -> None:
    home_of(folder).mkdir(parents=True)
    run_in(TITLE, str(python_of(folder)), "-c", _EXTENSIONS, variables={"HOME": str(home_of(folder))})
