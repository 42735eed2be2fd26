"""A deployment that removes a port with its data is refused: tree, words, JSON and exit code say so."""

from __future__ import annotations

from pathlib import Path

from alchemesh_cli.render.run.live import Screen, closing
from alchemesh_platform.app.where import Where, read_product
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.deployment.losses import refused_removals, removed_data
from alchemesh_platform.deployment.report.outcome import Outcome
from alchemesh_platform.deployment.report.progress import Progress
from alchemesh_platform.registry.store import Registry
from tests.deployment.report.reported import PREFIX
from tests.deployment.report.test_outcome_laws import drawn
from tests.end_to_end.harness import MANIFEST
from tests.provider.wire import connected

DIRECTORY = "alchemesh:local:Directory"
TYPES = "alchemesh:stacks:DataProduct$alchemesh:stacks:OutputPort"
STACK, ROOT = f"{PREFIX}pulumi:pulumi:Stack::local", f"{PREFIX}alchemesh:stacks:DataProduct::orders"
PORT = f"{PREFIX}{TYPES}::old"
COMPONENT = f"{PREFIX}{TYPES}$alchemesh:components:local-directory::old-storage"


def test_removed_port_with_data_is_marked_with_its_problem_and_everything_else_is_not_attempted(
    tmp_path: Path,
) -> None:
    """The refusal was an error without a tree and without a document."""
    (tmp_path / "alchemesh.yaml").write_text(MANIFEST, "utf-8")
    plan = read_product(Where(tmp_path)).plan
    folder = tmp_path / "old"
    inputs = {"path": str(folder), "owner": "shop/orders/old", "keepOnDelete": False}
    with connected(tmp_path / "wire") as wire:
        made = wire.create(DIRECTORY, inputs)
    (folder / "notes.txt").write_text("x")
    parents = {ROOT: STACK, PORT: ROOT, COMPONENT: PORT, made.urn: COMPONENT}
    resources = [{"urn": urn, "type": urn.split("::")[2].split("$")[-1], "parent": up} for urn, up in parents.items()]
    resources[-1] |= {"custom": True, "id": str(folder), "inputs": dict(made.inputs)}
    with Registry.open(f"sqlite:///{tmp_path / 'registry.db'}") as registry:
        removed = removed_data(plan, {"resources": resources}, (), registry)
        assert removed_data(plan, {"resources": resources}, ("old",), registry) == []
    progress = Progress(plan)
    places = refused_removals(plan, removed, progress)
    problems = places["old"]
    outcome = Outcome("shop/orders", "local", "up", "failed", 0.0, progress, problems, places=places)
    tree = drawn(Screen(progress, plan, "up"), outcome).splitlines()
    at = next(number for number, line in enumerate(tree) if " output  old " in line)
    assert tree[at].startswith("├─ ✗ ")
    assert f"`keep_on_destroy: false` is deployed for it: {folder}" in tree[at + 1]
    assert {line.rstrip().rpartition("  ")[2] for line in tree if "─ · " in line} == {"not attempted"}
    assert closing(outcome, "next: alchemesh run") == ["1 failed", "the next `alchemesh up` resumes from here"]
    document = outcome.as_json()
    assert (document["outcome"], outcome.exit_code()) == ("failed", ExitCode.FAILED)
    assert [port["name"] for port in document["ports"] if port["state"] == "failed"] == ["old"]
    assert document["losses"] == [{"port": "old", "resource": made.urn.rpartition("::")[2], "rows": None, "files": 1}]
    assert str(problems[0].hint) == "`alchemesh up --allow-data-loss old` deploys it, and deletes the data"
