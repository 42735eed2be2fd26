"""A repository of three products and its merge request, on servers that speak the APIs of GitHub and GitLab."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.app.small import MANIFEST
from tests.commands import run_command
from tests.forges.fakes import TOKEN, Forge, GitHub, GitLab, job_of, served

PRODUCTS = ("orders", "returns", "stock")
COMMIT = "a" * 40
ORDER_ID = "description: Number of the order}"
SHOP = (ORDER_ID, f"{ORDER_ID}\n      shop: {{type: string, description: Where it was sold}}")
NEWER = ("contract:\n      version: 1.0.0", "contract:\n      version: 1.1.0")


@dataclass
class Repository:
    """A repository with three products, and the forge of its merge requests.

    Args:
        folder: The folder of the repository.
        forges: Its forges.
        runs: The number of the last run.
    """

    folder: Path
    forges: list[Forge]
    runs: int = 0
    preview: subprocess.CompletedProcess[str] | None = field(default=None)

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        home = {"ALCHEMESH_HOME": str(self.folder.parent / "home"), "ALCHEMESH_USER": "ada@shop.example"}
        outside = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_"))}
        return run_command(words, self.folder, {**outside, **home, "NO_COLOR": "1", **environ})

    def edit(self, name: str, old: str, new: str) -> None:
        file = self.folder / name / "alchemesh.yaml"
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")

    def push(self) -> list[str]:
        """The pipeline of a push on both forges: one preview, and a comment on each. Returns the two comments."""
        self.runs += 1
        event = self.folder.parent / "event.json"
        event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": COMMIT}}}))
        summary = self.folder.parent / "summary.md"
        summary.write_text("")
        self.preview = self.run(
            "preview", *PRODUCTS, "--format", "github", "--save", "preview.json", "--gitlab-report", "terraform.json",
            GITHUB_STEP_SUMMARY=str(summary), GITHUB_EVENT_PATH=str(event),
        )  # fmt: skip
        for forge in self.forges:
            job = {**job_of(forge, run=self.runs), "GITHUB_EVENT_PATH": str(event)}
            posted = self.run("ci", "comment", "preview.json", **job)
            assert posted.returncode == 0, posted.stderr
            assert TOKEN not in posted.stdout + posted.stderr
        assert summary.read_text().splitlines()[0] == self.preview.stdout.splitlines()[0]
        comments = [forge.mine for forge in self.forges]
        assert [len(each) for each in comments] == [1, 1]
        return [each[0] for each in comments]


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    folder = tmp_path / "mesh"
    for name in PRODUCTS:
        (folder / name).mkdir(parents=True)
        (folder / name / "alchemesh.yaml").write_text(MANIFEST.format(name=name), "utf-8")
    with served(GitHub()) as github, served(GitLab()) as gitlab:
        made = Repository(folder, [github, gitlab])
        yield made


def test_one_changed_product_of_three_gets_the_right_comment_failing_healing_and_with_nothing_to_do(
    repository: Repository,
) -> None:
    for name in PRODUCTS:
        assert repository.run("up", "--yes", "-C", name).returncode == 0
    repository.edit("orders", *SHOP)
    repository.edit("orders", *NEWER)
    changed = repository.push()
    assert repository.preview is not None
    assert repository.preview.returncode == 0
    for comment in changed:
        lines = comment.splitlines()
        assert lines[0] == "### ✓ `shop/orders` · `local`: 1 to change"
        assert "3 previews: 1 changed, 2 unchanged" in lines[2]
        assert "- `~` `DeltaTable` `orders-table-storage-order`" in lines
        assert "- `shop/returns` · `local`, `shop/stock` · `local`" in lines
        assert lines[-1] == "<!-- alchemesh:preview run=1.1 -->"
    document = json.loads((repository.folder / "preview.json").read_text("utf-8"))
    assert document["commit"] == COMMIT
    assert document["counts"] == {
        "previews": 3, "changed": 1, "failed": 0, "refused": 0, "cancelled": 0, "unchanged": 2,
    }  # fmt: skip
    preview = document["previews"][0]["preview"]
    assert (preview["owner"], preview["team"]) == ("ada@shop.example", "orders-data")
    assert {each["outcome"] for each in preview["policies"]} == {"not_evaluated"}
    report = json.loads((repository.folder / "terraform.json").read_text("utf-8"))
    assert report == {"create": 0, "update": 1, "delete": 0}
    manifest = (repository.folder / "orders" / "alchemesh.yaml").read_text("utf-8")
    line = manifest.splitlines().index("  - name: orders-table") + 1
    place = f'<a href="https://github.com/acme/mesh/blob/{COMMIT}/orders/alchemesh.yaml#L{line}">'
    assert place in changed[0]
    assert "<a href" not in changed[1], "the job of GitLab names no address of the project"

    repository.edit("returns", "component: columnar-table", "component: columnar-tabel")
    for comment in repository.push():
        assert comment.startswith("### ✗ 3 products · 1 environment: 1 failed, 1 changed, 1 unchanged\n")
        assert "unknown component type 'columnar-tabel', expected one for a storage" in comment
        assert comment.index("returns/alchemesh.yaml:") < comment.index("orders-table-storage-order")
    assert repository.preview.returncode == 3
    [annotation] = [line for line in repository.preview.stderr.splitlines() if line.startswith("::error ")]
    assert annotation.startswith("::error file=returns/alchemesh.yaml,line=")

    repository.edit("returns", "component: columnar-tabel", "component: columnar-table")
    repository.edit("orders", *reversed(SHOP))
    repository.edit("orders", *reversed(NEWER))
    for comment in repository.push():
        assert comment.startswith(
            "### ✓ 3 products · 1 environment: no changes\n\n0 changes · 3 previews: 3 unchanged\n"
        )
        assert comment.endswith("<!-- alchemesh:preview run=3.1 -->")


def test_a_job_without_a_document_says_so_in_the_comment(repository: Repository) -> None:
    forge = repository.forges[1]
    posted = repository.run("ci", "comment", "missing.json", **job_of(forge))
    assert (posted.returncode, posted.stdout) == (1, "comment created on !7\n")
    assert forge.mine[0].startswith("### ✗ the preview did not finish\n")
    (repository.folder / "other.json").write_text('{"schema": "alchemesh/plan/1"}')
    refused = repository.run("ci", "comment", "other.json", **job_of(forge, run=11))
    assert refused.returncode == 2
    assert "other.json is not a document of previews" in refused.stderr
    outside = repository.run("ci", "comment", "other.json")
    assert outside.returncode == 2
    assert "this is no job of GitHub or GitLab" in outside.stderr
