"""Components outside of a data product, in a Pulumi program of its own."""

from __future__ import annotations

from typing import Any

import pulumi

from alchemesh_components.infrastructure.local_directory.component import LocalDirectory
from alchemesh_components.infrastructure.local_directory.models import Args
from alchemesh_components.local.settings import LocalSettings, Settings
from alchemesh_platform.sdk.wiring import Wiring
from tests.components.recorder import Recorder


def folders(stack: str, *names: str, wiring: Wiring | None = None) -> list[str]:
    """The folders that components of these names declare without, or with, a wiring."""
    recorder = Recorder({"alchemesh:local:Directory": {"url": "file:///data"}})
    pulumi.runtime.set_mocks(recorder, project="scratch", stack=stack)

    @pulumi.runtime.test
    def declare() -> pulumi.Output[Any]:
        settings = Settings(local=LocalSettings(root="/data", run="/run"))
        made = [LocalDirectory(name, Args(), settings, wiring) for name in names]
        return pulumi.Output.all(*(one.urn for one in made))  # type: ignore[attr-defined]

    declare()
    return sorted(one["inputs"]["path"] for one in recorder.declared)


def test_components_without_a_wiring_have_places_of_their_own() -> None:
    """Two components without a wiring shared standalone/standalone/standalone, and so one folder."""
    assert folders("dev", "raw", "clean") == ["/data/standalone/scratch/clean", "/data/standalone/scratch/raw"]


def test_names_that_differ_in_letters_of_no_name_stay_apart() -> None:
    first, second = folders("dev", "My Files", "My/Files")
    assert first != second
    assert all(path.startswith("/data/standalone/scratch/my-files-") for path in (first, second))


def test_explicit_wiring_keeps_the_place_of_earlier_versions() -> None:
    assert folders("dev", "raw", wiring=Wiring()) == ["/data/standalone/standalone/standalone"]
