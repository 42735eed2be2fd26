"""A platform's first `up` creates the database of its registry: no record is possible before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.registry.records import FoundationRecord
from alchemesh_platform.registry.store import Registry
from parts.postgresql import PASSWORD, PostgresqlServer
from tests.end_to_end.harness import Shop

pytestmark = [pytest.mark.engine, pytest.mark.slow]

COMPONENT = """\
from typing import Any

from alchemesh_platform.sdk.spec import ComponentSpec, Role
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.manifest.models import Strict
from alchemesh_platform.systems.local.resources import Directory


class Args(Strict):
    state: str
    registry: str


class Settings(Strict):
    pass


class Outputs(Strict):
    image_repository: str


SPEC = ComponentSpec(
    name="acme-platform",
    component_type="platform-foundation",
    roles=(Role.PLATFORM,),
    summary="A folder, for all products.",
    version="1.0.0",
    maturity="beta",
    owner="acme",
    stateful=False,
    component="acme_platform:AcmePlatform",
    args="acme_platform:Args",
    settings="acme_platform:Settings",
    outputs="acme_platform:Outputs",
)


class AcmePlatform(Component[Args, Settings]):
    spec = SPEC

    def build(self) -> dict[str, Any]:
        made = Directory(f"{self.name}-images", path="FOLDER", owner="mesh/platform", opts=self.child_options)
        return {"image_repository": made.path}
"""
DATABASE = "mesh"


@pytest.fixture
def server(postgresql: PostgresqlServer) -> Iterator[PostgresqlServer]:
    """The server without the database of these tests."""
    yield postgresql
    import psycopg

    with psycopg.connect(postgresql.url("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


@pytest.fixture
def repo(tmp_path: Path, server: PostgresqlServer) -> Shop:
    """A folder with a platform file; a component of a third-party package creates its platform."""
    site = tmp_path / "site"
    metadata = site / "acme-1.0.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "acme_platform.py").write_text(COMPONENT.replace("FOLDER", str(tmp_path / "images")))
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0.0\n")
    (metadata / "entry_points.txt").write_text("[alchemesh.components]\nacme-platform = acme_platform:SPEC\n")
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "platform.yaml").write_text(
        "kind: Platform\nname: acme\nenvironments:\n  prod:\n    extends: builtin/local\n"
        f"    registry: {server.url(DATABASE)}\n    components: {{platform-foundation: acme-platform}}\n"
    )
    paths = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    return Shop(folder, tmp_path / "home", {"PYTHONPATH": paths, "ALCHEMESH_USER": "ada@acme.example"})


def create_database(server: PostgresqlServer) -> None:
    import psycopg

    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")


def test_the_first_up_deploys_without_a_record_and_the_next_one_records(
    repo: Shop, server: PostgresqlServer, tmp_path: Path
) -> None:
    why = f"the registry postgresql://registrar:***@127.0.0.1:{server.port}/{DATABASE} does not exist"
    way_on = "once the registry is reachable, `alchemesh platform up -e prod` records them"

    # Only the stack itself knows its resources, its missing ones, and the next step.
    first = repo.run("platform", "up", "-e", "prod", "--yes")
    assert first.returncode == 0, first.stderr
    assert "+ platform-images  Directory" in first.stdout
    assert f"image_repository  {tmp_path / 'images'}" in first.stdout
    assert "platform-record" not in first.stdout
    assert f"note: {why}" in first.stderr
    assert "so products cannot read them" in first.stderr
    assert way_on in first.stderr
    assert PASSWORD not in first.stdout + first.stderr
    assert (tmp_path / "images").is_dir()

    # So does the next one while there is no registry; it changes nothing, and the stack can be destroyed again.
    repeated = repo.json("platform", "up", "-e", "prod", "--yes")
    assert (repeated["changes"], repeated["recorded"]) == ([], False)
    assert any(way_on in note for note in repeated["notes"])
    assert repo.run("domain", "up", "aviation", "-e", "prod", "--yes").returncode == ExitCode.FAILED
    gone = repo.json("platform", "destroy", "-e", "prod", "--yes")
    assert [change["name"] for change in gone["changes"]] == ["platform-images"]
    assert repo.json("platform", "up", "-e", "prod", "--yes")["recorded"] is False

    create_database(server)
    reported = repo.json("platform", "up", "-e", "prod", "--yes")
    assert ([change["name"] for change in reported["changes"]], reported["recorded"]) == (["platform-record"], True)
    assert reported["notes"] == []
    with Registry.open(server.url(DATABASE)) as registry:
        record = registry.get(FoundationRecord, "prod", "mesh_platform")
    assert record is not None
    assert record.outputs == reported["outputs"] == {"image_repository": str(tmp_path / "images")}


def test_an_existing_registry_that_cannot_be_reached_is_a_failure(repo: Shop, server: PostgresqlServer) -> None:
    """A run that omits the record would remove it."""
    create_database(server)
    repo.json("platform", "up", "-e", "prod", "--yes")
    platform = repo.folder / "platform.yaml"
    platform.write_text(platform.read_text().replace(f":{server.port}/", ":1/"))
    for operation in ("up", "destroy"):
        failed = repo.run("platform", operation, "-e", "prod", "--yes")
        assert failed.returncode == ExitCode.FAILED, failed.stdout
        assert "cannot reach the registry postgresql://registrar:***@127.0.0.1:1/mesh" in failed.stderr
    platform.write_text(platform.read_text().replace(":1/", f":{server.port}/"))
    assert repo.json("platform", "up", "-e", "prod", "--yes")["changes"] == []
