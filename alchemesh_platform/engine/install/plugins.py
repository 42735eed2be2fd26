"""Pulumi's resource plugins: found where the engine looks or in the cache, downloaded by the engine, or built.

Components declare the plugins that they need. A run installs them before it starts, and so reports a missing plugin
before the engine deploys anything.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.engine.install.cache import PARTIAL_PREFIX, Report, cache_folder, one_at_a_time
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.install.go import NotBuilt, run_go
from alchemesh_platform.engine.stack import Stack, engine_error

Source = Literal["PATH", "Pulumi", "cache", "download", "build"]

INSTALL_SECONDS = 600.0
# Plugin: folder next to this module with the Go module that builds it.
BUILT_FROM = {"kafka": "kafka_plugin"}
_VERSION_VARIABLE = "main.version"
_IN_STATE = re.compile(rb'"type":\s*"pulumi:providers:([\w-]+)"')


@dataclass(frozen=True, slots=True)
class Plugin:
    """A resource plugin that the engine can start."""

    name: str
    version: str
    path: Path
    source: Source


class PluginMissing(Failure):
    """Raised when a plugin is missing and cannot be installed; lists each attempt and why it failed."""

    exit_code = ExitCode.ENGINE


def find_plugin(
    name: str,
    engine: Engine,
    *,
    progress: Report | None = None,
    allow_install: bool = True,
    environ: Mapping[str, str] = os.environ,
) -> Plugin:
    """Find a plugin in the version that its installed Python SDK requires.

    Args:
        name: Pulumi package: ``kafka``.
        engine: Downloads a missing plugin.
        progress: Receives a line for each slow step.
        allow_install: Whether a missing plugin may be downloaded or built.
        environ: Environment to look in.

    Raises:
        PluginMissing: when there is none, with each attempt and the fixes.
    """
    report = progress or (lambda _line: None)
    version = sdk_version(name)
    program = program_of(name)
    cached = cache_folder("plugins", environ) / f"{name}-{version}" / program
    pulumi = Path(environ.get("PULUMI_HOME") or "~/.pulumi").expanduser() / "plugins" / _folder(name, version) / program
    on_path = shutil.which(program, path=environ.get("PATH"))
    tried = {"PATH": f"no `{program}`", "Pulumi": f"no {pulumi}", "cache": f"no {cached}"}
    if on_path is not None:
        return Plugin(name, version, Path(on_path), "PATH")  # the engine uses this one, whatever its version
    if pulumi.is_file():
        return Plugin(name, version, pulumi, "Pulumi")
    if cached.is_file():
        return Plugin(name, version, cached, "cache")
    fix = f"put `{program}` {version} on PATH, or run once where get.pulumi.com can be reached"
    if name in BUILT_FROM:
        fix += ", or install Go: then it is built"
    if not allow_install:
        raise _missing(name, version, tried, remedy("{} gets it", command("engine", "--install", "--plugin", name)))
    try:
        source = _install(name, version, cached, engine, report, environ, tried)
    except OSError as error:
        tried["cache"] = f"{cached.parent.parent} cannot be written: {error.strerror or error}"
        source = None
    if source is None:
        raise _missing(name, version, tried, fix)
    return Plugin(name, version, cached, source)


def offer(plugin: Plugin, stack: Stack) -> None:
    """Put a plugin into the folder that the engine searches when it runs on a stack."""
    if plugin.source == "PATH":
        return  # the engine searches PATH first
    place = stack.pulumi_home / "plugins" / _folder(plugin.name, plugin.version) / program_of(plugin.name)
    if place.is_symlink() and place.readlink() == plugin.path:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent.parent, prefix=PARTIAL_PREFIX) as folder:
        link = Path(folder, place.name)
        link.symlink_to(plugin.path)
        link.replace(place)


def plugins_in_state(stack: Stack) -> set[str]:
    """Packages of the resources in a stack's state. A run may have to delete them though no component needs them now.

    This reads only a state that is in a folder of this machine. For other states the engine finds cached plugins
    itself.
    """
    try:
        return (
            {name.decode() for name in _IN_STATE.findall(stack.state_folder.file.read_bytes())}
            if stack.state_folder
            else set()
        )
    except FileNotFoundError:
        return set()


def get_plugins(
    names: Iterable[str], engine: Engine, stack: Stack, *, report: Report, environ: Mapping[str, str] = os.environ
) -> list[Plugin]:
    """Find or install plugins, and make them available to the runs of a stack.

    Raises:
        PluginMissing: at the first plugin that cannot be installed.
    """
    plugins = [find_plugin(name, engine, progress=report, environ=environ) for name in sorted(set(names))]
    for plugin in plugins:
        offer(plugin, stack)
    return plugins


def sdk_version(name: str) -> str:
    """The version of a plugin that its Python SDK requires. This does not import the SDK.

    Raises:
        PluginMissing: when the SDK is not installed.
    """
    module = f"pulumi_{name.replace('-', '_')}"
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise PluginMissing(
            f"Pulumi's {name} package for Python is not installed", hint=install_command(f"alchemesh-platform[{name}]")
        )
    # Pulumi's code generator writes this file into every SDK: {"resource": true, "name": …, "version": …}
    return str(json.loads(Path(found.origin).with_name("pulumi-plugin.json").read_bytes())["version"])


def program_of(name: str) -> str:
    """The file name of a plugin's program: ``pulumi-resource-kafka``."""
    return f"pulumi-resource-{name}"


def _folder(name: str, version: str) -> str:
    # Source: pulumi sdk/go/common/workspace/plugins.go (PluginSpec.Dir)
    return f"resource-{name}-v{version}"


def _install(
    name: str,
    version: str,
    place: Path,
    engine: Engine,
    report: Report,
    environ: Mapping[str, str],
    tried: dict[str, str],
) -> Source | None:
    """Download or build into a temporary folder, and move it into place in one step; one process at a time."""
    cache = place.parent.parent
    ways: dict[Source, Callable[[Path], Path]] = {
        "download": lambda folder: _download(name, version, folder, engine, report, environ)
    }
    if name in BUILT_FROM:
        ways["build"] = lambda folder: _build(name, version, folder, report, environ)
    with one_at_a_time(cache, f"the {name} plugin", report):
        if place.is_file():
            return "cache"
        for source, get in ways.items():
            with tempfile.TemporaryDirectory(prefix=PARTIAL_PREFIX, dir=cache, ignore_cleanup_errors=True) as folder:
                try:
                    program = get(Path(folder))
                except NotBuilt as error:
                    tried[source] = str(error)
                    report(f"{source} of the {name} plugin: {error}")
                    continue
                with program.open("rb") as file:
                    os.fsync(file.fileno())
                place.parent.mkdir(exist_ok=True)
                program.replace(place)
                return source
    return None


def _download(
    name: str, version: str, folder: Path, engine: Engine, report: Report, environ: Mapping[str, str]
) -> Path:
    """Download with the engine into a temporary Pulumi home: the engine handles mirrors, checksums and proxies."""
    report(f"downloading Pulumi's {name} plugin {version}")
    command = [str(engine.path), "plugin", "install", "resource", name, version, "--non-interactive", "--color=never"]
    variables = {**environ, "PULUMI_HOME": str(folder), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    variables.pop("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", None)
    try:
        done = subprocess.run(
            command,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotBuilt(f"`pulumi plugin install` failed: {error}") from error
    program = folder / "plugins" / _folder(name, version) / program_of(name)
    if done.returncode != 0 or not program.is_file():
        raise NotBuilt(_reason(done.stderr))
    return program


def _build(name: str, version: str, folder: Path, report: Report, environ: Mapping[str, str]) -> Path:
    module = folder / "module"
    shutil.copytree(Path(__file__).with_name(BUILT_FROM[name]), module)
    report(f"building Pulumi's {name} plugin {version} from Go modules; this takes some minutes, once")
    program = folder / program_of(name)
    linked = f"-s -w -X {_VERSION_VARIABLE}={version}"
    steps = {
        "fetched": ["mod", "download"],
        "compiled": ["build", "-v", "-trimpath", "-o", str(program), "-ldflags", linked, "."],
    }
    run_go(steps, module, {**environ, "GOFLAGS": "-mod=readonly"}, report)
    return program


def _reason(printed: str) -> str:
    """The reason of a failed download. The engine's warnings contain it; the last line only counts the attempts."""
    for line in printed.splitlines():
        if line.startswith("warning: Error downloading plugin: "):
            return line.removeprefix("warning: Error downloading plugin: ")
    return engine_error(printed)


def _missing(name: str, version: str, tried: Mapping[str, str], fix: str) -> PluginMissing:
    width = max(len(way) for way in tried)
    table = "\n".join(f"  {way:<{width}}  {why}" for way, why in tried.items())
    return PluginMissing(f"there is no Pulumi plugin {name} {version}\n{table}", hint=fix)
