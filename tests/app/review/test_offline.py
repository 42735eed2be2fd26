"""The offline preview of a fork: no engine, plugin, network, home or credentials."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from alchemesh_cli.render.run.live import Screen
from alchemesh_platform.app.review.offline import OfflinePreview
from alchemesh_platform.app.review.previews import Asked, previews
from alchemesh_platform.app.where import Where, read_product
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.contracts.compatibility.step import PortStep
from alchemesh_platform.deployment.report.outcome import Outcome

from .branch import Branch

# See bwrap(1): the same files, and no network.
ALONE = ("bwrap", "--dev-bind", "/", "/", "--unshare-net", "--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--")
CLOUD = """\
kind: Platform
name: acme
environments:
  prod:
    state: gs://acme-nowhere
    registry: postgresql://nowhere.acme.example/alchemesh
    identity: {provider: oidc, issuer: "https://login.acme.example", audience: alchemesh}
    settings: {gcp: {project: acme-mesh, project_number: 123456789012, region: europe-west1}}
    components: {columnar-table: bigquery-table}
"""


@pytest.fixture
def branch(tmp_path: Path) -> Branch:
    """A branch that breaks the contract of `orders` in an environment in a cloud that nobody reaches."""
    made = Branch.made(tmp_path / "repo", "orders", "stock")
    made.git("switch", "--quiet", "main")
    made.write("platform.yaml", CLOUD)
    made.commit()
    made.git("switch", "--quiet", "--force-create", "work")
    made.edit("products/orders/alchemesh.yaml", "type: integer", "type: string")
    made.commit()
    return made


def alone(branch: Branch, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command without network and without variables: no home, no user, no credentials."""
    command = [*ALONE, sys.executable, "-m", "alchemesh_cli", *arguments]
    return subprocess.run(command, cwd=branch.root, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_fork_previews_without_network_home_and_credentials(branch: Branch) -> None:
    done = alone(branch, "preview", "--offline", "--affected-by", "main", "-e", "prod", "--format", "json")
    assert done.returncode == ExitCode.FORBIDDEN, done.stderr
    document = json.loads(done.stdout)
    assert document["notes"][-1] == "readers in other repositories are unknown, since the registry is not read offline"
    [one] = document["previews"]
    preview = one["preview"]
    assert (one["reasons"], preview["offline"], preview["recorded"]) == (["alchemesh.yaml changed"], True, False)
    assert preview["changes"] == {"create": sum(len(port["resources"]) for port in preview["ports"])}
    assert preview["resource_changes"] == document["changes"] == {"create": 3}
    assert preview["assets"] == {"create": ["shop/orders/orders-table/row"]}
    [port] = [each for each in preview["ports"] if each["name"] == "orders-table"]
    assert port["promise"]["kind"] == "breaking"
    assert [change["path"] for change in port["promise"]["changes"]] == ["models.row.properties.row_id.type"]
    assert "Breaking: models.row.properties.row_id.type" in preview["problems"][0]["hint"]
    for unknown in ("state", "registry", "drift", "consumers", "notice periods", "grants", "arguments", "policies"):
        assert any(unknown in note for note in preview["notes"]), unknown
    assert not any("compared with nothing" in note for note in preview["notes"])

    listed = alone(branch, "plan", "--resources", "-C", "products/orders", "-e", "prod", "--json")
    assert listed.returncode == 0, listed.stderr
    resources = [(each["type"], each["name"]) for each in json.loads(listed.stdout)["resources"]]
    shown = [(each["type"], each["name"]) for port in preview["ports"] for each in port["resources"]]
    assert sorted(resources) == sorted(shown), "both list the same resources"

    online = alone(branch, "preview", "--affected-by", "main", "-e", "prod", "--format", "json")
    assert online.returncode != 0
    assert json.loads(online.stdout)["previews"][0]["preview"] is None, "without --offline it needs the environment"


def found(branch: Branch, act: OfflinePreview, folder: str = "products/orders") -> Outcome:
    [one] = previews([Asked(Where(branch.root / folder, "local"))], act=act).each
    assert one.outcome is not None, (one.problems, one.failure)
    return one.outcome


def test_the_tree_has_each_new_resource(branch: Branch) -> None:
    outcome = found(branch, OfflinePreview.since(None, branch.root))
    plan = read_product(Where(branch.root / "products/orders", "local")).plan
    shown = StringIO()
    console = Console(file=shown, width=200)
    console.print(Screen(outcome.progress, plan, "preview").ended_tree(outcome))
    lines = shown.getvalue().splitlines()
    assert lines[0].startswith("shop/orders  local  offline preview  ")
    for change in outcome.progress.things():
        assert any(line.endswith(f"─ + {change.type.rpartition(':')[2]} {change.name}") for line in lines), lines


def test_without_a_base_the_contracts_are_compared_with_nothing(branch: Branch) -> None:
    outcome = found(branch, OfflinePreview.since(None, branch.root))
    assert outcome.outcome == "succeeded"
    assert any("contracts were compared with nothing" in note for note in outcome.notes)
    assert outcome.exit_code(strict=True) == ExitCode.UNRECORDED


def test_a_renamed_product_is_compared_with_its_former_folder(branch: Branch) -> None:
    branch.git("mv", "products/orders", "products/web")
    branch.commit()
    outcome = found(branch, OfflinePreview.since("main", branch.root), "products/web")
    assert outcome.outcome == "refused"


def test_a_moved_product_is_compared_by_its_address(branch: Branch) -> None:
    """Git detects no renamed file: nearly every line of the manifest differs."""
    shutil.rmtree(branch.root / "products/orders")
    branch.product("orders", folder="web/orders")
    branch.edit("web/orders/alchemesh.yaml", "type: integer", "type: string")
    text = (branch.root / "web/orders/alchemesh.yaml").read_text("utf-8")
    branch.write("web/orders/alchemesh.yaml", "\n".join(f"{line}  # moved to the web" for line in text.splitlines()))
    branch.commit()
    outcome = found(branch, OfflinePreview.since("main", branch.root), "web/orders")
    assert outcome.outcome == "refused"


def test_a_product_that_the_base_does_not_have_has_new_contracts(branch: Branch) -> None:
    branch.product("returns")
    outcome = found(branch, OfflinePreview.since("main", branch.root), "products/returns")
    assert outcome.outcome == "succeeded"
    assert [change.message for step in steps_of(outcome) for change in step.diff.changes] == ["a new port"]


def test_the_readers_of_a_changed_port_in_the_repository_are_named(branch: Branch) -> None:
    branch.product("report", "orders")
    outcome = found(branch, OfflinePreview.since("main", branch.root))
    assert outcome.notes[-1] == "shop/orders/orders-table changes, and is read in this repository by shop/report"
    unchanged = found(branch, OfflinePreview.since("main", branch.root), "products/stock")
    assert not any("is read in this repository" in note for note in unchanged.notes)


def test_components_that_differ_from_the_lock_are_refused(branch: Branch) -> None:
    branch.write(
        "products/stock/alchemesh.lock",
        "kind: Lock\nversion: 1\nenvironments:\n  local:\n    columnar-table: "
        "{component: delta-table, version: 0.0.1}\n",
    )
    outcome = found(branch, OfflinePreview.since("main", branch.root), "products/stock")
    assert outcome.outcome == "refused"
    [problem] = outcome.forbidden
    assert "expected the recorded delta-table 0.0.1" in problem.message
    assert outcome.places == {"stock-table": (problem,)}


def test_a_base_that_cannot_be_read_leaves_the_contracts_unknown(branch: Branch) -> None:
    branch.git("switch", "--quiet", "main")
    branch.write("products/orders/alchemesh.yaml", "{")
    branch.commit()
    branch.git("switch", "--quiet", "--force-create", "work")
    branch.product("orders")
    branch.commit()
    outcome = found(branch, OfflinePreview.since("main", branch.root))
    assert outcome.outcome == "succeeded"
    assert steps_of(outcome) == [], "no contract counts as new"
    note = "offline: contracts were compared with nothing: the base has no address in products/orders/alchemesh.yaml"
    assert note in outcome.notes


def test_a_base_with_an_invalid_manifest_leaves_the_contracts_unknown(branch: Branch) -> None:
    branch.git("switch", "--quiet", "main")
    branch.edit("products/orders/alchemesh.yaml", "lifecycle: development", "lifecycle: growing")
    branch.commit()
    branch.git("switch", "--quiet", "--force-create", "work")
    branch.product("orders")
    branch.edit("products/orders/alchemesh.yaml", "type: integer", "type: string")
    branch.commit()
    outcome = found(branch, OfflinePreview.since("main", branch.root))
    assert steps_of(outcome) == [], "no contract counts as new"
    [note] = [note for note in outcome.notes if "compared with nothing" in note]
    assert "products/orders/alchemesh.yaml of the base has problems: found 'growing'" in note


def steps_of(outcome: Outcome) -> list[PortStep]:
    return [section.step for section in outcome.sections() if section.step is not None]


def test_nothing_is_written_outside(branch: Branch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    found(branch, OfflinePreview.since("main", branch.root))
    assert not (tmp_path / "home").exists()
    assert branch.git("status", "--porcelain") == ""


def test_several_previews_at_once_have_their_own_resources(branch: Branch) -> None:
    asked = [Asked(Where(branch.root / "products" / name, "local")) for name in ("orders", "stock") * 4]
    done = previews(asked, act=OfflinePreview.since("main", branch.root), jobs=8)
    names: list[Any] = [
        {change.name.partition("-")[0] for change in one.outcome.progress.things()} for one in done.each if one.outcome
    ]
    assert names == [{"orders"}, {"stock"}] * 4
    assert os.environ.get("PULUMI_PROJECT") is None
