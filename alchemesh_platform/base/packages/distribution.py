"""The version of an installed package, and the version of the platform that it needs."""

from __future__ import annotations

import re
from typing import NamedTuple

from alchemesh_platform import __version__
from alchemesh_platform.base.packages.installed import read_text

PLATFORM = "alchemesh-platform"
_NEEDS = re.compile(
    r"^\s*alchemesh[-_.]platform\s*(?:\[[^\]]*\])?\s*\(?(?P<range>[^;)]*)\)?\s*(?P<marker>;.*)?$", re.IGNORECASE
)


class Distribution(NamedTuple):
    """An installed package.

    ``needs`` is the range of versions of the platform that it requires, such as ``>=2,<3``; empty for every version.
    """

    version: str
    needs: str

    @property
    def fits(self) -> bool:
        """Whether the installed platform has a version that the package accepts."""
        if not self.needs:
            return True
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        try:
            return SpecifierSet(self.needs).contains(__version__, prereleases=True)
        except InvalidSpecifier:
            return True  # pip would not have installed it; the component itself shows whether it works


def distribution_at(folder: str) -> Distribution:
    """The package whose metadata a folder holds: ``NAME-VERSION.dist-info`` or ``NAME.egg-info``."""
    version, needs = "", []
    for line in (read_text(folder, "METADATA") or read_text(folder, "PKG-INFO")).splitlines():
        key, _, value = line.partition(":")
        if not line:
            break  # the description follows
        if key == "Version":
            version = value.strip()
        elif key == "Requires-Dist" and (found := _NEEDS.match(value)) is not None and not found["marker"]:
            needs.append(found["range"].strip())
    return Distribution(version, ",".join(filter(None, needs)))
