"""The secrets of the platform file that a run needs."""

from __future__ import annotations

from pathlib import Path

from alchemesh_platform.base.secrets import references_in
from alchemesh_platform.sdk.wiring import Wiring

REPORTS = ("observations",)  # the receivers of what a run reports; a run sends no notification


def platform_secrets(wiring: Wiring, *, sections: tuple[str, ...] | None = None) -> frozenset[str]:
    """The names of the secrets in the platform file; none on the built-in platform.

    Args:
        wiring: Wiring of the code. It has the place of the platform file.
        sections: Fields of the environment in the platform file; None for all of them.
    """
    from alchemesh_platform.platform_file.load import load_platform

    place = wiring.place
    if place is None or place.platform_file is None:
        return frozenset()
    platform = load_platform(Path(place.platform_file), wiring.environment, Path(place.home))
    chosen = None if sections is None else set(sections)
    return frozenset(references_in(platform.model_dump(mode="json", include=chosen)))
