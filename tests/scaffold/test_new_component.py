"""`alchemesh components new`: the created package, and refusals of names, types and folders."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from alchemesh_cli.components.new import ROLES as ROLES_OF_COMMAND
from alchemesh_cli.main import invoke
from alchemesh_platform.app.components.new import new_component
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.documents.document import node_of
from alchemesh_platform.documents.validate import validate
from alchemesh_platform.platform_file.models import PlatformFile
from alchemesh_platform.scaffold.answers import FORMS, ROLES, BadAnswer, answers_of
from alchemesh_platform.scaffold.rendering import QUESTIONS, FolderTaken, NotWritten, render, write_folder
from tests.ordinary import as_an_ordinary_user, closed_folder

__all__ = ["closed_folder"]

# Each form of the template: role and type.
VARIANTS = [
    ("storage", "columnar-table"),
    ("storage", "object-storage"),
    ("storage", None),
    ("proxy", "data-api"),
    ("proxy", None),
    ("input-port", "file-ingestion"),
    ("input-port", None),
    ("infrastructure", "object-storage"),
    ("infrastructure", None),
    ("code", "python-job"),
    ("code", None),
]


def create(folder: Path, role: str, component_type: str | None = None, name: str = "acme-part", **more: Any) -> Path:
    options = {"owner": "data-platform", "ci": "github", **more}
    return new_component(name, role, component_type, into=folder, **options).folder


@pytest.mark.parametrize(("role", "component_type"), VARIANTS)
def test_each_role_and_type_gives_a_package_in_good_form(role: str, component_type: str | None, tmp_path: Path) -> None:
    package = create(tmp_path, role, component_type)
    declared = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
    assert declared["entry-points"]["alchemesh.components"] == {"acme-part": "acme_part.spec:SPEC"}
    files = {str(file.relative_to(package)) for file in package.rglob("*") if file.is_file()}
    assert files >= {
        *(f"acme_part/{name}" for name in ("spec.py", "models.py", "component.py", "check.py", "case.yml")),
        *("example/alchemesh.yaml", "example/platform.yaml", "docs/acme-part.md", "README.md"),
        *("tests/test_example.py", ".github/workflows/ci.yml", ".copier-answers.yml"),
    }
    assert ("acme_part/observe.py" in files) == (role != "code")
    assert ("acme_part/run.py" in files) == (role == "code")
    for file in package.rglob("*"):
        assert "{{" not in file.name, file
        text = file.read_text("utf-8") if file.is_file() else ""
        assert ("{{" in text, "{%" in text) == (False, False), file
        if file.suffix in {".yml", ".yaml"}:
            yaml.safe_load(text)
    for folder in (package, *(each for each in package.rglob("*") if each.is_dir())):
        assert list(folder.iterdir()), f"{folder} is empty"


@pytest.mark.parametrize(("role", "component_type"), VARIANTS)
def test_the_spec_of_the_package_says_its_role_and_type_and_imports_only_the_spec(
    role: str, component_type: str | None, tmp_path: Path
) -> None:
    module = ast.parse((create(tmp_path, role, component_type) / "acme_part" / "spec.py").read_text("utf-8"))
    imported = [node.module for node in ast.walk(module) if isinstance(node, ast.ImportFrom)]
    assert imported == ["alchemesh_platform.sdk.spec"]
    namespace: dict[str, Any] = {}
    exec(compile(module, "spec.py", "exec"), namespace)  # noqa: S102 - the module that was just rendered
    spec = namespace["SPEC"]
    assert (spec.name, spec.component_type, spec.owner) == ("acme-part", component_type or "acme-part", "data-platform")
    assert spec.roles == (ROLES[role],)
    specs, _ = discover().loaded()
    forms = {one.outputs for one in specs if one.component_type == component_type and ROLES[role] in one.roles}
    assert not forms or spec.outputs in forms, (
        "code of a product finds the kind of connection that the type has elsewhere"
    )


def test_the_python_of_a_package_has_no_remarks_of_ruff(tmp_path: Path) -> None:
    for role in ROLES:
        package = create(tmp_path, role, name=f"acme-{role}-of-this-company")
        for check in (["check", "--select", "E,F,I,UP,B,SIM,RUF"], ["format", "--check"]):
            command = [sys.executable, "-m", "ruff", *check, "--isolated", "--line-length", "120", "."]
            done = subprocess.run(command, cwd=package, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("role", "component_type"), VARIANTS)
def test_the_readme_shows_a_platform_file_that_selects_the_component(
    role: str, component_type: str | None, tmp_path: Path
) -> None:
    text = (create(tmp_path, role, component_type) / "README.md").read_text("utf-8")
    shown = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    file, problems = validate(node_of(shown, "platform.yaml"), PlatformFile)
    assert (file is not None, problems) == (True, [])
    assert shown["environments"]["prod"]["components"] == {component_type or "acme-part": "acme-part"}


def test_a_component_with_a_type_of_its_own_is_named_once(tmp_path: Path) -> None:
    own, other = create(tmp_path, "proxy", name="acme-own"), create(tmp_path, "proxy", "data-api")
    first = [(each / "example" / "platform.yaml").read_text("utf-8").splitlines()[0] for each in (own, other)]
    assert first == [
        "# Everything of the built-in local platform, with acme-own.",
        "# Everything of the built-in local platform, with acme-part for data-api.",
    ]


def test_the_command_says_what_it_created_and_what_to_do_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert invoke(["components", "new", "acme-table", "--role", "storage", "--type", "columnar-table"]) == 0
    files = [file for file in (tmp_path / "acme-table").rglob("*") if file.is_file()]
    assert capsys.readouterr().out == (
        f"acme-table: component acme-table of type columnar-table, role storage, {len(files)} files\n\n"
        "next: cd acme-table && python -m pip install --editable '.[test]' && python -m pytest\n"
        "then: cd example && alchemesh up && alchemesh run\n"
    )
    assert list(tmp_path.iterdir()) == [tmp_path / "acme-table"]


def test_a_tool_of_uv_or_pipx_names_an_environment_for_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool" / "uv-receipt.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "tool"))
    assert invoke(["components", "new", "acme-table", "--role", "storage"]) == 0
    fresh = "cd acme-table && python3 -m venv .venv && . .venv/bin/activate && python -m pip install"
    assert f"next: {fresh} --editable '.[test]' && python -m pytest\n" in capsys.readouterr().out


def test_the_pipeline_is_that_of_the_chosen_service(tmp_path: Path) -> None:
    package = create(tmp_path, "code", ci="gitlab")
    assert (package / ".gitlab-ci.yml").is_file()
    assert not (package / ".github").exists()


def test_actions_of_the_pipeline_are_pinned_by_their_commit(tmp_path: Path) -> None:
    workflow = yaml.safe_load((create(tmp_path, "code") / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    used = [step["uses"] for step in workflow["jobs"]["test"]["steps"] if "uses" in step]
    assert len(used) > 1
    assert [each for each in used if len(each.rpartition("@")[2]) != 40] == []
    assert workflow["permissions"] == {"contents": "read"}


@pytest.mark.parametrize(
    ("ci", "file", "schema"),
    [
        ("github", ".github/workflows/ci.yml", "vendor.github-workflows"),
        ("gitlab", ".gitlab-ci.yml", "vendor.gitlab-ci"),
    ],
)
def test_linters_of_pipelines_find_nothing(ci: str, file: str, schema: str, tmp_path: Path) -> None:
    pipeline = str(create(tmp_path, "code", ci=ci) / file)
    programs = Path(sys.executable).parent
    checks = [[programs / "check-jsonschema", "--builtin-schema", schema, pipeline]]
    if ci == "github":
        checks.append([programs / "zizmor", "--offline", "--quiet", pipeline])
    for command in checks:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_command_knows_every_role_of_the_template() -> None:
    assert list(ROLES_OF_COMMAND) == list(ROLES) == list(FORMS)
    questions = yaml.safe_load(QUESTIONS.read_text("utf-8"))
    assert questions["role"]["choices"] == list(ROLES)
    assert set(questions["form"]["choices"]) == {form for forms in FORMS.values() for form in forms.values()}


def test_the_template_has_no_tasks_and_the_repository_has_the_same_questions() -> None:
    """Copier runs tasks and migrations only with `--trust`."""
    questions = yaml.safe_load(QUESTIONS.read_text("utf-8"))
    assert {name for name in questions if name.startswith("_")} == {"_subdirectory", "_answers_file"}
    root = Path(__file__).parents[2]
    assert f"!include {QUESTIONS.relative_to(root)}" in (root / "copier.yml").read_text("utf-8").splitlines()


def test_the_package_remembers_the_answers_for_an_update(tmp_path: Path) -> None:
    package = create(tmp_path, "storage", "object-storage", ci="gitlab")
    remembered = yaml.safe_load((package / ".copier-answers.yml").read_text("utf-8"))
    assert remembered.pop("_src_path").endswith("alchemesh-platform.git")
    assert remembered.pop("_commit") == f"v{remembered['platform_version']}"
    again = render(remembered, source="somewhere", commit="later")
    assert {path: content for path, content in again.items() if path != ".copier-answers.yml"} == {
        str(file.relative_to(package)): file.read_bytes()
        for file in package.rglob("*")
        if file.is_file() and file.name != ".copier-answers.yml"
    }


REFUSED = {
    "../evil": "the component: found '../evil', expected a name in kebab case",
    "Acme Table": "the component: found 'Acme Table', expected a name in kebab case",
    "acme_table": "the component: found 'acme_table', expected a name in kebab case",
    "{{7*7}}": "the component: found '{{7*7}}', expected a name in kebab case",
    "tablé": "the component: found 'tablé', expected a name in kebab case",
    "a\nb": "the component: found ",
    "": "the component: found ",
    "x" * 64: "the component: found ",
    "delta-table": "component 'delta-table' exists already",
    "roapi": "component 'roapi' exists already",
    "columnar-table": "'columnar-table' is a component type already",
    "import": "the module 'import' of component 'import' would have a name of Python's own",
    "json": "the module 'json' of component 'json' would have a name of Python's own",
    "pulumi": "the module 'pulumi' of component 'pulumi' would have a name of an installed package",
    "alchemesh-platform": "would have a name of an installed package",
    "tests": "the module 'tests' of component 'tests' would have a name that the package or the platform uses itself",
}


@pytest.mark.parametrize("name", REFUSED, ids=repr)
def test_a_hostile_or_taken_name_is_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    with pytest.raises(BadAnswer) as refused:
        create(folder, "storage", name=name)
    assert REFUSED[name] in refused.value.message
    assert refused.value.hint
    assert refused.value.exit_code == ExitCode.USAGE
    assert list(tmp_path.rglob("*")) == [folder]


def test_a_name_in_another_form_is_corrected_by_the_hint(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert invoke(["components", "new", "AcmeTable", "--role", "storage", "--into", str(tmp_path)]) == ExitCode.USAGE
    assert "hint: did you mean 'acme-table'?" in capsys.readouterr().err


def test_the_team_has_the_form_of_a_name(tmp_path: Path) -> None:
    with pytest.raises(BadAnswer) as refused:
        create(tmp_path, "storage", owner='"); import os #')
    assert refused.value.message.startswith("--owner: found ")


def test_an_unknown_role_is_refused_with_the_roles(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["components", "new", "acme-table", "--role", "storrage"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert all(role in said for role in ROLES)


TYPES = {
    ("storage", "columnar-tabel"): (
        "--type: unknown component type 'columnar-tabel', expected one for a storage",
        "did you mean 'columnar-table'? leave out `--type` for a new type with the component's name",
    ),
    ("proxy", "columnar-table"): (
        "--type: 'columnar-table' is a type for a storage, expected one for a proxy",
        "use `--role storage`, or one of these types: data-api",
    ),
    ("code", "platform-foundation"): (
        "--type: 'platform-foundation' is a type for a platform, expected one for a code",
        "use one of these types: airflow-dag, dagster-job, kestra-flow, python-job, spark-job",
    ),
    ("storage", "streaming-topic"): (
        "--type: there is no template for 'streaming-topic', whose components provide a TopicConnection",
        "use one of these types: columnar-table, object-storage; or leave out `--type`, and change the type, the "
        "outputs and the resources in the package",
    ),
}


@pytest.mark.parametrize(("role", "component_type"), TYPES)
def test_an_unknown_type_and_one_of_another_role_are_refused(role: str, component_type: str) -> None:
    with pytest.raises(BadAnswer) as refused:
        answers_of("acme-part", role, component_type, discover(), owner="team", ci="github", version="0.1.0")
    assert (refused.value.message, refused.value.hint) == TYPES[role, component_type]


def test_a_folder_with_files_is_not_overwritten(tmp_path: Path) -> None:
    there = tmp_path / "acme-part"
    there.mkdir()
    (there / "notes.txt").write_text("mine", "utf-8")
    with pytest.raises(FolderTaken) as refused:
        create(tmp_path, "storage")
    assert refused.value.message == f"{there} exists already, and is not overwritten"
    assert [file.name for file in there.iterdir()] == ["notes.txt"]


def test_an_empty_folder_is_used_and_a_link_is_not(tmp_path: Path) -> None:
    (tmp_path / "acme-part").mkdir()
    assert (create(tmp_path, "storage") / "README.md").is_file()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "acme-link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderTaken):
        create(tmp_path, "storage", name="acme-link")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_appears_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "acme-part"
    make_writable = Path.chmod

    def meanwhile(self: Path, mode: int) -> None:
        make_writable(self, mode)
        target.mkdir()
        (target / "theirs").touch()

    monkeypatch.setattr(Path, "chmod", meanwhile)
    with pytest.raises(FolderTaken):
        write_folder(target, {"ours": b""})
    assert [file.name for file in tmp_path.rglob("*")] == ["acme-part", "theirs"]


def test_a_folder_that_cannot_be_written_is_reported_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotWritten) as refused:
        create(tmp_path / "file" / "below", "storage")
    assert refused.value.message == f"{tmp_path / 'file' / 'below' / 'acme-part'} cannot be written: Not a directory"
    assert refused.value.hint == "name another folder by `--into`; nothing was written"


def test_a_folder_without_the_right_to_write_is_reported(closed_folder: Path) -> None:
    with as_an_ordinary_user(), pytest.raises(NotWritten) as refused:
        create(closed_folder, "storage")
    assert refused.value.message == f"{closed_folder / 'acme-part'} cannot be written: Permission denied"
    assert list(closed_folder.iterdir()) == []


def test_a_kill_leaves_no_half_written_package_and_the_next_run_creates_it(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from alchemesh_cli.main import invoke\n"
        "write, written = Path.write_bytes, []\n"
        "def until_the_fifth(self, content):\n"
        "    written.append(self)\n"
        "    if len(written) == 5: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return write(self, content)\n"
        "Path.write_bytes = until_the_fifth\n"
        "invoke(['components', 'new', 'acme-part', '--role', 'storage', '--into', sys.argv[1]])"
    )
    killed = subprocess.run([sys.executable, "-c", code, tmp_path], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len([file for file in tmp_path.rglob("*") if file.is_file()]) == 4, "it was killed in the middle"
    assert not (tmp_path / "acme-part").exists()
    package = create(tmp_path, "storage")
    assert (package / "tests" / "test_example.py").is_file()


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Path, content: bytes) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        create(tmp_path, "storage")
    assert list(tmp_path.iterdir()) == []


def test_others_can_read_the_package_as_the_user_chose(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        package = create(tmp_path, "storage")
    finally:
        os.umask(before)
    assert (package.stat().st_mode & 0o777, (package / "README.md").stat().st_mode & 0o777) == (0o755, 0o644)
