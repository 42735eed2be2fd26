"""Real packages in a separate folder: modules, and metadata with entry points, as a wheel installs them."""

from __future__ import annotations

from pathlib import Path

from alchemesh_platform.base.packages.installed import entry_points
from alchemesh_platform.registration.systems import GROUP, Systems, systems_of


def install(folder: Path, package: str, modules: dict[str, str], systems: dict[str, str]) -> None:
    """Install a package.

    Args:
        modules: Module name: its text.
        systems: Entry point: its value.
    """
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    metadata = folder / f"{package.replace('-', '_')}-1.0.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0.0\n")
    declared = "\n".join(f"{name} = {value}" for name, value in systems.items())
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{declared}\n")


def systems_in(folder: Path) -> Systems:
    """The systems of the packages in a folder."""
    return systems_of(entry_points(GROUP, [str(folder)]))
