"""Problems that a component finds with its use in a product, before a deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from alchemesh_platform.base.packages.reference import load_reference
from alchemesh_platform.sdk.fault import call, fault

if TYPE_CHECKING:
    from alchemesh_platform.sdk.spec import ComponentSpec
    from alchemesh_platform.sdk.wiring import Wiring

    Check = Callable[[Any, Any, Wiring], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Objection:
    """One problem with the use of a component: a name that its target rejects, or a model that it cannot store.

    A spec names the function that yields them (``check="module:function"``). The function is pure. Its only inputs are
    the validated arguments, the validated settings and the :class:`alchemesh_platform.sdk.wiring.Wiring`::

        def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
            if len(wiring.port) > TABLE_NAME_MAX:
                yield Objection(f"found {len(wiring.port)} characters, expected at most {TABLE_NAME_MAX}", at="name")

    Args:
        message: The found and the expected value.
        at: The subject of the objection: the arguments, the name of the port or need, a model of the port, or the
            use of the component.
        path: With ``args``: the place in the arguments. With ``models``: the place below the manifest's models, such as
            ``("flight", "properties", "route")``.
        hint: The remedy.
    """

    message: str
    at: Literal["args", "name", "models", "component"] = "component"
    path: tuple[str | int, ...] = ()
    hint: str | None = None


def objected(spec: ComponentSpec, reference: str, args: object, settings: object, wiring: Wiring) -> list[Objection]:
    """The objections of one function of a component.

    Raises:
        ComponentFault: when the function fails, does not end, or yields something else.
    """

    def check() -> list[Any]:
        return [*cast("Check", load_reference(reference))(args, settings, wiring)]

    found = call(spec, wiring.address, "its check", check)
    for each in found:
        if not isinstance(each, Objection):
            raise fault(spec, wiring.address, f"its check yielded {_kind(each)}, expected an Objection")
        if not isinstance(each.message, str) or not isinstance(each.path, tuple):
            expected = "a text as message, and a tuple as path"
            raise fault(spec, wiring.address, f"its check yielded {each}, expected an Objection with {expected}")
    return found


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
