"""The written pipelines: their linters find nothing, and they have only the rights that they need."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from alchemesh_platform import scaffold
from alchemesh_platform.scaffold.pipelines.render import Answers, BadAnswer, Forge, pipeline
from parts.tools import actionlint

ANSWERS = Answers(("dev", "prod"), "main", "gcp,oidc", "alchemesh", "1.2.3", verify=True)
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}|\./\.github/actions/alchemesh")


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the pipelines of both forges."""
    root = tmp_path_factory.mktemp("pipelines")
    for forge in ("github", "gitlab"):
        for path, text in files(forge).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, "utf-8")
    (root / ".git").mkdir()  # actionlint looks for the root of a repository
    return root


def files(forge: Forge, answers: Answers = ANSWERS) -> dict[str, str]:
    return pipeline(forge, answers)


def lint(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(schema: str, *paths: str, folder: Path) -> None:
    program = str(Path(sys.executable).with_name("check-jsonschema"))
    lint(program, "--builtin-schema", schema, *paths, folder=folder)


@pytest.mark.slow
def test_the_schemas_of_the_forges_accept_each_file(repo: Path) -> None:
    workflows = [str(path.relative_to(repo)) for path in (repo / ".github/workflows").iterdir()]
    check("vendor.github-workflows", *workflows, folder=repo)
    check("custom.github-workflows-require-timeout", *workflows, folder=repo)
    check("vendor.github-actions", ".github/actions/alchemesh/action.yml", folder=repo)
    header, body = (repo / "templates/alchemesh.yml").read_text("utf-8").split("\n---\n")
    inputs = yaml.safe_load(header)["spec"]["inputs"]
    assert set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", body)) == set(inputs), "each input is used, and declared"
    (repo / "component.json").write_text(json.dumps(yaml.safe_load(body)), "utf-8")
    check("vendor.gitlab-ci", ".gitlab-ci.yml", "component.json", folder=repo)


@pytest.mark.slow
def test_zizmor_finds_no_weakness(repo: Path) -> None:
    program = str(Path(sys.executable).with_name("zizmor"))
    lint(program, "--offline", "--no-progress", ".", folder=repo)


@pytest.mark.slow
def test_actionlint_finds_no_mistake(repo: Path) -> None:
    if (lacking := actionlint.missing()) is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(lacking, pytrace=False)
        pytest.skip(lacking)
    assert lint(str(actionlint.prepare() / "actionlint"), folder=repo) == ""


def test_each_action_has_one_pin_in_all_templates() -> None:
    """A repository with a component and its products has both pipelines."""
    pins: dict[str, set[str]] = {}
    for file in Path(scaffold.__file__).parent.rglob("*.jinja"):
        for action, pin in re.findall(r"uses: ([\w-]+/[\w-]+)@(\S+ # v[\d.]+)$", file.read_text("utf-8"), re.MULTILINE):
            pins.setdefault(action, set()).add(pin)
    assert len(pins) == 5
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


def workflows() -> dict[str, Any]:
    found = files("github")
    return {Path(path).stem: yaml.safe_load(text) for path, text in found.items() if "/workflows/" in path}


def test_each_action_is_pinned_by_its_hash() -> None:
    used = [
        line.split("uses: ")[1].split(" ")[0]
        for text in files("github").values()
        for line in text.splitlines()
        if "uses: " in line
    ]
    assert used
    assert [each for each in used if not PINNED.fullmatch(each)] == []


def test_jobs_have_only_the_rights_that_they_need() -> None:
    """Only the comment may write, and only deployments and previews of the own repository have an identity."""
    rights = {}
    for name, workflow in workflows().items():
        assert workflow["permissions"] == {}, "no right by default"
        rights |= {f"{name}/{job}": each["permissions"] for job, each in workflow["jobs"].items()}
    with_identity = {"contents": "read", "id-token": "write"}
    deploying = {"actions": "read", **with_identity}
    assert rights == {
        "alchemesh-preview/fork": {"contents": "read"},
        "alchemesh-preview/preview": with_identity,
        "alchemesh-comment/comment": {"actions": "read", "contents": "read", "pull-requests": "write"},
        "alchemesh-deploy/dev": deploying,
        "alchemesh-deploy/prod": deploying,
        "alchemesh-drift/drift-dev": with_identity,
        "alchemesh-drift/drift-prod": with_identity,
        "alchemesh-drift/contracts-dev": with_identity,
        "alchemesh-drift/contracts-prod": with_identity,
    }


def test_a_fork_gets_no_secret_and_no_environment() -> None:
    fork = workflows()["alchemesh-preview"]["jobs"]["fork"]
    assert "environment" not in fork
    text = json.dumps(fork)
    assert "secrets." not in text
    assert "vars." not in text
    assert "--offline" in text
    assert all("secrets." not in text for text in files("github").values()), "no job has a key"


def test_deployments_wait_for_the_environment_before_and_for_its_approval() -> None:
    jobs = workflows()["alchemesh-deploy"]["jobs"]
    assert [(name, job["environment"], job.get("needs")) for name, job in jobs.items()] == [
        ("dev", "dev", None),
        ("prod", "prod", "dev"),
    ]
    assert all(job["concurrency"]["cancel-in-progress"] is False for job in jobs.values())


def test_contracts_are_verified_only_by_a_version_that_can() -> None:
    without = Answers(("prod",), "main", "gcp", "alchemesh", "1.2.3")
    for forge in ("github", "gitlab"):
        assert any("contract verify" in text for text in files(forge).values())
        assert not any("contract verify" in text for text in files(forge, without).values())


def component(environment: str) -> dict[str, Any]:
    """The jobs of the component in an environment, by name."""
    body = files("gitlab")["templates/alchemesh.yml"].partition("\n---\n")[2]
    jobs: dict[str, Any] = yaml.safe_load(body.replace("$[[ inputs.environment ]]", environment))
    return {name.removesuffix(f"-{environment}"): job for name, job in jobs.items()}


def test_verdicts_are_recorded_with_an_identity_and_not_in_the_environment_that_only_reads() -> None:
    job = workflows()["alchemesh-drift"]["jobs"]["contracts-prod"]
    assert job["environment"] == "alchemesh-contracts"
    assert job["steps"][1]["with"]["audience"] == "alchemesh"
    assert job["steps"][-1]["env"]["ALCHEMESH_TOKEN"] == "${{ steps.alchemesh.outputs.token }}"
    contracts = component("prod")["contracts"]
    assert contracts["environment"] == {"name": "alchemesh-contracts", "action": "access"}
    assert contracts["id_tokens"]["ALCHEMESH_TOKEN"] == {"aud": "$[[ inputs.audience ]]"}


def test_gitlab_deploys_the_given_branch_to_one_environment_after_the_other() -> None:
    own = yaml.safe_load(files("gitlab")[".gitlab-ci.yml"])
    stages = [each["inputs"]["deploy-stage"] for each in own["include"]]
    assert own["stages"] == ["alchemesh", *stages] == ["alchemesh", "deploy-dev", "deploy-prod"]
    assert component("prod")["deploy"]["stage"] == "$[[ inputs.deploy-stage ]]"
    trunk = files("gitlab", replace(ANSWERS, branch="trunk"))["templates/alchemesh.yml"]
    assert '$CI_COMMIT_BRANCH == "trunk"' in trunk


def test_previews_and_comments_on_gitlab_have_no_identity_that_deploys() -> None:
    jobs = component("prod")
    for name in ("preview", "offline-preview", "comment", "drift"):
        assert "ALCHEMESH_TOKEN" not in jobs[name].get("id_tokens", {}), name
    assert "id_tokens" not in jobs["offline-preview"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("branch", "main]\npermissions: write-all"),
        ("branch", "${{ github.event.pull_request.title }}"),
        ("extras", "gcp\n"),
        ("audience", "a b"),
        ("environments", ("prod\n      - run: curl evil.example",)),
        ("environments", ("$[[ inputs.x ]]",)),
    ],
)
def test_an_answer_cannot_add_a_line_or_an_expression(name: str, value: Any) -> None:
    given = {"environments": ("prod",), "branch": "main", "extras": "gcp", "audience": "a", "version": "1", name: value}
    for forge in ("github", "gitlab"):
        with pytest.raises(BadAnswer):
            files(forge, Answers(**given))
