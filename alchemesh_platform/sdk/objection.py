"""Objections of a component to its place in a product, before a deployment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Objection:
    """One thing that a component cannot do as it is asked: a name its target cannot hold, a model it cannot keep.

    A spec names the function that makes them (``check="module:function"``). It is pure: it takes the validated
    arguments, the validated settings and the :class:`alchemesh_platform.sdk.wiring.Wiring`, and looks at nothing
    else::

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
