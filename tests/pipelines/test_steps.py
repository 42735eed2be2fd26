"""Each job of the written pipelines, step by step, against local servers: a repository of three products."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform import __version__
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.engine.install.cache import cache_folder
from alchemesh_platform.engine.install.find import Engine
from tests.app.review.branch import Branch
from tests.forges.fakes import TOKEN, GitHub, GitLab, job_of, served

from .steps import Runner
from .tokens import token_server

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture
def runner(tmp_path: Path, engine: Engine) -> Runner:
    """A runner with a branch that changes one of three products."""
    branch = Branch.made(tmp_path / "repo", "orders", "stock", "returns")
    branch.git("switch", "--quiet", "main")
    for forge in ("github", "gitlab"):
        assert invoke(["ci", "init", forge, "-e", "local", "-C", str(branch.root)]) == ExitCode.DONE
    branch.commit()
    branch.git("remote", "add", "origin", str(branch.root))
    branch.git("update-ref", "refs/remotes/origin/main", "main")
    branch.git("switch", "--quiet", "--force-create", "work")
    branch.edit("products/orders/alchemesh.yaml", "team: sales", "team: trade")
    branch.commit()
    for place in (branch.root, tmp_path / "runner"):  # the cache that the forge restores
        (place / ".cache").mkdir(parents=True)
        (place / ".cache/alchemesh").symlink_to(cache_folder("engine").parent)
    return Runner(tmp_path / "repo", tmp_path / "runner", {"ALCHEMESH_HOME": str(tmp_path / "home")})


def head(runner: Runner) -> str:
    return Branch(runner.root).git("rev-parse", "HEAD").strip()


def log(runner: Runner) -> str:
    return (runner.scratch / "log").read_text("utf-8")


def test_the_workflows_preview_comment_heal_deploy_and_look_for_drift(runner: Runner, tmp_path: Path) -> None:
    branch = Branch(runner.root)
    before = {
        "github.base_ref": "main",
        "vars.ALCHEMESH_GOOGLE_PROVIDER": "",
        "vars.ALCHEMESH_GOOGLE_ACCOUNT": "",
        "github.event.repository.default_branch": "main",
        "github.event.workflow_run.id": "10",
        "github.token": TOKEN,
        "inputs.base": branch.git("rev-parse", "main").strip(),
    }

    with served(GitHub()) as forge:

        def commented(run: int, job: str = "preview") -> tuple[list[int], str]:
            """Both workflows, one after the other; returns the exit codes of the first, and the comment."""
            forge.head = head(runner)
            codes = runner.github("alchemesh-preview.yml", job, before)
            runner.environ |= job_of(forge, run=run, commit=forge.head)
            finished = {"id": run, "run_attempt": 1, "head_sha": forge.head, "pull_requests": [{"number": 7}]}
            event = tmp_path / "event.json"
            event.write_text(json.dumps({"workflow_run": finished}), "utf-8")
            runner.environ["GITHUB_EVENT_PATH"] = str(event)
            runner.github("alchemesh-comment.yml", "comment", before)
            assert len(forge.mine) == 1, log(runner)
            return codes, forge.mine[0]

        codes, comment = commented(10)
        assert codes == [0, 0, 0], log(runner)
        assert "`shop/orders` · `local`" in comment
        assert "shop/stock" not in comment
        assert runner.installed[0] == f"alchemesh-platform[gcp,policies,oidc,object-state,postgresql]=={__version__}"
        assert f"alchemesh-platform[ci]=={__version__}" in runner.installed

        branch.edit("products/orders/alchemesh.yaml", "name: orders-table", "nam: orders-table")
        branch.commit()
        codes, comment = commented(11)
        assert codes[-1] == ExitCode.PROBLEMS
        assert "the preview failed" in comment
        assert "products/orders/alchemesh.yaml:" in comment

        branch.git("reset", "--quiet", "--hard", "HEAD~1")
        codes, comment = commented(12, "fork")
        assert codes == [0, 0], "a fork has no engine"
        assert "offline: the registry was not read" in comment

        branch.git("reset", "--quiet", "--hard", "main")
        codes, comment = commented(13)
        assert codes == [0, 0, 0]
        assert "no data product is affected" in comment

    branch.git("switch", "--quiet", "main")
    branch.edit("products/orders/alchemesh.yaml", "team: sales", "team: trade")
    branch.commit()
    with token_server() as (asked, variables):
        runner.environ |= variables
        assert runner.github("alchemesh-deploy.yml", "local", before) == [0, 0, 0, 0], log(runner)
        assert asked == ["bearer of-the-job /token?job=1&audience=alchemesh"]
    assert "::add-mask::signed-by-the-forge" in log(runner)
    assert "shop/stock" not in log(runner).rpartition("$ alchemesh ci affected")[2], "it was not affected"
    assert runner.github("alchemesh-drift.yml", "drift-local", before)[-1] == ExitCode.DONE
    [table] = (tmp_path / "home").glob("local/data/shop/orders/orders-table/*")
    shutil.rmtree(table)
    assert runner.github("alchemesh-drift.yml", "drift-local", before)[-1] == ExitCode.CHANGES


def test_the_component_of_gitlab_previews_and_comments(runner: Runner) -> None:
    branch = Branch(runner.root)
    inputs = {"environment": "local"}
    variables = {
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_MERGE_REQUEST_PROJECT_URL": str(branch.root.parent / "upstream"),
        "CI_COMMIT_BEFORE_SHA": "0" * 40,
    }
    with served(GitLab()) as forge:
        forge.head = head(runner)
        assert runner.gitlab("preview-local", inputs, variables) == ExitCode.DONE, log(runner)
        report = json.loads((runner.root / "terraform.json").read_text("utf-8"))
        assert report["create"] > 0
        posting = {**variables, **job_of(forge, run=10, commit=forge.head)}
        assert runner.gitlab("comment-local", inputs, posting) == ExitCode.DONE, log(runner)
        [comment] = forge.mine
        assert "`shop/orders` · `local`" in comment

        (runner.root / "preview.json").unlink()
        posting = {**variables, **job_of(forge, run=11, commit=forge.head)}
        assert runner.gitlab("comment-local", inputs, posting) == ExitCode.FAILED
        [comment] = forge.mine
        assert "did not finish" in comment

    branch.git("clone", "--quiet", "--bare", str(branch.root), f"{variables['CI_MERGE_REQUEST_PROJECT_URL']}.git")
    assert runner.gitlab("offline-preview-local", inputs, variables) == ExitCode.DONE, log(runner)
    saved = json.loads((runner.root / "preview.json").read_text("utf-8"))
    assert [each["preview"]["offline"] for each in saved["previews"]] == [True]
