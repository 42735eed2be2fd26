"""Foundations, compared with deployed resources and destroyed: after their products, except protected resources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.lock import StackLock
from alchemesh_platform.registry.records import FoundationRecord
from tests.clouds.gcp.foundations.founded import MANIFEST, PLATFORM, founded
from tests.clouds.gcp.repo import Repo

pytestmark = [pytest.mark.engine, pytest.mark.slow]

BUCKET = "gcp:storage/bucket:Bucket"
DATABASE = "gcp:sql/database:Database"
INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance"
REPOSITORY = "gcp:artifactregistry/repository:Repository"
SERVICE = "gcp:projects/service:Service"
GOES = {"platform-mirror", "platform-record", "platform-pubsub-agent", "platform-storagetransfer-agent"}
PROTECTED = {"platform-state", "platform-registry", "platform-database", "platform-products"}


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with founded(tmp_path) as made:
        yield made


def test_a_foundation_is_destroyed_after_its_dependents_and_keeps_protected_resources(repo: Repo) -> None:
    repo.done("platform", "up", "--yes")
    assert repo.run("mesh", "apply", "../mesh", "--yes").returncode == 0
    repo.done("domain", "up", "aviation", "--yes")
    repo.done("up", "--yes")
    before, services = repo.cloud.all(), len(repo.cloud.all(SERVICE))

    # A product depends on both; the error names each, and how to destroy it.
    for foundation, more in (("platform",), " and domain aviation"), (("domain",), ""):
        named = () if foundation == ("platform",) else ("aviation",)
        refused = repo.run(*foundation, "destroy", *named, "--yes")
        assert refused.returncode == ExitCode.FORBIDDEN, refused.stderr
        assert f"is used by product aviation/gates{more}\n" in refused.stderr
        assert "hint: `alchemesh destroy -e prod --emulate` in the folder of each product" in refused.stderr
    assert repo.cloud.all() == before
    repo.done("destroy", "--yes")
    refused = repo.run("platform", "destroy", "--yes")
    assert refused.returncode == ExitCode.FORBIDDEN
    assert "platform prod is used by domain aviation\n" in refused.stderr
    assert "hint: `alchemesh domain destroy aviation -e prod --emulate`, then this again" in refused.stderr
    # Its domain cannot leave the mesh while its stack is deployed: no command could destroy the stack any more.
    (repo.folder.parent / "mesh" / "domains" / "aviation.yaml").unlink()
    kept = repo.run("mesh", "apply", "../mesh", "--yes")
    assert kept.returncode == ExitCode.FORBIDDEN, kept.stderr
    assert "domain aviation: its stack, mesh_domain.aviation" in kept.stderr

    domain = repo.done("domain", "destroy", "aviation", "--yes")
    assert ({change["operation"] for change in domain["changes"]}, domain["kept"]) == ({"delete"}, [])
    assert repo.cloud.all("gcp:serviceaccount/account:Account") == []

    # Protected resources stay, with their dependencies; the record of a complete deployment is removed.
    platform = repo.done("platform", "destroy", "--yes")
    assert {change["name"] for change in platform["changes"]} == GOES
    assert {kept["name"] for kept in platform["kept"]} == PROTECTED
    assert "acme-nowhere" in {kept["id"] for kept in platform["kept"]}
    with repo.registry() as registry:
        assert registry.all(FoundationRecord, environment="prod") == []
    repeated = repo.run("platform", "destroy", "--yes")
    assert repeated.returncode == 0, repeated.stderr
    assert "= platform-state     Bucket            acme-nowhere, protected, kept" in repeated.stdout
    assert "`--delete-protected` deletes them and their data" in repeated.stderr
    assert "acme-nowhere" in repo.kept(BUCKET)
    assert len(repo.cloud.all(SERVICE)) == services

    # The next `up` resumes with the retained resources.
    up = repo.done("platform", "up", "--yes")
    assert {change["name"] for change in up["changes"]} == GOES

    # On request protected resources are deleted too, if the service allows it: the setting removes their protection.
    held = repo.run("platform", "destroy", "--delete-protected", "--yes")
    assert held.returncode == ExitCode.FORBIDDEN
    assert "platform prod cannot be removed as a whole: prod--registry is protected from deletion by its service" in (
        held.stderr
    )
    assert "`deletion_protection: false` in its settings" in held.stderr
    assert (len(repo.cloud.all(INSTANCE)), "acme-nowhere" in repo.kept(BUCKET)) == (1, True)
    open_ = PLATFORM.replace("project_number:", "deletion_protection: false\n        project_number:")
    (repo.folder / "platform.yaml").write_text(open_)
    repo.done("platform", "up", "--yes")
    gone = repo.done("platform", "destroy", "--delete-protected", "--yes")
    assert gone["kept"] == []
    # The product's data is left, and a database: the emulated cloud does not delete it with its instance.
    assert (repo.cloud.all(INSTANCE), repo.cloud.all(REPOSITORY), repo.cloud.all(SERVICE)) == ([], [], [])
    assert (len(repo.cloud.all(DATABASE)), "acme-nowhere" in repo.kept(BUCKET)) == (1, False)


def test_a_refresh_records_manual_changes_and_changes_no_resource(repo: Repo) -> None:
    repo.done("platform", "up", "--yes")
    products = next(identity for identity in repo.kept(REPOSITORY) if identity.endswith("prod--products"))
    repo.cloud.change(REPOSITORY, products, description="somebody was here")
    assert repo.cloud.remove(SERVICE, "acme-mesh/run.googleapis.com")
    before = repo.cloud.all()
    seen = repo.done("platform", "refresh", "--yes")
    assert {change["name"]: change["operation"] for change in seen["changes"]} == {
        "platform-products": "update",
        "platform-run": "delete",
    }
    assert repo.cloud.all() == before
    assert repo.done("platform", "refresh", "--yes")["changes"] == []
    mended = repo.done("platform", "up", "--yes")
    assert {change["name"] for change in mended["changes"]} == {"platform-products", "platform-run"}


def test_refresh_and_destroy_need_a_terminal_or_yes_and_no_other_run(repo: Repo) -> None:
    for operation in ("refresh", "destroy"):
        unasked = repo.run("platform", operation)
        assert unasked.returncode == ExitCode.USAGE
        assert "hint: confirm with `--yes`" in unasked.stderr
    stack = Stack("mesh_platform", "prod", f"file://{repo.here / 'foundation'}", repo.here)
    with StackLock(stack, report=lambda _line: None):
        for operation in ("refresh", "destroy"):
            assert repo.run("platform", operation, "--yes").returncode == ExitCode.LOCKED
    assert repo.run("domain", "destroy", "aviation", "--yes").returncode == ExitCode.USAGE  # there is no such domain


def test_a_product_with_an_unfinished_first_run_blocks_destroying_its_platform(repo: Repo) -> None:
    repo.done("platform", "up", "--yes")
    with repo.registry() as registry:  # a kill leaves a begun run, and no record of a product
        registry.start_deployment(environment="prod", product="aviation/gates", operation="up", actor="amelia")
    refused = repo.run("platform", "destroy", "--yes", "--json")
    assert refused.returncode == ExitCode.FORBIDDEN
    assert "product aviation/gates" in refused.stderr
    assert MANIFEST.startswith("kind: DataProduct")
    assert not refused.stdout or json.loads(refused.stdout)
