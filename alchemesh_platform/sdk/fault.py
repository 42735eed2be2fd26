"""Faults in a component's own code: which component of which package, for which port, and where in its code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import Failure

if TYPE_CHECKING:
    from types import TracebackType

    from alchemesh_platform.sdk.spec import ComponentSpec


class ComponentFault(Failure):
    """Raised when the code of a component fails, or breaks what its spec promises."""


@contextmanager
def attributed(spec: ComponentSpec, port: str, step: str) -> Iterator[None]:
    """Attribute every failure of a component's own code to the component.

    Args:
        spec: The component.
        port: Address of the port that uses it.
        step: The step that runs: ``build()``, ``grant()``, ``its check``.

    Raises:
        ComponentFault: when the code raises an error or exits. A failure that the component reports keeps its sentence
            and its hint.
    """
    try:
        yield
    except ComponentFault:
        raise
    except Failure as failure:
        raise fault(spec, port, failure.message, hint=failure.hint) from failure
    except (Exception, SystemExit) as error:
        place = _place(spec, error.__traceback__)
        raise fault(spec, port, f"{step} failed{place}: {type(error).__name__}: {error}") from error


def fault(spec: ComponentSpec, port: str, sentence: str, *, hint: str | None = None) -> ComponentFault:
    """The fault of a component, with its name, version, package and port.

    Args:
        hint: The remedy; by default, a report to the author of the package.
    """
    package = package_of(spec)
    message = f"component {spec.name} {spec.version} of package {package}, {port}: {sentence}"
    return ComponentFault(message, hint=hint or f"report it to the author of {package}")


def package_of(spec: ComponentSpec) -> str:
    """The installed package that a component comes from, or its module if no installed package has it."""
    from alchemesh_platform.base.installed import entry_points

    offered = (entry.package for entry in entry_points("alchemesh.components") if entry.name == spec.name)
    return next(offered, module_of(spec))


def module_of(spec: ComponentSpec) -> str:
    """The top-level module of a component's class."""
    return spec.component.partition(":")[0].partition(".")[0]


def _place(spec: ComponentSpec, trace: TracebackType | None) -> str:
    """The last line of the component's own package in a traceback."""
    import traceback

    module = module_of(spec)
    for frame in reversed(traceback.extract_tb(trace)):
        parts = PurePath(frame.filename).parts
        if module in parts:
            start = len(parts) - 1 - parts[::-1].index(module)
            return f" at {PurePath(*parts[start:])}:{frame.lineno}"
    return ""
