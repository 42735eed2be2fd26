"""Find the Pulumi engine: the configured one, on PATH or in the cache. Otherwise download or build it once."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.engine.install.build import build_engine
from alchemesh_platform.engine.install.cache import PARTIAL_PREFIX, Report, cache_folder, one_at_a_time
from alchemesh_platform.engine.install.download import OFFICIAL_RELEASES, NotDownloaded, download_engine
from alchemesh_platform.engine.install.go import NotBuilt
from alchemesh_platform.engine.install.versions import (
    MINIMUM_VERSION,
    PINNED_VERSION,
    NoEngine,
    ask_version,
    new_enough,
    version_key,
    version_of,
)

ENGINE_VARIABLE = "ALCHEMESH_ENGINE"  # path of the engine to use
RELEASES_VARIABLE = "ALCHEMESH_ENGINE_RELEASES"  # address of a company's mirror of Pulumi's releases
PROGRAM = "pulumi"

Source = Literal["environment variable", "PATH", "cache", "download", "build"]

INSTALL_PAGE = "https://www.pulumi.com/docs/iac/download-install/"


@dataclass(frozen=True, slots=True)
class Engine:
    """A Pulumi engine that can be run."""

    path: Path
    version: str
    source: Source


class EngineMissing(Failure):
    """Raised when no engine is found or can be installed; lists each attempt and why it failed."""

    exit_code = ExitCode.ENGINE


class EngineTooOld(Failure):
    """Raised when the only engine found is too old."""

    exit_code = ExitCode.ENGINE


def find_engine(
    *, progress: Report | None = None, allow_install: bool = True, environ: Mapping[str, str] = os.environ
) -> Engine:
    """Find the engine to run: the configured one, on PATH, in the cache, downloaded or built, in this order.

    Args:
        progress: Receives a line for each slow step and each unexpected finding.
        allow_install: Whether a missing engine may be downloaded or built.
        environ: Environment to look in.

    Raises:
        EngineMissing: when there is none, with each attempt and the fixes.
        EngineTooOld: when the configured engine, or the only one found, is too old.
    """
    report = progress or (lambda _line: None)
    cache = cache_folder("engine", environ)
    memory = cache / "versions.json"
    if named := environ.get(ENGINE_VARIABLE):
        return _named(Path(named).expanduser(), memory, environ)
    tried = {ENGINE_VARIABLE: "not set"}
    too_old: Engine | None = None
    on_path = shutil.which(PROGRAM, path=environ.get("PATH"))
    if on_path is None:
        tried["PATH"] = f"no `{PROGRAM}`"
    else:
        try:
            found = Engine(Path(on_path), version_of(Path(on_path), memory, environ), "PATH")
        except NoEngine as error:
            tried["PATH"] = str(error)
        else:
            if new_enough(found.version):
                return found
            too_old = found
            tried["PATH"] = f"{found.path} is {found.version}, too old"
    if (cached := _cached(cache, memory, environ)) is not None:
        if too_old is not None:
            report(_set_aside(too_old, f"{cached.version} in the cache is used instead"))
        return cached
    tried["cache"] = f"nothing in {cache}"
    if not allow_install:
        raise _none(too_old, tried, remedy("{} installs one for this user", command("engine", "--install")))
    if too_old is not None:
        report(_set_aside(too_old, f"{PINNED_VERSION} is installed into {cache} instead"))
    try:
        installed = install_engine(cache, report, environ, tried)
    except OSError as error:
        tried["cache"] = f"{cache} cannot be written: {error.strerror or error}"
        installed = None
    if installed is not None:
        return installed
    raise _none(
        too_old, tried, f"install Pulumi ({INSTALL_PAGE}) or Go, or set {ENGINE_VARIABLE} to the path of an engine"
    )


def install_engine(cache: Path, report: Report, environ: Mapping[str, str], tried: dict[str, str]) -> Engine | None:
    """Download the pinned engine, or build it if the download fails; one process at a time, completely or not at all.

    Args:
        tried: Receives the reason of each failed attempt.

    Raises:
        OSError: when the cache cannot be written.
    """
    with one_at_a_time(cache, "the engine", report):
        memory = cache / "versions.json"
        if (cached := _cached(cache, memory, environ)) is not None:
            return cached
        ways: dict[Source, Callable[[Path], None]] = {
            "download": lambda target: download_engine(
                PINNED_VERSION, target, report, releases=environ.get(RELEASES_VARIABLE) or OFFICIAL_RELEASES
            ),
            "build": lambda target: build_engine(PINNED_VERSION, target, report, environ),
        }
        for source, get in ways.items():
            try:
                return Engine(_install(cache, get, memory, environ), PINNED_VERSION, source)
            except (NotDownloaded, NotBuilt, NoEngine) as error:
                tried[source] = str(error)
                report(f"{source} of the engine: {error}")
        return None


def _install(cache: Path, get: Callable[[Path], None], memory: Path, environ: Mapping[str, str]) -> Path:
    """Write the engine to a temporary folder, start it once, and move it into place in one step."""
    place = cache / PINNED_VERSION / PROGRAM
    with tempfile.TemporaryDirectory(prefix=PARTIAL_PREFIX, dir=cache, ignore_cleanup_errors=True) as folder:
        partial = Path(folder, PROGRAM)
        get(partial)
        found = ask_version(partial, environ)
        if found != PINNED_VERSION:
            raise NoEngine(f"the installed engine has version {found}, expected {PINNED_VERSION}")
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        place.parent.mkdir(exist_ok=True)
        partial.replace(place)
    version_of(place, memory, environ)
    return place


def _named(path: Path, memory: Path, environ: Mapping[str, str]) -> Engine:
    hint = f"set {ENGINE_VARIABLE} to Pulumi {MINIMUM_VERSION} or newer, or unset it to find an engine automatically"
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise EngineMissing(f"{ENGINE_VARIABLE} is {path}, which is not a program", hint=hint)
    try:
        engine = Engine(path, version_of(path, memory, environ), "environment variable")
    except NoEngine as error:
        raise EngineMissing(f"{ENGINE_VARIABLE} is {path}, which is not an engine: {error}", hint=hint) from error
    if not new_enough(engine.version):
        raise EngineTooOld(
            f"{ENGINE_VARIABLE} is {path}, Pulumi {engine.version}: {MINIMUM_VERSION} or newer is needed", hint=hint
        )
    return engine


def _cached(cache: Path, memory: Path, environ: Mapping[str, str]) -> Engine | None:
    """The pinned engine in the cache, or else the newest cached one that is new enough."""
    programs = sorted(
        cache.glob(f"*/{PROGRAM}"),
        key=lambda path: (path.parent.name == PINNED_VERSION, version_key(path.parent.name)),
        reverse=True,
    )
    for program in programs:
        try:
            version = version_of(program, memory, environ)
        except NoEngine:
            continue  # damaged; the caller installs it again
        if new_enough(version):
            return Engine(program, version, "cache")
    return None


def _set_aside(too_old: Engine, instead: str) -> str:
    return f"Pulumi {too_old.version} at {too_old.path} is too old, {MINIMUM_VERSION} or newer is needed: {instead}"


def _none(too_old: Engine | None, tried: Mapping[str, str], fix: str) -> Failure:
    width = max(len(way) for way in tried)
    table = "\n".join(f"  {way:<{width}}  {why}" for way, why in tried.items())
    if too_old is not None:
        return EngineTooOld(
            f"Pulumi {too_old.version} at {too_old.path} is too old: {MINIMUM_VERSION} or newer is needed, "
            f"and there is no other\n{table}",
            hint=remedy("upgrade it ({}), or: {}", INSTALL_PAGE, fix),
        )
    return EngineMissing(f"there is no Pulumi engine ({MINIMUM_VERSION} or newer)\n{table}", hint=fix)
