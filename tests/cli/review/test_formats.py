"""`preview --format …` and its files, with products that no engine is needed for: their manifests have problems."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode

BROKEN = "kind: DataProduct\nname: orders\ndomain: shop\nnmae: typo\n"
ODD = "two ##[add-mask]x"


@pytest.fixture(autouse=True)
def repos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH", "CI_PROJECT_URL", "CI_COMMIT_SHA"):
        monkeypatch.delenv(name, raising=False)
    for name in ("one", ODD):
        (tmp_path / name).mkdir()
        (tmp_path / name / "alchemesh.yaml").write_text(BROKEN, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_format_has_every_problem_at_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for form in ("tree", "diff", "markdown", "json", "github", "gitlab"):
        assert invoke(["preview", "one", ODD, "--format", form]) == ExitCode.PROBLEMS
        found[form] = capsys.readouterr()
    assert "one/alchemesh.yaml:4:1  nmae:" in found["tree"].err
    assert "# one/alchemesh.yaml:4:1 nmae: " in found["diff"].out
    assert "- **error** `one/alchemesh.yaml:4` `nmae`: " in found["markdown"].out
    assert found["gitlab"].out.splitlines()[0] == found["markdown"].out.splitlines()[0]
    document = json.loads(found["json"].out)
    assert [each["outcome"] for each in document["previews"]] == ["failed", "failed"]
    assert document["again"] == ["alchemesh", "preview", "one", ODD, "-e", "local"]
    assert "::error file=one/alchemesh.yaml,line=4,col=1,title=one local::nmae: " in found["github"].err


def test_a_name_is_no_command_of_github_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """GitHub's runner reads `##[…]` anywhere in a line of a log."""
    invoke(["preview", ODD, "--format", "github"])
    shown = capsys.readouterr()
    assert "##[" not in shown.out
    assert "# #[add-mask]x" in shown.out
    assert all(line.startswith("::") for line in shown.err.splitlines() if "##[" in line)


def test_the_document_and_the_reports_of_gitlab_are_written(repos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--save", "p.json", "--gitlab-report", "t.json", "--gitlab-quality", "q.json"]
    assert invoke(["preview", "one", "--format", "gitlab", *files]) == ExitCode.PROBLEMS
    capsys.readouterr()
    assert json.loads((repos / "p.json").read_text())["schema"] == "alchemesh/previews/1"
    assert json.loads((repos / "t.json").read_text()) == {"create": 0, "update": 0, "delete": 0}
    quality = json.loads((repos / "q.json").read_text())
    assert {"path": "one/alchemesh.yaml", "lines": {"begin": 4}} in [each["location"] for each in quality]


@pytest.mark.parametrize("option", ["--save", "--gitlab-report", "--gitlab-quality"])
def test_a_file_in_no_folder_is_refused_before_the_previews(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["preview", "one", option, "nowhere/p.json"]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert f"Invalid value for '{option}': no such folder" in shown.err
    assert "the preview failed" not in shown.err


@pytest.mark.parametrize("other", [["--markdown"], ["--format", "diff"]])
def test_json_and_another_format_exclude_each_other(other: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["preview", "one", "--json", *other]) == ExitCode.USAGE
    assert f"--json and {other[0]} exclude each other" in capsys.readouterr().err


def test_a_problem_of_the_manifest_is_reported_once_for_all_environments(
    repos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environments = "".join(f"  {name}: {{extends: builtin/local}}\n" for name in ("dev", "prod"))
    (repos / "one" / "platform.yaml").write_text(f"kind: Platform\nname: acme\nenvironments:\n{environments}")
    command = ["preview", "one", "-e", "dev", "-e", "prod", "--format"]
    assert invoke([*command, "tree"]) == ExitCode.PROBLEMS
    assert capsys.readouterr().err.count("one/alchemesh.yaml:4:1  nmae:") == 1
    assert invoke([*command, "github"]) == ExitCode.PROBLEMS
    shown = capsys.readouterr()
    assert shown.out.count("- **error** `one/alchemesh.yaml:4` `nmae`: ") == 1
    number = shown.out.count("- **error** `one/")
    assert f"- the same {number} problems as in `dev`\n" in shown.out
    assert shown.err.count("::error file=one/alchemesh.yaml,line=4,col=1,title=one dev%2C prod::nmae: ") == 1


def test_one_environment_that_is_missing_hides_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["preview", "one", "-e", "local", "-e", "prod", "--json"]) == ExitCode.PROBLEMS
    local, prod = json.loads(capsys.readouterr().out)["previews"]
    assert (local["environment"], prod["environment"]) == ("local", "prod")
    assert local["problems"]
    assert prod["outcome"] == "failed"
