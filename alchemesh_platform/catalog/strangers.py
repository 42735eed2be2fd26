"""Specs of components that other packages offer, imported apart from this process.

See docs/adr/0064-catalogue-and-lock.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from alchemesh_platform import __version__
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.installed import EntryPoint
from alchemesh_platform.catalog.remembered import Kept, cache_file, is_current, key_of, remember, remembered, stamps
from alchemesh_platform.sdk.spec import ComponentSpec, Permission, Role

IMPORT = "alchemesh_platform.catalog.probe:imported_spec"


class Loaded(NamedTuple):
    """A spec of another package, or the failure of its import. ``printed`` is the output of the import."""

    spec: ComponentSpec | None
    failure: Failure | None = None
    printed: str = ""


class Strangers:
    """Loads specs of other packages: from the cache, or by an import in a separate process.

    Args:
        failure: The failure to report for a spec that cannot be used.
        file: The cache; by default, that of the user.
    """

    def __init__(self, failure: Callable[..., Failure], file: Path | None = None) -> None:
        self._failure = failure
        self._file = file
        self._loaded: dict[EntryPoint, Loaded] = {}
        self._kept: dict[str, Kept] | None = None

    def load(self, entry: EntryPoint) -> Loaded:
        """The spec of an entry point."""
        self.prepare([entry])
        return self._loaded[entry]

    def prepare(self, entries: Iterable[EntryPoint], *, again: bool = False) -> None:
        """Load several specs at once, which takes one process for all that the cache does not have.

        Args:
            again: Whether to import specs that the cache has.
        """
        missing = [entry for entry in entries if again or entry not in self._loaded]
        if not missing:
            return
        file = self._file or cache_file()
        if self._kept is None:
            self._kept = remembered(file)
        imported = []
        for entry in missing:
            kept = None if again else self._kept.get(key_of(entry))
            found = None if kept is None else _restored(kept)
            if found is not None:
                self._loaded[entry] = found
            elif (unmet := self._unmet(entry)) is not None:
                self._loaded[entry] = Loaded(None, unmet)
            else:
                imported.append(entry)
        if imported:
            self._import(imported, file)

    def _import(self, entries: list[EntryPoint], file: Path) -> None:
        from alchemesh_platform.catalog.apart import call_apart

        references = [entry.value for entry in entries]
        answers = call_apart(IMPORT, [(reference, references) for reference in references])
        new: dict[str, Kept] = {}
        for entry, answer in zip(entries, answers, strict=True):
            found = answer.value or {}
            spec = _versioned(entry, found["spec"]) if "spec" in found else None
            wrong = None if spec is None else _wrong_field(spec)
            if spec is not None and wrong is None and spec["name"] == entry.name:
                kept = {"files": stamps(entry, found["files"]), "spec": spec, "printed": answer.printed}
                self._loaded[entry] = Loaded(_spec(spec), None, answer.printed)
                if entry.folder:
                    new[key_of(entry)] = kept
                continue
            name = None if spec is None else spec["name"]
            refused = wrong or found.get("refused")
            self._loaded[entry] = Loaded(None, self._broken(entry, answer.failure, refused, name))
        if new:
            remember(file, new)

    def _broken(self, entry: EntryPoint, failure: str, refused: str | None, name: str | None) -> Failure:
        """The failure of an import, of an object that is no spec, or of a spec with another name."""
        offered = f"component {entry.name!r} of package {entry.package} ({entry.value})"
        if failure:
            sentence = failure.replace("fails: ", "cannot be loaded: ", 1).replace(
                "does not end", "hangs: its import does not end"
            )
            hint = f"reinstall or uninstall {entry.package}, or report this to its author"
            return self._failure(f"{offered} {sentence}", hint=hint)
        sentence = refused or f"has the name {name!r}, expected the name of its entry point"
        return self._failure(f"{offered} {sentence}", hint=f"report this to the author of {entry.package}")

    def _unmet(self, entry: EntryPoint) -> Failure | None:
        """The failure of a package that needs another version of the platform."""
        from alchemesh_platform.base.packages.distribution import distribution_at

        needed = distribution_at(entry.folder)
        if needed.fits:
            return None
        return self._failure(
            f"component {entry.name!r} of package {entry.package} {needed.version} needs alchemesh-platform "
            f"{needed.needs}, found {__version__}",
            hint=f"install a version of {entry.package} for alchemesh-platform {__version__}, or run "
            f"`pip install 'alchemesh-platform{needed.needs}'`",
        )


def _restored(kept: Kept) -> Loaded | None:
    """A remembered spec, or None if its files have changed."""
    try:
        return Loaded(_spec(kept["spec"]), None, kept["printed"]) if is_current(kept) else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None  # a damaged cache


def _versioned(entry: EntryPoint, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a spec. A spec without a version has that of its package."""
    from alchemesh_platform.base.packages.distribution import distribution_at

    return fields if fields["version"] else {**fields, "version": distribution_at(entry.folder).version}


def _wrong_field(fields: dict[str, Any]) -> str | None:
    """The first field of a spec with a value of another type, in words; None if there is none."""
    from pydantic import TypeAdapter, ValidationError

    try:
        TypeAdapter(ComponentSpec).validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
        return f"has {place}={first['input']!r} in its spec: {first['msg'].replace('Input should', 'it should')}"
    return None


_ROLES = ("roles", "depends_on")


def _spec(fields: dict[str, Any]) -> ComponentSpec:
    """A spec from its fields as JSON."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    values |= {name: tuple(Role(role) for role in values[name]) for name in _ROLES}
    values["permissions"] = tuple(Permission(*each) for each in values["permissions"])
    return ComponentSpec(**values)
