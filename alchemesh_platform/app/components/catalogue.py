"""Checks the installed components, and writes their documentation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.secrecy.recognise import without_secrets

if TYPE_CHECKING:
    from alchemesh_platform.catalog.discover import Catalog
    from alchemesh_platform.sdk.spec import ComponentSpec

INSPECTION_SECONDS = 30.0  # that the inspection of one component may take: it imports the SDKs of clouds

# Checks whose findings do not stop a component from working.
_WARN = {"descriptions", "cases", "printing"}


class UnknownComponent(Failure):
    """Raised when the catalogue has no component of a given name."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault of an installed component.

    Args:
        component: Name of the component; empty for a package whose components cannot be read.
        package: The package that offers it; several, separated by commas, if they offer the same name.
        check: Name of the check: ``loading``, ``names``, ``versions``, ``references``, ``models``, ``descriptions``,
            ``schema``, ``outputs``, ``cases`` or ``printing``.
        message: The fault in a sentence.
        hint: The fix.
        severity: ``error`` if the component cannot be used, or does not do what it promises.
    """

    component: str
    package: str
    check: str
    message: str
    hint: str
    severity: Literal["error", "warning"]

    def __post_init__(self) -> None:
        """Mask secrets that the text of a component repeats."""
        object.__setattr__(self, "message", without_secrets(self.message))

    def as_json(self) -> dict[str, Any]:
        """The finding as one JSON object."""
        return {
            "component": self.component,
            "package": self.package,
            "check": self.check,
            "message": self.message,
            "hint": self.hint,
            "severity": self.severity,
        }


def check_components(names: Iterable[str] = ()) -> tuple[list[str], list[Finding]]:
    """Check installed components. Code of other packages runs in a process of its own, and is imported again.

    Args:
        names: Components or component types; all by default.

    Returns:
        The names of the checked components, and all findings.

    Raises:
        UnknownComponent: when there is no component of a name.
    """
    from alchemesh_platform.base.packages.installed import damaged_packages
    from alchemesh_platform.catalog.apart import call_apart
    from alchemesh_platform.catalog.discover import GROUP, discover

    catalog = discover()
    names = tuple(names)
    specs, broken = catalog.loaded(again=True)
    by_name = {spec.name: spec for spec in specs}
    chosen = _chosen(catalog, specs, names)
    failures = {failure.component: failure for failure in broken}
    findings = [
        Finding("", package, "loading", f"package {package}: {sentence}", f"reinstall or uninstall {package}", "error")
        for package, sentence in (() if names else damaged_packages(GROUP))
    ]
    for name in chosen:
        if (failure := failures.get(name)) is not None:
            packages = ", ".join(failure.packages)
            findings.append(Finding(name, packages, "loading", failure.message, failure.hint or "", "error"))
    for remark in catalog.remarks():
        if remark.component in chosen:
            findings.append(
                Finding(remark.component, remark.package, remark.check, remark.message, remark.hint, "warning")
            )
    usable = [name for name in chosen if name in by_name]
    answers = call_apart("alchemesh_platform.app.components.inspection:inspected", usable, INSPECTION_SECONDS)
    for name, answer in zip(usable, answers, strict=True):
        offered = f"component {name!r} of package {catalog.package(name)}"
        found = answer.value if answer.value is not None else [("loading", f"the inspection {answer.failure}", "")]
        for check, message, hint in found:
            fix = hint or f"report this to the author of {catalog.package(name)}"
            severity: Literal["error", "warning"] = "warning" if check in _WARN else "error"
            findings.append(Finding(name, catalog.package(name), check, f"{offered}: {message}", fix, severity))
        if answer.printed:
            message = f"{offered}: a module prints when it is imported: {answer.printed!r}"
            findings.append(Finding(name, catalog.package(name), "printing", message, "remove the output", "warning"))
    return chosen, sorted(findings, key=lambda each: (each.component, each.severity))


def documented(names: Iterable[str] = ()) -> tuple[dict[str, str], list[Failure]]:
    """The documentation of components in Markdown, by the name of its file.

    Args:
        names: Components or component types; by default all, with a page that lists them.

    Returns:
        The pages, and the failures of the components that cannot be documented.

    Raises:
        UnknownComponent: when there is no component of a name.
    """
    from alchemesh_platform.catalog.discover import BrokenComponent, discover
    from alchemesh_platform.catalog.page import INDEX, component_page, index_page

    catalog = discover()
    specs, broken = catalog.loaded()
    names = tuple(names)
    chosen = _chosen(catalog, specs, names)
    failures: list[Failure] = [failure for failure in broken if failure.component in chosen]
    pages: dict[str, str] = {}
    shown = []
    for spec in sorted(specs, key=lambda spec: spec.name):
        if spec.name in chosen:
            try:
                pages[f"{spec.name}.md"] = component_page(spec)
                shown.append(spec)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a third-party module may fail in any way
                package = catalog.package(spec.name)
                offered = f"component {spec.name!r} of package {package}"
                message = f"{offered} cannot be documented: {type(error).__name__}: {error}"
                failures.append(BrokenComponent(message, hint=f"report this to the author of {package}"))
    return (pages if names else {INDEX: index_page(shown), **pages}), failures


def _chosen(catalog: Catalog, specs: Iterable[ComponentSpec], names: Iterable[str]) -> list[str]:
    """Names of components: those with one of the names, and those that implement it as a component type."""
    names = tuple(names)
    if not names:
        return list(catalog)
    by_type: dict[str, list[str]] = {}
    for spec in specs:
        by_type.setdefault(spec.component_type, []).append(spec.name)
    found: dict[str, None] = {}
    for name in names:
        matching = [name] if name in list(catalog) else by_type.get(name, [])
        if not matching and name in catalog:
            matching = [catalog[name].name]  # a former name
        if not matching:
            raise unknown_component(name, {*catalog, *by_type})
        found |= dict.fromkeys(matching)
    return list(found)


def unknown_component(name: str, known: Iterable[str]) -> UnknownComponent:
    """The failure for a name that neither a component nor a component type has."""
    from alchemesh_platform.base.problems import did_you_mean
    from alchemesh_platform.base.remedy import command, remedy

    hint = did_you_mean(name, sorted(known), otherwise=remedy("{} shows all", command("components", "list")))
    return UnknownComponent(f"no component or component type {name!r}", hint=hint)
