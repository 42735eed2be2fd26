"""``alchemesh.lock``: the component that each component type resolved to, in each environment of a product.

The file is next to the manifest, and belongs in the repository. Each type has a line of its own, so that a merge
conflicts only where two branches upgrade the same type in the same environment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from alchemesh_platform.base.problems import Location, Problem, ProblemsFound
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.documents.document import Node, quoted
from alchemesh_platform.documents.models import Name, Strict
from alchemesh_platform.documents.validate import validate
from alchemesh_platform.documents.yaml_source import read_document, shown

FORM = 1  # of the file; rises when an older version of the platform cannot read it
SUFFIX = ".lock"
HEADER = """\
# The component of each component type, as `up` resolved it. Keep this file in git.
# `components upgrade` previews another version, and records it here.
"""
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( |$)")
_NO_TREE = Node(None, "", 1, 1, 1, 1)


class LockedComponent(Strict):
    """A component in the lock."""

    component: Name = Field(description="Name of the component.")
    version: str = Field(description="Its version.")
    package: str = Field(default="", description="The package that offers it.")

    def __str__(self) -> str:
        return f"{self.component} {self.version}"


class LockFile(Strict):
    """The content of the lock."""

    kind: Literal["Lock"] = Field(description="Always Lock.")
    version: int = Field(description="Version of the form of the file.")
    environments: dict[str, dict[Name, LockedComponent]] = Field(
        default_factory=dict, description="Environment: component type: component."
    )


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that was read; without environments if the file does not exist.

    Args:
        path: The file.
        environments: Environment: component type: component.
        tree: The document, with places.
    """

    path: Path
    environments: Mapping[str, Mapping[str, LockedComponent]] = field(default_factory=dict)
    tree: Node = _NO_TREE

    def of(self, environment: str) -> Mapping[str, LockedComponent]:
        """The recorded component of each component type in an environment."""
        return self.environments.get(environment, {})

    def locate(self, environment: str, component_type: str) -> Location:
        """The line of a component type."""
        return self.tree.locate(("environments", environment, component_type))


def lock_path(manifest: Path) -> Path:
    """The lock of a manifest: ``alchemesh.lock`` for ``alchemesh.yaml``."""
    return manifest.with_suffix(SUFFIX)


def read_lock(path: Path) -> Lock:
    """Read a lock. A file that does not exist records nothing.

    Raises:
        ProblemsFound: with every problem of the file.
    """
    if not path.exists():
        return Lock(path)
    _refuse_conflict(path)
    tree, problems = read_document(path)
    form = tree.keys.get("version")
    if form is not None and isinstance(form.value, int) and form.value > FORM:
        message = f"found version {form.value} of the file, expected at most {FORM}"
        raise ProblemsFound([Problem(form.location, "version", message, "update Alchemesh: a newer one wrote it")])
    content, more = validate(tree, LockFile)
    if content is None or problems:
        raise ProblemsFound([*problems, *more])
    return Lock(path, content.environments, tree)


def write_lock(path: Path, environment: str, components: Mapping[str, LockedComponent]) -> bool:
    """Record the components of one environment. Other environments stay as they are in the file.

    Args:
        components: Component type: component; all of the environment.

    Returns:
        Whether the file has changed.

    Raises:
        OSError: when the file cannot be written.
        ProblemsFound: when the existing file cannot be read.
    """
    from alchemesh_platform.base.files.writing import write_text

    with _alone(path.parent):
        before = read_lock(path)
        environments = {**before.environments, environment: components}
        text = lock_text({name: found for name, found in environments.items() if found})
        if path.exists() and path.read_text("utf-8") == text:
            return False
        manifest = path.with_suffix(".yaml")
        like = path if path.exists() else manifest if manifest.exists() else path.parent
        write_text(path, text, mode=like.stat().st_mode & 0o666)
    return True


def lock_text(environments: Mapping[str, Mapping[str, LockedComponent]]) -> str:
    """The text of a lock, in alphabetical order."""
    lines = [f"{HEADER}kind: Lock", f"version: {FORM}", "environments:" if environments else "environments: {}"]
    for environment, components in sorted(environments.items()):
        lines.append(f"  {_scalar(environment)}:")
        for component_type, each in sorted(components.items()):
            fields = {"component": each.component, "version": each.version, "package": each.package}
            written = ", ".join(f"{key}: {_scalar(value)}" for key, value in fields.items() if value)
            lines.append(f"    {_scalar(component_type)}: {{{written}}}")
    return "\n".join(lines) + "\n"


def _scalar(text: str) -> str:
    """A text in YAML, in quotes where it would be something else: the version ``1.0``, the environment ``true``."""
    plain = re.fullmatch(r"[a-z][a-z0-9-]*", text) and isinstance(yaml.safe_load(text), str)
    return text if plain else json.dumps(text)


def _refuse_conflict(path: Path) -> None:
    """Report the markers of a merge conflict, with the way to resolve it."""
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return  # `read_document` reports it
    marked = next((number for number, line in enumerate(lines, 1) if _CONFLICT.match(line)), None)
    if marked is not None:
        hint = remedy(
            "keep the lines of one side and remove the markers; then {} records the installed components",
            command("components", "upgrade", about_product=True),
        )
        message = f"found {quoted(lines[marked - 1])}, the mark of a merge conflict, expected a component of each type"
        raise ProblemsFound([Problem(Location(shown(path), marked), "", message, hint)])


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes of this machine from writing a lock of the folder at the same time."""
    import os

    try:
        import fcntl
    except ImportError:  # not on Windows, where a file is replaced in one step too
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def as_json(locked: LockedComponent | None) -> dict[str, Any] | None:
    """A recorded or resolved component as JSON."""
    return None if locked is None else locked.model_dump(mode="json")
