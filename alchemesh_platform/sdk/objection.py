"""Problems that a component finds with its use in a product, before a deployment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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
