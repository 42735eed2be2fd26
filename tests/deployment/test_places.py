"""Folders of environments: their own, or the ones that an earlier version used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.deployment.places import in_recorded_places
from alchemesh_platform.machine.directory import create
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.registry.records import PortRecord
from alchemesh_platform.registry.store import Registry
from tests.end_to_end.harness import MANIFEST

PLATFORM = """\
kind: Platform
name: acme
environments:
  dev: {extends: builtin/local}
  shared:
    extends: builtin/local
    settings: {local: {root: /srv/data}}
"""
OWNER = "shop/orders/orders-table/order"


class Site:
    """A product repo with a platform file, a home and a registry."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder, self.registry, self.home = folder, registry, folder / "home"
        (folder / "alchemesh.yaml").write_text(MANIFEST)
        (folder / "platform.yaml").write_text(PLATFORM)

    def platform(self, environment: str) -> Platform:
        return load_platform(self.folder / "platform.yaml", environment, self.home)

    def folders(self, environment: str) -> tuple[str, str]:
        """The folders of data and processes of the product's components, relative to the home."""
        platform = self.platform(environment)
        plan = compose(load_manifest(self.folder / "alchemesh.yaml", environment), platform, discover())
        plan = in_recorded_places(self.registry, platform, plan)
        [found] = {(self.short(one.root), self.short(one.run)) for one in settings_of(plan)}
        return found

    def short(self, folder: str) -> str:
        return folder.removeprefix(f"{self.home}/")

    def ran(self, environment: str) -> None:
        entry = self.registry.start_deployment(
            environment=environment, product="shop/orders", operation="up", actor="ada", version="1.0.0"
        )
        self.registry.finish_deployment(entry.id, outcome="succeeded")

    def recorded(self, environment: str, root: str) -> None:
        tables = {"kind": "tables", "tables": {"order": (self.home / root / "shop/orders/orders-table/order").as_uri()}}
        self.registry.put(
            PortRecord(
                environment=environment,
                address="shop/orders/orders-table",
                product="shop/orders",
                direction="output",
                connections={"storage": tables},
            )
        )


def settings_of(plan: Plan) -> list[object]:
    return [one.settings.local for one in plan.components() if getattr(one.settings, "local", None)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Registry.open(f"sqlite:///{tmp_path / 'registry.db'}") as registry:
        yield Site(tmp_path, registry)


def test_environments_have_folders_of_their_own(site: Site) -> None:
    assert site.folders("local") == ("local/data", "local/run")
    assert site.folders("dev") == ("dev/data", "dev/run")


def test_product_that_is_recorded_in_the_former_folders_keeps_them(site: Site) -> None:
    site.recorded("dev", "local/data")
    assert site.folders("dev") == ("local/data", "local/run")


def test_product_that_is_recorded_in_its_own_folders_keeps_them(site: Site) -> None:
    site.recorded("dev", "dev/data")
    site.ran("dev")
    create(site.home / "local/data/shop/orders/orders-table/order", OWNER)
    assert site.folders("dev") == ("dev/data", "dev/run")


def test_retained_data_of_the_environment_keeps_the_product_there(site: Site) -> None:
    create(site.home / "local/data/shop/orders/orders-table/order", OWNER, environment="dev")
    assert site.folders("dev") == ("local/data", "local/run")


def test_retained_data_of_another_environment_does_not(site: Site) -> None:
    create(site.home / "local/data/shop/orders/orders-table/order", OWNER, environment="local")
    assert site.folders("dev") == ("dev/data", "dev/run")


@pytest.mark.parametrize(("last", "expected"), [("dev", "local/data"), ("local", "dev/data")])
def test_retained_data_without_an_environment_belongs_to_the_last_one_that_ran(
    site: Site, last: str, expected: str
) -> None:
    create(site.home / "local/data/shop/orders/orders-table/order", OWNER)
    site.ran("dev" if last == "local" else "local")
    site.ran(last)
    assert site.folders("dev")[0] == expected


def test_data_in_the_own_folders_counts_before_data_of_an_unknown_environment(site: Site) -> None:
    create(site.home / "local/data/shop/orders/orders-table/order", OWNER)
    create(site.home / "dev/data/shop/orders/orders-table/order", OWNER, environment="dev")
    site.ran("dev")
    assert site.folders("dev")[0] == "dev/data"


def test_folder_that_the_platform_file_names_stays(site: Site) -> None:
    site.recorded("shared", "local/data")
    assert site.folders("shared") == ("/srv/data", "local/run")
