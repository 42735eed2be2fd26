"""The commands that look at files only: validate, plan, schema, init, components."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.base.failure import ExitCode
from tests.builtin import ROOT
from tests.commands import run_command
from tests.manifest.documents import written

SOURCES = [str(ROOT), *(str(ROOT / folder) for folder in ("components", "stacks", "cli"))]
HEAVY = (
    "apscheduler",
    "asyncio",
    "pulumi",
    "grpc",
    "sqlalchemy",
    "alembic",
    "duckdb",
    "deltalake",
    "pyarrow",
    "rich",
    "supervisor",
    "jsonschema",
    "pulumi_gcp",
    "pulumi_kafka",
    "boto3",
    "botocore",
    "requests",
    "google",
    "confluent_kafka",
    "nipyapi",
)
MINIMAL: dict[str, Any] = {
    "kind": "DataProduct",
    "name": "flights",
    "domain": "aviation",
    "team": "flight-data",
    "owner": "amelia@airport.example",
    "version": "1.2.0",
}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with the project and its entry points, also where this one does not have them."""
    import tomllib

    site = tmp_path_factory.mktemp("site")
    metadata = site / "alchemesh_platform-0.0.0.dist-info"
    metadata.mkdir()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0.0.0\n")
    groups = ("alchemesh.components", "alchemesh.systems")
    lines = [
        line
        for group in groups
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in project["entry-points"][group].items()))
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *SOURCES]), "ALCHEMESH_HOME": str(site / "home")}


@pytest.fixture
def alchemesh(installed: dict[str, str], tmp_path: Path) -> Any:
    """Runs the command line in a separate folder."""

    def run(*arguments: str, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        return run_command(arguments, cwd, installed)

    return run


A_KEY = {"type": "string", "key": True, "description": "Identifies a row."}  # violates no policy


def write(path: Path, **changes: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(written({**MINIMAL, **changes}))
    return path


# --- validate ---------------------------------------------------------------------------------------------------------


def test_manifest_without_problems(alchemesh: Any, tmp_path: Path) -> None:
    write(tmp_path / "alchemesh.yaml")
    done = alchemesh("validate")
    assert (done.returncode, done.stdout, done.stderr) == (0, "alchemesh.yaml: no problems\n", "")


def test_problems_are_reported_on_stderr_with_exit_code_3(alchemesh: Any, tmp_path: Path) -> None:
    write(tmp_path / "alchemesh.yaml", lifecycle="stabel", code={"component": "python-jop"})
    done = alchemesh("validate")
    assert (done.returncode, done.stdout) == (ExitCode.PROBLEMS, "")
    assert done.stderr == (
        "alchemesh.yaml:7:12  lifecycle: found 'stabel', expected one of development, discovery, stable, decommissioned"
        "\n\nhint: did you mean 'stable'?\n\n"
        "alchemesh.yaml:9:14  code.component: unknown component type 'python-jop', expected one for code"
        "\n\nhint: did you mean 'python-job'? `alchemesh components list` shows all\n\n"
        "2 problems\n"
    )


def test_problems_as_json(alchemesh: Any, tmp_path: Path) -> None:
    write(tmp_path / "alchemesh.yaml", lifecycle="stabel")
    done = alchemesh("validate", "--json")
    assert (done.returncode, done.stderr) == (ExitCode.PROBLEMS, "")
    assert json.loads(done.stdout) == {
        "schema": "alchemesh/validation/1",
        "files": ["alchemesh.yaml"],
        "problems": [
            {
                "file": "alchemesh.yaml",
                "line": 7,
                "column": 12,
                "path": "lifecycle",
                "message": "found 'stabel', expected one of development, discovery, stable, decommissioned",
                "hint": "did you mean 'stable'?",
                "severity": "error",
            }
        ],
        "not_evaluated": {},
    }


def test_warnings_are_reported_and_do_not_fail(alchemesh: Any, tmp_path: Path) -> None:
    write(tmp_path / "alchemesh.yaml", models={"flight": {"properties": {"a": A_KEY}}})
    done = alchemesh("validate")
    assert (done.returncode, done.stdout) == (0, "alchemesh.yaml: 1 warning, no errors\n")
    assert "models.flight: warning: no output port exposes this model" in done.stderr


def test_missing_manifest(alchemesh: Any) -> None:
    done = alchemesh("validate")
    assert done.returncode == ExitCode.PROBLEMS
    assert done.stderr.startswith("alchemesh.yaml:1:1  no such file\n\nhint: ")
    assert "`alchemesh init` writes one" in done.stderr


def test_manifests_below_a_folder_are_checked_together(alchemesh: Any, tmp_path: Path) -> None:
    def reads(product: str) -> list[dict[str, Any]]:
        return [{"name": "in", "from": {"data_product": product, "output_port": "out"}}]

    port = {"name": "out", "models": ["a"], "storage": {"component": "columnar-table"}}
    rest: dict[str, Any] = {"models": {"a": {"properties": {"b": A_KEY}}}, "output_ports": [port]}
    write(tmp_path / "mesh" / "one" / "alchemesh.yaml", name="one", input_ports=reads("aviation/two"), **rest)
    write(tmp_path / "mesh" / "two" / "alchemesh.yaml", name="two", input_ports=reads("aviation/one"), **rest)
    write(tmp_path / "mesh" / ".hidden" / "alchemesh.yaml", lifecycle="not looked at")
    done = alchemesh("validate", "mesh")
    assert done.returncode == ExitCode.PROBLEMS
    assert "mesh/two/alchemesh.yaml:" in done.stderr
    assert "aviation/one reads aviation/two reads aviation/one" in done.stderr
    assert done.stderr.endswith("1 problem\n")
    one = alchemesh("validate", "mesh/one", "mesh/one/alchemesh.yaml")
    assert (one.returncode, one.stdout) == (0, "mesh/one/alchemesh.yaml: no problems\n")


def test_overlays_are_checked(alchemesh: Any, tmp_path: Path) -> None:
    write(tmp_path / "alchemesh.yaml")
    (tmp_path / "alchemesh.prod.yaml").write_text("lifecycle: stabel\n")
    done = alchemesh("validate")
    assert done.returncode == ExitCode.PROBLEMS
    assert done.stderr.startswith("alchemesh.prod.yaml:1:12  lifecycle: found 'stabel'")
    assert alchemesh("validate", "-e", "local").returncode == 0


def test_a_named_environment_is_checked(alchemesh: Any, tmp_path: Path) -> None:
    write(tmp_path / "alchemesh.yaml", code={"component": "python-job", "args": {"entrypoint": "clean.py"}})
    (tmp_path / "clean.py").write_text("")
    assert alchemesh("validate").returncode == 0
    (tmp_path / "platform.yaml").write_text(
        "kind: Platform\nname: acme\nenvironments:\n  prod: {state: gs://x, registry: sqlite:///x, components: {}}\n"
    )
    done = alchemesh("validate", "-e", "prod")
    assert done.returncode == ExitCode.PROBLEMS
    assert "found 'python-job', which nothing implements in prod" in done.stderr
    done = alchemesh("validate", "-e", "pord")
    assert done.returncode == ExitCode.USAGE
    assert "did you mean 'prod'?" in done.stderr


def test_platform_file_is_checked(alchemesh: Any, tmp_path: Path) -> None:
    (tmp_path / "platform.yaml").write_text("kind: Platform\nname: acme\nenvironments:\n  prod: {extends: loca}\n")
    done = alchemesh("validate", "platform.yaml")
    assert done.returncode == ExitCode.PROBLEMS
    assert done.stderr.startswith("platform.yaml:4:19  environments.prod.extends: found 'loca'")


# --- plan -------------------------------------------------------------------------------------------------------------


def test_plan_shows_ports_components_and_assets(alchemesh: Any, tmp_path: Path) -> None:
    alchemesh("init", "shop")
    done = alchemesh("plan", cwd=tmp_path / "shop")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "retail/shop  local\n"
        "├─ input   sales        file-ingestion → local-files\n"
        "│  └─ from retail/shop\n"
        "├─ code                 python-job → local-python\n"
        "└─ output  sales-table  columnar-table → delta-table\n"
        "   ├─ asset retail/shop/sales-table/sale\n"
        "   ├─ data-api → postgresql-serving  sql, rest, graphql\n"
        "   └─ contract 0.1.0 draft, internal, notice 30 days\n"
        "\n"
        "4 components · 1 asset · next: alchemesh preview\n"
    )


def test_plan_as_json(alchemesh: Any, tmp_path: Path) -> None:
    alchemesh("init", "shop")
    done = alchemesh("plan", "-C", "shop", "--json")
    document = json.loads(done.stdout)
    assert document["outputs"][0]["assets"] == ["retail/shop/sales-table/sale"]
    assert document["problems"] == []


def test_plan_with_problems(alchemesh: Any, tmp_path: Path) -> None:
    write(tmp_path / "alchemesh.yaml", lifecycle="stabel")
    (tmp_path / "platform.yaml").write_text("kind: Platform\nname: acme\n")
    done = alchemesh("plan")
    assert (done.returncode, done.stdout) == (ExitCode.PROBLEMS, "")
    assert "found 'stabel'" in done.stderr
    assert "platform.yaml:1:1  environments: found nothing" in done.stderr
    done = alchemesh("plan", "--json")
    assert (done.returncode, done.stderr) == (ExitCode.PROBLEMS, "")
    assert len(json.loads(done.stdout)["problems"]) == 2


@pytest.mark.parametrize("command", ["up", "preview", "refresh", "destroy", "env"])
def test_every_command_reports_the_problems_of_a_manifest_as_json(alchemesh: Any, tmp_path: Path, command: str) -> None:
    """`up --json` once printed nothing on stdout when the manifest had problems."""
    write(tmp_path / "alchemesh.yaml", lifecycle="stabel")
    confirmed = ["--yes"] if command in {"up", "destroy"} else []
    done = alchemesh(command, *confirmed, "--json")
    assert done.returncode == ExitCode.PROBLEMS
    assert [(problem["path"], problem["line"]) for problem in json.loads(done.stdout)["problems"]] == [("lifecycle", 7)]
    assert "alchemesh.yaml:7:12  lifecycle: found 'stabel'" in done.stderr


# --- init and schema --------------------------------------------------------------------------------------------------


def test_init_writes_a_product_without_problems(alchemesh: Any, tmp_path: Path) -> None:
    done = alchemesh("init", "My Shop", "--domain", "retail")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("My Shop/alchemesh.yaml: data product retail/my-shop\n")
    assert alchemesh("validate", "-e", "local", cwd=tmp_path / "My Shop").returncode == 0
    schema = json.loads((tmp_path / "My Shop" / ".alchemesh" / "schema.json").read_text())
    assert "local-files-args" in schema["$defs"]


def test_init_overwrites_nothing(alchemesh: Any, tmp_path: Path) -> None:
    (tmp_path / "clean.py").write_text("mine")
    (tmp_path / ".gitignore").write_text("mine")
    done = alchemesh("init")
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.startswith("error: clean.py: already exists, and is not overwritten")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitignore", "clean.py"]
    (tmp_path / "clean.py").unlink()
    assert alchemesh("init").returncode == 0
    assert (tmp_path / ".gitignore").read_text() == "mine"


def test_init_refuses_an_invalid_name(alchemesh: Any, tmp_path: Path) -> None:
    done = alchemesh("init", "--name", "My_Shop")
    assert done.returncode == ExitCode.USAGE
    assert "--name: found 'My_Shop', expected a name in kebab case" in done.stderr
    assert "did you mean 'my-shop'?" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_init_reports_a_folder_that_it_cannot_write_to(alchemesh: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = alchemesh("init", "file/shop")
    assert done.returncode == ExitCode.FAILED
    assert "file/shop/alchemesh.yaml cannot be written: Not a directory" in done.stderr


def test_schema_is_printed_or_written(alchemesh: Any, tmp_path: Path) -> None:
    printed = alchemesh("schema")
    written_to = alchemesh("schema", "--output", "here/schema.json")
    assert (written_to.returncode, written_to.stdout) == (0, "")
    assert json.loads(printed.stdout) == json.loads((tmp_path / "here" / "schema.json").read_text())


# --- components -------------------------------------------------------------------------------------------------------


def test_components_are_listed(alchemesh: Any) -> None:
    lines = alchemesh("components", "list").stdout.splitlines()
    assert lines[0].split() == ["COMPONENT", "TYPE", "COMPONENT", "VERSION", "ROLES", "MATURITY", "SUMMARY"]
    assert any(line.startswith("columnar-table") and "delta-table" in line for line in lines)
    listed = json.loads(alchemesh("components", "list", "--json").stdout)
    assert {"name": "postgresql-serving", "protocols": ["sql", "rest", "graphql"]}.items() <= next(
        one for one in listed if one["name"] == "postgresql-serving"
    ).items()


def test_a_broken_component_is_reported_and_the_others_are_listed(
    alchemesh: Any, installed: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = tmp_path / "site" / "acme-1.0.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0.0\n")
    (metadata / "entry_points.txt").write_text("[alchemesh.components]\nacme-files = acme_gone:SPEC\n")
    monkeypatch.setitem(installed, "PYTHONPATH", f"{tmp_path / 'site'}{os.pathsep}{installed['PYTHONPATH']}")
    done = alchemesh("components", "list")
    assert "delta-table" in done.stdout
    assert "error: component 'acme-files' of package acme (acme_gone:SPEC) cannot be loaded" in done.stderr
    assert done.returncode == 0


def test_a_component_shows_its_arguments_settings_and_outputs(alchemesh: Any) -> None:
    page = alchemesh("components", "show", "delta-table").stdout
    assert page.startswith("delta-table 1.0.0  beta\n")
    for words in ("implements  columnar-table", "partition_by", "local.root", "Outputs, passed to the product's code"):
        assert words in page
    document = json.loads(alchemesh("components", "show", "delta-table", "--json").stdout)
    assert "partition_by" in document["args"]["properties"]


def test_a_component_type_shows_everything_that_implements_it(alchemesh: Any) -> None:
    page = alchemesh("components", "show", "columnar-table").stdout
    assert "bigquery-table 1.0.0  beta\n" in page
    assert "delta-table 1.0.0  beta\n" in page


def test_unknown_component_names_the_closest(alchemesh: Any) -> None:
    done = alchemesh("components", "show", "delta-tabel")
    assert done.returncode == ExitCode.USAGE
    assert "did you mean 'delta-table'?" in done.stderr


# --- imported modules -------------------------------------------------------------------------------------------------

IMPORTS = """
import json, sys
from alchemesh_cli.main import invoke
code = invoke(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    json.dump([int(code), sorted({name.partition(".")[0] for name in sys.modules})], file)
"""


def imported(installed: dict[str, str], folder: Path, *arguments: str) -> set[str]:
    report = folder / "imported.json"
    command = [sys.executable, "-c", IMPORTS, str(report), *arguments]
    subprocess.run(command, cwd=folder, env=installed, check=True, capture_output=True)
    code, modules = json.loads(report.read_text())
    assert code == 0
    return set(modules)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["components", "list"], ["components", "list", "--json"], ["validate", "--help"]]
)
def test_listing_imports_neither_pydantic_nor_yaml(
    installed: dict[str, str], tmp_path: Path, arguments: list[str]
) -> None:
    assert imported(installed, tmp_path, *arguments).isdisjoint({*HEAVY, "pydantic", "pydantic_core", "yaml"})


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [["validate"], ["validate", "-e", "local"], ["plan"], ["components", "show", "postgresql-serving"], ["schema"]],
)
def test_checking_files_imports_nothing_heavy(installed: dict[str, str], tmp_path: Path, arguments: list[str]) -> None:
    write(
        tmp_path / "alchemesh.yaml",
        code={"component": "python-job", "args": {"entrypoint": "clean.py", "schedule": "15 5 * * *"}},
    )
    (tmp_path / "clean.py").write_text("")
    assert imported(installed, tmp_path, *arguments).isdisjoint(HEAVY)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["validate", "plan"])
def test_checking_a_product_on_google_cloud_imports_no_sdk(
    installed: dict[str, str], tmp_path: Path, command: str
) -> None:
    where = ["-e", "prod", "--platform", str(ROOT / "platforms" / "gcp.yaml")]
    product = ROOT / "examples" / "departures"
    which = [str(product)] if command == "validate" else ["-C", str(product)]
    assert imported(installed, tmp_path, command, *which, *where).isdisjoint(HEAVY)
