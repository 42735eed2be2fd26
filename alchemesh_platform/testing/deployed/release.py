"""An earlier release of a package: found by its version, its wheel or its folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.packages.installed import EntryPoint, entry_points
from alchemesh_platform.testing.package import GROUP, PROJECT, registered_in, roots_of


class NoRelease(Failure):
    """Raised when an earlier release cannot be found."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Release:
    """An earlier release of a package.

    Args:
        folder: A folder with its top-level modules, and nothing else.
        entries: The entry points of its components.
        version: Its version; empty if unknown.
    """

    folder: Path
    entries: tuple[EntryPoint, ...]
    version: str = ""


@contextmanager
def release(package: str, which: str) -> Iterator[Release]:
    """An earlier release, below a temporary folder.

    Args:
        package: Name of the package.
        which: A version, a wheel, or a folder with the package's project file.

    Raises:
        NoRelease: when it cannot be found, or has no component.
    """
    with TemporaryDirectory(prefix="conformance-release-", ignore_cleanup_errors=True) as name:
        unpacked, found, version = Path(name, "unpacked"), Path(which), which
        if found.is_dir():
            unpacked, version = found, _version(found)
        elif found.is_file():
            try:
                with zipfile.ZipFile(found) as wheel:
                    wheel.extractall(unpacked)
                version = [*found.name.split("-"), "", ""][1]
            except (zipfile.BadZipFile, OSError) as error:
                raise NoRelease(f"{which} is no wheel: {error}", hint="name a version, a wheel or a folder") from error
        elif "://" in which:
            what = f"found the URL {which}, expected a version, a wheel or a folder"
            raise NoRelease(what, hint="download the wheel, or clone the repository at that release, and name its path")
        else:
            _install(package, which, unpacked)
        entries = _entries(unpacked)
        if not entries:
            raise NoRelease(f"{package} {which} registers no component", hint="name an earlier release of this package")
        modules = Path(name, "modules")
        modules.mkdir()
        for top in {entry.value.partition(":")[0].partition(".")[0] for entry in entries}:
            root = next((root for root in roots_of(unpacked) if (root / top).is_dir()), None)
            if root is None:
                raise NoRelease(f"{package} {which} has no module {top}", hint="name a folder with its project file")
            shutil.copytree(root / top, modules / top, ignore=shutil.ignore_patterns("__pycache__"))
        yield Release(modules, tuple(entries), version)


def _install(package: str, version: str, target: Path) -> None:
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--target", str(target)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, f"{package}=={version}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["pip failed"]
        raise NoRelease(
            f"pip cannot install {package}=={version}: {lines[-1].removeprefix('ERROR: ')}",
            hint="name a released version, a wheel, or a folder with an earlier checkout",
        )


def _version(folder: Path) -> str:
    """The version in a project file; empty if it is computed."""
    try:
        project = tomllib.loads((folder / PROJECT).read_text("utf-8")).get("project", {})
    except (OSError, ValueError):
        return ""
    return str(project.get("version", ""))


def _entries(folder: Path) -> list[EntryPoint]:
    if (folder / PROJECT).is_file():
        return registered_in(folder / PROJECT)[1]
    return entry_points(GROUP, [str(folder)])
