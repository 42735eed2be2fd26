"""The foundations of products and the commands that deploy them: stacks, and products that refer to their outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.lock import StackLock
from alchemesh_platform.registry.audit import acts_of
from alchemesh_platform.registry.records import FoundationRecord
from tests.clouds.gcp.foundations.founded import PLATFORM, created, founded
from tests.clouds.gcp.repo import EMULATED, Repo
from tests.commands import LONGEST, run_command
from tests.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.slow]

BUCKET = "gcp:storage/bucket:Bucket"
JOB = "gcp:cloudrunv2/job:Job"
REPOSITORY = "gcp:artifactregistry/repository:Repository"
AT_PLATFORM = "platform.yaml:14:28  environments.prod.components.platform-foundation: gcp-platform"


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with founded(tmp_path) as made:
        yield made


def deployments(repo: Repo) -> list[tuple[str, str, dict[str, Any]]]:
    """The acts of the audit that deploy something."""
    with repo.registry() as registry:
        return [(act.operation, act.address, act.detail) for act in acts_of(registry) if act.operation.endswith(" up")]


def test_a_product_refers_to_the_outputs_of_the_stacks_that_it_depends_on(repo: Repo) -> None:
    # Before any deployment a preview of a merge request works too, and names the unknown values.
    preview = repo.run("preview")
    assert preview.returncode == 0, preview.stderr
    assert "alchemesh.yaml:10:34  infrastructure[0]: warning: the platform's stack is not deployed in prod" in (
        preview.stderr
    )
    assert "the preview uses names that follow from the platform file" in preview.stderr
    assert "hint: `alchemesh domain up aviation -e prod --emulate`" in preview.stderr
    refused = repo.run("up", "--yes")
    assert refused.returncode == ExitCode.FAILED
    assert "the platform's stack is not deployed in prod, and gcs-bucket refers to its outputs" in refused.stderr
    assert "hint: `alchemesh platform up -e prod --emulate`" in refused.stderr
    assert repo.cloud.all() == []

    # The platform: services, the state's bucket, the registry's database, repositories; and its outputs.
    seen = repo.done("platform", "preview")
    up = repo.done("platform", "up", "--yes")
    assert (created(up), deployments(repo)) == (created(seen), [("platform up", "prod", {"outcome": "succeeded"})])
    assert {"platform-run", "platform-state", "platform-registry", "platform-products"} <= set(created(up))
    assert up["emulated"] is True
    assert up["outputs"] == {
        "state_bucket": "acme-nowhere",
        "image_repository": "europe-west1-docker.pkg.dev/acme-mesh/prod--products",
        "mirror_repository": "europe-west1-docker.pkg.dev/acme-mesh/prod--mirror",
        "data_api_image": "europe-west1-docker.pkg.dev/acme-mesh/prod--products/alchemesh.platform/data-api:0.1.0",
        "registry_connection": repo.cloud.all("gcp:sql/databaseInstance:DatabaseInstance")[0].outputs["connectionName"],
    }
    assert "acme-nowhere" in repo.kept(BUCKET)
    assert repo.done("platform", "up", "--yes")["changes"] == []

    # The domain, in the mesh.
    unknown = repo.run("domain", "up", "aviaton", "--yes")
    assert (unknown.returncode, "no domain 'aviaton'" in unknown.stderr) == (ExitCode.USAGE, True)
    assert repo.run("mesh", "apply", "../mesh", "--yes").returncode == 0
    for stranger, command in (
        ("orville@airport.example", ("domain", "up", "aviation", "--yes")),
        ("amelia@airport.example", ("platform", "up", "--yes")),
        ("orville@airport.example", ("domain", "destroy", "aviation", "--yes")),
    ):
        refused = run_command([*command, *EMULATED], repo.folder, {**repo.environ, "ALCHEMESH_USER": stranger})
        assert refused.returncode == ExitCode.FORBIDDEN, refused.stderr
        assert f"(policy operate-{command[0]})" in refused.stderr
    assert "domain-deployer-account" in created(repo.done("domain", "preview", "aviation"))
    domain = repo.done("domain", "up", "aviation", "--yes")
    assert domain["stack"] == "mesh_domain.aviation"
    assert domain["outputs"]["labels"] == {"budget": "prod--aviation"}
    (budget,) = repo.cloud.all("gcp:billing/budget:Budget")
    assert budget.inputs["budgetFilter"]["labels"] == domain["outputs"]["labels"]
    assert f"@{'acme-mesh'}.iam.gserviceaccount.com" in domain["outputs"]["deployer"]
    assert repo.done("domain", "up", "aviation", "--yes")["changes"] == []

    # The product.
    product = repo.done("up", "--yes")
    assert product["warnings"] == []
    (job,) = repo.cloud.all(JOB)
    image = job.inputs["template"]["template"]["containers"][0]["image"]
    assert image == f"{up['outputs']['image_repository']}/aviation/gates:1.2.0"
    (workspace,) = [kept for kept in repo.cloud.all(BUCKET) if kept.id != "acme-nowhere"]
    assert workspace.inputs["labels"]["budget"] == "prod--aviation"

    # The outputs of a stack count, not its derived names: changed outputs change the product.
    with repo.registry() as registry:
        record = registry.get(FoundationRecord, "prod", "mesh_platform")
        assert record is not None
        elsewhere = {**record.outputs, "image_repository": "images.acme.example/products"}
        registry.put(record.model_copy(update={"outputs": elsewhere}))
    moved = repo.run("preview")
    assert "images.acme.example/products/aviation/gates:1.2.0" in moved.stdout, moved.stderr
    # The platform's own next `up` corrects its record, because it reads the deployed resources.
    mended = repo.done("platform", "up", "--yes")
    assert [change["name"] for change in mended["changes"]] == ["platform-record"]
    assert repo.run("preview", "--detailed-exitcode").returncode == 0


def test_a_platform_file_can_ask_for_a_scheduled_job_that_observes_all_products(repo: Repo) -> None:
    file = repo.folder / "platform.yaml"
    observe = "observe: {image: images.acme.example/observe:1, schedule: '*/5 * * * *'}"
    file.write_text(PLATFORM.replace("region: europe-west1", f"region: europe-west1\n        {observe}"))
    seen = repo.done("platform", "preview")
    up = repo.done("platform", "up", "--yes")
    names = {"account", "job", "query", "schedule", "start"}
    assert {f"platform-observer-{name}" for name in names} <= set(created(up)) == set(created(seen))

    (job,) = repo.cloud.all(JOB)
    template = job.inputs["template"]["template"]
    container = template["containers"][0]
    assert template["serviceAccount"] == up["outputs"]["observer"]
    assert container["commands"] == ["python"]
    assert container["args"][1] == "alchemesh_platform.app.probing.supervised"
    assert container["args"][3:] == ["prod", "/etc/alchemesh/platform.yaml", "--once"]
    (schedule,) = repo.cloud.all("gcp:cloudscheduler/job:Job")
    assert (schedule.inputs["schedule"], schedule.inputs["httpTarget"]["uri"].rpartition("/")[2]) == (
        "*/5 * * * *",
        f"{job.inputs['name']}:run",
    )
    file.write_text(PLATFORM.replace("region: europe-west1", f"region: europe-west1\n        {observe[:-14]}hourly'}}"))
    refused = repo.run("platform", "preview")
    assert refused.returncode == ExitCode.PROBLEMS
    assert "platform.yaml:12:" in refused.stderr
    assert "settings.gcp.observe.schedule" in refused.stderr


def test_the_next_up_restores_manual_changes_and_removals(repo: Repo) -> None:
    repo.done("platform", "up", "--yes")
    cloud = repo.cloud
    products = next(identity for identity in repo.kept(REPOSITORY) if identity.endswith("prod--products"))
    cloud.change(REPOSITORY, products, description="somebody was here")
    assert cloud.remove("gcp:projects/service:Service", "acme-mesh/run.googleapis.com")
    seen = {change["name"]: change["operation"] for change in repo.done("platform", "preview")["changes"]}
    assert seen == {"platform-products": "update", "platform-run": "create"}
    repo.done("platform", "up", "--yes")
    assert repo.kept(REPOSITORY)[products].inputs["description"] == "Images of data products"
    assert repo.done("platform", "up", "--yes")["changes"] == []


def test_a_refusal_of_the_cloud_is_reported_at_the_line_of_the_platform_file(repo: Repo) -> None:
    repo.cloud.withdraw_region("artifactregistry.googleapis.com", "europe-west1")
    failed = repo.run("platform", "up", "--yes", "--json")
    assert failed.returncode == ExitCode.FAILED
    document = json.loads(failed.stdout)
    assert document["outcome"] == "failed"
    assert {(each["file"].rpartition("/")[2], each["line"]) for each in document["problems"]} == {("platform.yaml", 14)}
    assert AT_PLATFORM in failed.stderr
    assert "europe-west1" in failed.stderr
    wrong = PLATFORM.replace("region: europe-west1", "region: Europe")
    (repo.folder / "platform.yaml").write_text(wrong)
    problems = repo.run("platform", "preview")
    assert problems.returncode == ExitCode.PROBLEMS
    assert "platform.yaml:11:17  environments.prod.settings.gcp.region: " in problems.stderr
    (repo.folder / "platform.yaml").write_text(PLATFORM.replace("gcp-platform", "gcp-platfrom"))
    misnamed = repo.run("platform", "preview")
    assert misnamed.returncode == ExitCode.PROBLEMS
    assert "platform.yaml:14:28  environments.prod.components.platform-foundation: found 'gcp-platfrom'" in (
        misnamed.stderr
    )
    assert "did you mean 'gcp-platform'?" in misnamed.stderr


def test_runs_exclude_each_other_and_a_killed_one_resumes(repo: Repo) -> None:
    stack = Stack("mesh_platform", "prod", f"file://{repo.here / 'foundation'}", repo.here)
    with StackLock(stack, report=lambda _line: None):
        locked = repo.run("platform", "up", "--yes")
    assert locked.returncode == ExitCode.LOCKED
    assert "mesh_platform prod is locked by" in locked.stderr

    run = repo.start("platform", "up", "--yes")
    until(lambda: len(repo.cloud.all()) >= 4 or run.poll() is not None, "some of it is made", seconds=LONGEST)
    run.kill()
    run.communicate(timeout=LONGEST)
    with repo.registry() as registry:
        assert registry.get(FoundationRecord, "prod", "mesh_platform") is None  # no resource refers to half of it
    repeated = repo.done("platform", "up", "--yes")
    assert repeated["outputs"]["state_bucket"] == "acme-nowhere"
    assert repo.done("platform", "up", "--yes")["changes"] == []
    with repo.registry() as registry:
        record = registry.get(FoundationRecord, "prod", "mesh_platform")
    assert record is not None
    recorded = {name: value for name, value in record.outputs.items() if value is not None}
    assert recorded == repeated["outputs"], "the engine has no outputs without a value"
