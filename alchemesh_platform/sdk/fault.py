"""Faults in a component's own code: which component of which package, for which port, and where in its code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeVar

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages import conduct
from alchemesh_platform.base.packages.conduct import StoppedByHand, contained, described, in_time, is_of_person

if TYPE_CHECKING:
    from types import TracebackType

    from alchemesh_platform.sdk.spec import ComponentSpec

T = TypeVar("T")
OWN = "alchemesh_components"

_hung: set[tuple[str, str, str]] = set()  # steps of components that are not tried again in this process


class ComponentFault(Failure):
    """Raised when the code of a component fails, or breaks what its spec promises."""

    def about_outputs(self) -> str | None:
        """The sentence about the outputs of the component; None if the fault is another one."""
        sentence = self.message.partition(": ")[2]
        return sentence if sentence.startswith(("output ", "found output ", "build() returned ")) else None


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
    key = (spec.name, spec.version, step)
    if key in _hung:
        raise fault(spec, port, f"{step} does not end within {conduct.CALL_SECONDS:g} s")

    def blame(sentence: str) -> ComponentFault:
        return fault(spec, port, sentence)

    try:
        with conduct.step(step, blame, lambda: _hung.add(key)), _conduct(spec):
            yield
    except (ComponentFault, StoppedByHand):
        raise
    except Failure as failure:
        raise fault(spec, port, failure.message, hint=failure.hint) from failure
    except BaseException as error:
        if is_of_person(error):
            raise
        place = _place(spec, error.__traceback__)
        raise fault(spec, port, f"{step} failed{place}: {described(error)}") from error


def call(spec: ComponentSpec, port: str, step: str, function: Callable[[], T]) -> T:
    """Call a function of a component. One of another package is given up if it does not end.

    Args:
        spec: The component.
        port: Address of the port that uses it.
        step: The step that runs: ``its check``.
        function: Calls it.

    Returns:
        The result of the function.

    Raises:
        ComponentFault: when the code raises an error, exits or does not end.
        StoppedByHand: when a person stops the command while the code runs.
    """

    def attribute() -> T:
        with attributed(spec, port, step):
            return function()

    return attribute() if is_own(spec) else in_time(attribute, step, lambda sentence: fault(spec, port, sentence))


def is_own(spec: ComponentSpec) -> bool:
    """Whether a component is one of the platform's own, which are tested with it."""
    return module_of(spec) == OWN


def _conduct(spec: ComponentSpec) -> AbstractContextManager[None]:
    return nullcontext() if is_own(spec) else contained(spec.name)


def fault(spec: ComponentSpec, port: str, sentence: str, *, hint: str | None = None) -> ComponentFault:
    """The fault of a component, with its name, version, package and port.

    Args:
        hint: The remedy; by default, a report to the author of the package.
    """
    package = package_of(spec)
    named = f"{spec.name} {spec.version}".rstrip()  # a spec without a version has that of its package
    message = f"component {named} of package {package}, {port}: {sentence}"
    return ComponentFault(message, hint=hint or f"report it to the author of {package}")


def package_of(spec: ComponentSpec) -> str:
    """The installed package that a component comes from, or its module if no installed package has it."""
    from alchemesh_platform.base.packages.installed import entry_points

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
