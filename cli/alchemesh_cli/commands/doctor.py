"""`alchemesh doctor`: check that this machine has everything that it needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.context_options import with_context_options
from alchemesh_cli.documents import echo_json
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.base.remedy import hint_as_json
from alchemesh_platform.platform_file.models import Platform

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


@click.command(short_help="Check that this machine has everything that it needs.")
@where_options
@json_option
def command(where: Where, as_json: bool) -> int:
    """Check that this machine has everything that it needs.

    \b
    Examples:
      alchemesh doctor
      alchemesh doctor -e prod --json
    """
    from alchemesh_platform.app.where import read_platform

    platform = read_platform(where)
    results = [_checked(name, check, platform) for name, check in _all_checks().items()]
    if as_json:
        echo_json("checks", results)
    else:
        for result in results:
            click.echo(f"{'✓' if result['passed'] else '✗'} {result['check']:<12} {indent(str(result['found']))}")
            if result["hint"]:
                click.echo(f"  {'':<12} hint: {with_context_options(result['hint'])}")
    return 0 if all(result["passed"] for result in results) else 1


def indent(found: str) -> str:
    """A finding, with its further lines indented."""
    return found.replace("\n", f"\n{'':<15}")


def _checked(name: str, check: Callable[[Platform], str], platform: Platform) -> dict[str, Any]:
    try:
        return {"check": name, "passed": True, "found": check(platform), "hint": None}
    except Failure as failure:
        return {"check": name, "passed": False, "found": failure.message, **hint_as_json(failure.hint)}
    except OSError as error:
        from alchemesh_platform.machine.files import storage_failure

        failed = storage_failure(f"use {error.filename}" if error.filename else "use this machine's files", error)
        return {"check": name, "passed": False, "found": failed.message, **hint_as_json(failed.hint)}
    except (ProblemsFound, ImportError) as error:
        return {"check": name, "passed": False, "found": str(error), "hint": None}


def _python(_platform: Platform) -> str:
    import sys

    return f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro} {sys.executable}"


def _engine(_platform: Platform) -> str:
    from alchemesh_platform.engine.install.find import find_engine

    found = find_engine(allow_install=False)
    return f"Pulumi {found.version} {found.path} ({found.source})"


def _plugins(platform: Platform) -> str:
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.deployment.emulation import emulated_packages
    from alchemesh_platform.engine.install.find import find_engine
    from alchemesh_platform.engine.install.plugins import find_plugin

    catalog = discover()
    used = [catalog[name] for name in platform.components.values() if name in catalog]
    names = sorted({name for spec in used for name in spec.plugins} - emulated_packages(platform))
    found = [find_plugin(name, find_engine(allow_install=False), allow_install=False) for name in names]
    return ", ".join(f"{plugin.name} {plugin.version} ({plugin.source})" for plugin in found) or "none is needed"


def _home(platform: Platform) -> str:
    import shutil
    import tempfile

    folder = Path(platform.home)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        free = shutil.disk_usage(folder).free
    return f"{folder}, {free / 1e9:.0f} GB free"


def _private(platform: Platform) -> str:
    from alchemesh_platform.app.private import check_home

    return check_home(platform)


def _registry(platform: Platform) -> str:
    from alchemesh_platform.app.observe import count_products

    count = count_products(platform)
    return f"{count} {'product' if count == 1 else 'products'} in environment {platform.environment!r}"


def _clock(platform: Platform) -> str:
    """The clock, which starts the runs of jobs on this machine."""
    from alchemesh_platform.app.clock.state import check_clock

    return check_clock(platform)


def _components(_platform: Platform) -> str:
    from alchemesh_platform.catalog.discover import discover

    catalog = discover()
    for name in catalog:
        spec = catalog[name]
        spec.args_model()
        spec.settings_model()
    return f"{len(catalog)} in the catalogue"


def _extras(platform: Platform) -> str:
    """The optional libraries that the environment's components need."""
    from alchemesh_platform.base.packages.extras import install_command, missing_extras
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.policies.expression import POLICIES

    catalog = discover()
    used = [catalog[name] for name in platform.components.values() if name in catalog]
    needed = sorted({POLICIES, *(extra for spec in used for extra in spec.extras)})
    missing = missing_extras(needed)
    if missing:
        users = {extra: sorted({spec.name for spec in used if extra in spec.extras}) for extra in missing}
        lines = (f"{extra} is not installed; needed by {', '.join(users[extra]) or 'policies'}" for extra in missing)
        raise Failure("\n".join(lines), hint=f"run `{install_command(*missing)}`")
    return ", ".join(needed)


def _systems(_platform: Platform) -> str:
    """The systems that packages register."""
    from alchemesh_platform.registration.systems import installed_systems

    systems = installed_systems()
    if systems.broken:
        raise Failure(
            "\n".join(failure.message for failure in systems.broken),
            hint="; ".join(failure.hint for failure in systems.broken if failure.hint),
        )
    return ", ".join(system.name for system in systems)


def _channels(platform: Platform) -> str:
    """The webhooks and the mail server of the platform file."""
    from alchemesh_platform.app.mesh.channels import check_channels

    return check_channels(platform)


def _all_checks() -> dict[str, Callable[[Platform], str]]:
    """The checks of the platform, and those that systems register."""
    from alchemesh_platform.registration.systems import Parts, function_part, installed_systems

    offers = list(installed_systems().offers("check", lambda system: system.checks))
    parts = Parts(offers, function_part)

    def of_system(name: str) -> Callable[[Platform], str]:
        return lambda platform: str(parts[name](platform))

    return {**CHECKS, **{offer.name: of_system(offer.name) for offer in offers}}


CHECKS: dict[str, Callable[[Platform], str]] = {
    "python": _python,
    "engine": _engine,
    "plugins": _plugins,
    "home": _home,
    "private": _private,
    "registry": _registry,
    "clock": _clock,
    "components": _components,
    "extras": _extras,
    "systems": _systems,
    "channels": _channels,
}
