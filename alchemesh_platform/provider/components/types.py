"""The types of components in programs: ``alchemesh:components:DeltaTable`` for the component ``delta-table``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.problems import did_you_mean
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.provider.handler import PACKAGE, NotDone
from alchemesh_platform.sdk.spec import ComponentSpec

MODULE = f"{PACKAGE}:components"


def token_of(spec: ComponentSpec) -> str:
    """The type of a component in programs. Names of classes have no hyphens."""
    return f"{MODULE}:{''.join(word[:1].upper() + word[1:] for word in spec.name.split('-'))}"


class ComponentTypes:
    """The component types of all installed packages, found on first use.

    Args:
        catalog: Specs by name, loaded on first use.
    """

    def __init__(self, catalog: Mapping[str, ComponentSpec]) -> None:
        self._catalog = catalog

    def of(self, token: str) -> ComponentSpec:
        """The component of a type.

        Raises:
            NotDone: when there is none; suggests a similar one.
        """
        known = dict(self.usable())
        if token not in known:
            similar = did_you_mean(token, list(known))
            raise NotDone(
                f"there is no component {token}",
                hint=str(  # plain text: other programs than the command line show it
                    remedy(
                        f"{f'{similar} ' if similar else ''}{{}} shows those that are installed beside the plugin",
                        command("components", "list"),
                    )
                ),
            )
        return known[token]

    def usable(self) -> Iterator[tuple[str, ComponentSpec]]:
        """Every component whose spec can be loaded, in alphabetical order."""
        for name in self._catalog:
            try:
                spec = self._catalog[name]
            except Failure:
                continue
            yield token_of(spec), spec
