"""The scripts of the written pipelines, where no engine is needed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from tests.app.review.branch import Branch

from .steps import Runner
from .tokens import token_server

GOOGLE = "projects/1/locations/global/workloadIdentityPools/forge/providers/gitlab"

CONTEXT = {
    "inputs.base": "",
    "github.token": "of-github",
    "vars.ALCHEMESH_GOOGLE_PROVIDER": "",
    "vars.ALCHEMESH_GOOGLE_ACCOUNT": "",
}


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A runner with a repository that has a product at its root, and two others that a push changed."""
    branch = Branch.made(tmp_path / "repo", "orders", report="orders")
    branch.product("whole", folder=".")
    for forge in ("github", "gitlab"):
        assert invoke(["ci", "init", forge, "-e", "local", "-C", str(branch.root)]) == ExitCode.DONE
    branch.commit()
    branch.git("branch", "--force", "main")
    branch.edit("products/orders/alchemesh.yaml", "type: integer", "type: string")
    branch.commit()
    (tmp_path / "runner").mkdir()
    return Runner(branch.root, tmp_path / "runner", {"ALCHEMESH_HOME": str(tmp_path / "home")}, without_engine=True)


def deployed(runner: Runner) -> list[tuple[str, str]]:
    """The folder and the token of each deployment."""
    text = (runner.scratch / "log").read_text("utf-8")
    return re.findall(r"^alchemesh up --yes -C (\S+) -e local, token (\S*)$", text, re.MULTILINE)


def base(runner: Runner) -> str:
    return Branch(runner.root).git("rev-parse", "main").strip()


def test_a_deployment_on_github_has_the_affected_products_alone_and_a_token_for_each(runner: Runner) -> None:
    with token_server(base(runner), "0" * 40) as (asked, variables):
        runner.environ |= variables
        assert set(runner.github("alchemesh-deploy.yml", "local", CONTEXT)) == {0}
    assert deployed(runner) == [
        ("products/orders", "signed-by-the-forge"),
        ("products/report", "signed-by-the-forge-2"),
    ]
    assert asked == ["bearer of-the-job /token?job=1&audience=alchemesh"] * 2
    assert Branch(runner.root).git("status", "--porcelain") == "", "the job writes no file of the repository"


def test_a_deployment_makes_up_for_the_runs_that_did_not_succeed(runner: Runner) -> None:
    """The run of the push that changed the products failed, was rejected, or was replaced by a newer one."""
    deployed_last = base(runner)
    branch = Branch(runner.root)
    branch.git("branch", "--force", "main", "HEAD")
    branch.write(".github/dependabot.yml", "version: 2\n")  # a push that affects no product
    branch.commit()
    with token_server(deployed_last) as (_asked, variables):
        runner.environ |= variables
        assert set(runner.github("alchemesh-deploy.yml", "local", CONTEXT)) == {0}
    assert [folder for folder, _token in deployed(runner)] == ["products/orders", "products/report"]


def test_before_the_first_successful_run_every_product_is_deployed(runner: Runner) -> None:
    with token_server() as (_asked, variables):
        runner.environ |= variables
        assert set(runner.github("alchemesh-deploy.yml", "local", CONTEXT)) == {0}
    assert {folder for folder, _token in deployed(runner)} == {"products/orders", "products/report", "."}


def test_without_an_answer_about_the_last_run_nothing_is_deployed(runner: Runner) -> None:
    with token_server(base(runner)) as (_asked, variables):
        runner.environ |= {**variables, "GITHUB_REPOSITORY": "acme/unknown"}
        assert runner.github("alchemesh-deploy.yml", "local", CONTEXT)[-1] != 0
    assert deployed(runner) == []


def test_a_product_without_a_token_is_not_deployed_and_the_job_fails(runner: Runner) -> None:
    context = {**CONTEXT, "inputs.base": base(runner)}
    runner.environ |= {
        "ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:9/token?job=1",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-job",
    }
    assert runner.github("alchemesh-deploy.yml", "local", context)[-1] == 1
    assert deployed(runner) == []


def test_a_deployment_on_gitlab_has_the_affected_products_alone(runner: Runner) -> None:
    Branch(runner.root).write(".cache/alchemesh/engine", "restored by the forge")
    with token_server(base(runner), "0" * 40) as (_asked, variables):
        variables |= {"ALCHEMESH_TOKEN": "of-gitlab"}
        assert runner.gitlab("deploy-local", {"environment": "local"}, variables) == ExitCode.DONE
    assert deployed(runner) == [("products/orders", "of-gitlab"), ("products/report", "of-gitlab")]
    assert Branch(runner.root).git("status", "--porcelain") == "", "the cache is no file of a product"


def test_a_deployment_on_gitlab_makes_up_for_those_that_did_not_succeed(runner: Runner) -> None:
    deployed_last = base(runner)
    branch = Branch(runner.root)
    branch.write("notes.md", "a push that affects the product at the root alone\n")
    branch.commit()
    with token_server(deployed_last) as (_asked, variables):
        variables |= {"CI_COMMIT_BEFORE_SHA": branch.git("rev-parse", "HEAD~1").strip()}
        assert runner.gitlab("deploy-local", {"environment": "local"}, variables) == ExitCode.DONE
    assert {folder for folder, _token in deployed(runner)} == {"products/orders", "products/report", "."}


def test_before_the_first_deployment_on_gitlab_every_product_is_deployed(runner: Runner) -> None:
    with token_server() as (_asked, variables):
        assert runner.gitlab("deploy-local", {"environment": "local"}, variables) == ExitCode.DONE
    assert {folder for folder, _token in deployed(runner)} == {"products/orders", "products/report", "."}


def test_without_an_answer_about_deployments_on_gitlab_nothing_is_deployed(runner: Runner) -> None:
    with token_server(base(runner)) as (_asked, variables):
        variables |= {"CI_JOB_TOKEN": "of-another"}
        assert runner.gitlab("deploy-local", {"environment": "local"}, variables) == ExitCode.FAILED
    assert deployed(runner) == []


def test_a_job_on_gitlab_signs_in_to_google_cloud_without_a_key(runner: Runner) -> None:
    runner.environ["TMPDIR"] = str(runner.scratch)
    variables = {
        "ALCHEMESH_BASE": base(runner),
        "ALCHEMESH_GOOGLE_TOKEN": "for-google",
        "ALCHEMESH_GOOGLE_PROVIDER": GOOGLE,
        "ALCHEMESH_GOOGLE_ACCOUNT": "deploy@acme.iam.gserviceaccount.com",
    }
    assert runner.gitlab("deploy-local", {"environment": "local"}, variables) == ExitCode.DONE
    [text] = [text for text in texts(runner.scratch) if "external_account" in text]
    document = json.loads(text)
    assert document["audience"] == f"//iam.googleapis.com/{GOOGLE}"
    assert document["service_account_impersonation_url"].endswith(
        "/deploy@acme.iam.gserviceaccount.com:generateAccessToken"
    )
    assert Path(document["credential_source"]["file"]).read_text("utf-8") == "for-google"


def texts(folder: Path) -> list[str]:
    return [path.read_text("utf-8") for path in folder.glob("tmp*") if path.is_file()]
