"""Optional parts (extras) of an installed package: their missing libraries, and the command that installs them.

Extras use the syntax of installers: ``alchemesh-platform[local]``. The package's metadata lists the libraries of an
extra, so only pyproject.toml names them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = "alchemesh-platform"

_EXTRA = re.compile(r"(?P<package>[A-Za-z0-9._-]+)\[(?P<extra>[A-Za-z0-9._-]+)\]")
_UV_RECEIPT = "uv-receipt.toml"  # https://docs.astral.sh/uv/concepts/tools/: uv writes it next to each tool
_PIPX_METADATA = "pipx_metadata.json"  # pipx writes it next to each application


def missing_extras(extras: Iterable[str]) -> tuple[str, ...]:
    """The extras with a library that is not installed, in the given order.

    Args:
        extras: Each as ``package[extra]``.
    """
    return tuple(extra for extra in extras if not _installed(extra))


def install_command(*extras: str, prefix: Path | None = None) -> str:
    """The command that installs extras, with the tool that installed this program.

    A tool of uv or pipx is reinstalled, so the command also names the installed extras.

    Args:
        extras: Each as ``package[extra]``.
        prefix: Folder of the Python environment; by default the one that runs.
    """
    folder = prefix or Path(sys.prefix)
    wanted = dict.fromkeys(extras)
    if (folder / _UV_RECEIPT).is_file():
        own, others = _grouped(_with_installed(wanted))
        return " ".join(["uv tool install", own or PACKAGE, *(f"--with {other}" for other in others)])
    if (folder / _PIPX_METADATA).is_file():
        own, others = _grouped(_with_installed(wanted) if any(_is_own(extra) for extra in wanted) else wanted)
        commands = [f"pipx install --force {own}"] if own else []
        return " && ".join([*commands, *(f"pipx inject {PACKAGE} {other}" for other in others)])
    own, others = _grouped(wanted)
    return " ".join(["pip install", *([own] if own else []), *others])


def is_tool(prefix: Path | None = None) -> bool:
    """Whether uv or pipx installed this program as a tool: other packages have an environment of their own.

    Args:
        prefix: Folder of the Python environment; by default the one that runs.
    """
    folder = prefix or Path(sys.prefix)
    return any((folder / name).is_file() for name in (_UV_RECEIPT, _PIPX_METADATA))


def _is_own(extra: str) -> bool:
    return extra.startswith(f"{PACKAGE}[")


def _with_installed(wanted: Iterable[str]) -> list[str]:
    return sorted({*wanted, *(extra for extra in _own_extras() if _installed(extra))})


def _grouped(extras: Iterable[str]) -> tuple[str, list[str]]:
    """The requirement of the platform's own extras, quoted for a shell, and one requirement for each other package."""
    by_package: dict[str, list[str]] = {}
    for each in extras:
        match = _EXTRA.fullmatch(each)
        if match is not None:
            by_package.setdefault(match["package"], []).append(match["extra"])
    quoted = {package: f"'{package}[{','.join(names)}]'" for package, names in by_package.items()}
    return quoted.pop(PACKAGE, ""), list(quoted.values())


def _own_extras() -> list[str]:
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        names = metadata(PACKAGE).get_all("Provides-Extra") or []
    except PackageNotFoundError:
        return []
    return [f"{PACKAGE}[{name}]" for name in names]


@cache
def _installed(extra: str) -> bool:
    from importlib.metadata import PackageNotFoundError, distribution

    from packaging.requirements import Requirement

    match = _EXTRA.fullmatch(extra)
    try:
        package = distribution(match["package"]) if match is not None else None
    except PackageNotFoundError:
        return False
    if match is None or package is None or match["extra"] not in (package.metadata.get_all("Provides-Extra") or []):
        return False
    for requirement in map(Requirement, package.requires or []):
        marker = requirement.marker
        if marker is None or not marker.evaluate({"extra": match["extra"]}) or marker.evaluate({"extra": ""}):
            continue  # of another extra, of another system, or always needed
        if requirement.name == match["package"]:  # an extra that includes others
            if not all(_installed(f"{requirement.name}[{other}]") for other in requirement.extras):
                return False
        elif not _is_there(requirement.name):
            return False
    return True


def _is_there(package: str) -> bool:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
