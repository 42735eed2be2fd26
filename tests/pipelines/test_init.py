"""`alchemesh ci init` writes a pipeline, and changes no file of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from tests.app.review.branch import Branch


def init(root: Path, *arguments: str) -> int:
    return invoke(["ci", "init", *arguments, "-C", str(root)])


def test_existing_files_stay_without_consent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(tmp_path, "github", "-e", "prod") == ExitCode.DONE
    workflow = tmp_path / ".github/workflows/alchemesh-deploy.yml"
    written = workflow.read_text("utf-8")
    assert init(tmp_path, "github", "-e", "prod") == ExitCode.DONE
    assert "= .github/workflows/alchemesh-deploy.yml" in capsys.readouterr().out
    workflow.write_text("mine", "utf-8")
    assert init(tmp_path, "github", "-e", "prod") == ExitCode.USAGE
    assert "! .github/workflows/alchemesh-deploy.yml exists and differs\n" in capsys.readouterr().err
    assert workflow.read_text("utf-8") == "mine"
    assert init(tmp_path, "github", "-e", "prod", "--yes") == ExitCode.DONE
    assert workflow.read_text("utf-8") == written


def test_the_own_pipeline_of_a_repository_is_never_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / ".gitlab-ci.yml"
    own.write_text("stages: [test]\n", "utf-8")
    assert init(tmp_path, "gitlab", "-e", "prod", "--yes") == ExitCode.DONE
    assert own.read_text("utf-8") == "stages: [test]\n"
    assert (
        ".gitlab-ci.yml is unchanged. Add these lines to it, to its own `stages` and `include`:"
        in capsys.readouterr().out
    )
    own.write_text("include:\n  - local: templates/alchemesh.yml\n    inputs: {environment: prod}\n", "utf-8")
    with own.open("a", encoding="utf-8") as file:
        file.write("site:\n  environment: dev\n")  # a job of its own
    assert init(tmp_path, "gitlab", "-e", "dev") == ExitCode.DONE
    assert "Add these lines" in capsys.readouterr().out
    assert init(tmp_path, "gitlab", "-e", "prod") == ExitCode.DONE
    assert "Add these lines" not in capsys.readouterr().out


def test_another_run_with_more_environments_prints_the_lines_to_add(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(tmp_path, "gitlab", "-e", "prod") == ExitCode.DONE
    capsys.readouterr()
    assert init(tmp_path, "gitlab", "-e", "dev", "-e", "prod") == ExitCode.DONE
    out = capsys.readouterr().out
    assert "= .gitlab-ci.yml" not in out
    assert ".gitlab-ci.yml is unchanged. Add these lines to it, to its own `stages` and `include`:" in out
    assert "      environment: dev\n" in out


PLATFORM = "kind: Platform\nname: acme\nenvironments:\n  prod: {extends: local}\n"


def test_an_environment_that_no_platform_file_has_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    branch = Branch.made(tmp_path / "repo", "orders")
    assert init(branch.root, "github", "-e", "prod") == ExitCode.DONE
    note = "note: no platform file is here: add one with prod before the first pipeline runs"
    assert note in capsys.readouterr().err
    affected = ["ci", "affected", "main", "-C", str(branch.root), "-e"]
    assert invoke([*affected, "prod"]) == ExitCode.USAGE, "without a platform file, only `local` exists"
    assert invoke([*affected, "local"]) == ExitCode.DONE
    branch.write("products/platform.yaml", PLATFORM)
    assert init(branch.root, "github", "-e", "prod") == ExitCode.DONE
    assert init(branch.root, "github", "-e", "prod", "-e", "prdo") == ExitCode.USAGE
    assert "no environment 'prdo'" in capsys.readouterr().err
    assert invoke([*affected, "prod"]) == ExitCode.DONE
    assert invoke([*affected, "prdo"]) == ExitCode.USAGE
    assert "no environment 'prdo'" in capsys.readouterr().err


def test_an_extra_that_the_package_does_not_have_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(tmp_path, "github", "--extras", "gcp,oicd") == ExitCode.USAGE
    err = capsys.readouterr().err
    assert "found 'oicd', expected an extra of the package" in err
    assert "oidc" in err
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_another_place_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "repo/.github").symlink_to(tmp_path / "outside")
    assert init(tmp_path / "repo", "github", "--yes") == ExitCode.USAGE
    assert "is a link to a place outside of the repository" in capsys.readouterr().err
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_a_folder_below_the_root_of_the_repository_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], forge: str
) -> None:
    """The command once wrote `sub/.github`, which GitHub never reads, and ended with exit code 0."""
    branch = Branch.made(tmp_path / "repo", "orders")
    folder = branch.root / "products"
    monkeypatch.chdir(folder)
    assert init(Path(), forge, "-e", "prod") == ExitCode.USAGE
    err = capsys.readouterr().err
    assert "products is a folder inside of a git repository, expected the root of the repository" in err
    assert "hint: add `-C ..` to the command: Git" in err
    assert [path.name for path in folder.iterdir()] == ["orders"]
    assert init(Path(".."), forge, "-e", "prod") == ExitCode.DONE


@pytest.mark.parametrize("obstacle", ["link", "file", "folder"])
def test_no_file_is_written_if_another_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], obstacle: str
) -> None:
    """The command once wrote the action and then failed at the folder of the workflows."""
    (tmp_path / ".github").mkdir()
    workflows = tmp_path / ".github/workflows"
    if obstacle == "link":
        workflows.symlink_to(tmp_path / "missing")
        message, hint = ".github/workflows is a link to a missing folder", "create the folder, or remove the link"
    elif obstacle == "file":
        workflows.write_text("mine", "utf-8")
        message, hint = ".github/workflows is a file, expected a folder", "move it to another place"
    else:
        (workflows / "alchemesh-drift.yml").mkdir(parents=True)
        message = ".github/workflows/alchemesh-drift.yml is a folder, expected a file"
        hint = "move it to another place"
    assert init(tmp_path, "github", "--yes") == ExitCode.USAGE
    err = capsys.readouterr().err
    assert message in err
    assert f"hint: {hint}" in err
    assert [path for path in tmp_path.rglob("alchemesh*") if path.is_file()] == []
    assert not (tmp_path / ".github/actions").exists()


def test_a_failure_in_the_middle_names_the_written_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def full(file: Path, text: str, encoding: str) -> int:
        if file.name == "alchemesh-preview.yml":
            raise OSError(28, "No space left on device")
        return write(file, text, encoding)

    monkeypatch.setattr(Path, "write_text", full)
    assert init(tmp_path, "github", "--yes") == ExitCode.USAGE
    err = capsys.readouterr().err
    assert ".github/workflows/alchemesh-preview.yml cannot be written: No space left on device" in err
    assert "hint: the command wrote .github/actions/alchemesh/action.yml: fix the cause, then run it again" in err
