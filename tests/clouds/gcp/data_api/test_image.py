"""The image of the data API: what its Dockerfile says is what the emulation and the component run."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from alchemesh_platform.clouds.gcp.data_api import image
from alchemesh_platform.clouds.gcp.data_api.instance import Instance, InstanceConfiguration
from alchemesh_platform.clouds.gcp.emulation.servers.container import container_command
from alchemesh_platform.systems.local.data_api.programs import find_program
from tests.builtin import ROOT

DOCKERFILE = (image.FOLDER / "Dockerfile").read_text("utf-8")
REQUIREMENTS = image.FOLDER / "requirements.txt"
LINUX = {"sys_platform": "linux", "python_version": "3.13", "python_full_version": "3.13.5"}
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", re.MULTILINE)


def arguments(instruction: str) -> list[str]:
    """The arguments of each instruction of a name."""
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"(?m)^#.*\n", "", DOCKERFILE))
    return [line.split(" ", 1)[1].strip() for line in joined.splitlines() if line.startswith(f"{instruction} ")]


def test_the_entry_point_is_the_one_that_the_emulation_runs(tmp_path: Path) -> None:
    (entry,) = arguments("ENTRYPOINT")
    assert tuple(json.loads(entry)) == image.ENTRYPOINT
    assert arguments("CMD") == []
    if find_program("bwrap") is not None:
        command = container_command({"PORT": "8080"}, tmp_path)
        assert tuple(command[-len(image.ENTRYPOINT) :]) == (sys.executable, *image.ENTRYPOINT[1:])


def test_user_folders_and_variables_are_those_of_the_emulation(tmp_path: Path) -> None:
    assert arguments("USER") == [image.ACCOUNT]
    (account,) = (line for line in arguments("RUN") if "useradd" in line)
    assert f"--uid {image.ACCOUNT_NUMBER}" in account
    assert f"--home-dir {image.HOME}" in account
    assert f"install -d -o {image.ACCOUNT} -m 0700 {image.DATA_FOLDER}" in account
    (given,) = arguments("ENV")
    assert dict(part.split("=", 1) for part in given.split()) == image.VARIABLES
    if find_program("bwrap") is not None:
        command = container_command({}, tmp_path)
        at = command.index("--uid")
        assert command[at : at + 4] == ["--uid", str(image.ACCOUNT_NUMBER), "--gid", str(image.ACCOUNT_NUMBER)]
        shown = {command[at + 1]: command[at + 2] for at, part in enumerate(command) if part == "--setenv"}
        assert shown.items() >= image.VARIABLES.items()
        written = {command[at + 1] for at, part in enumerate(command) if part == "--tmpfs"}
        assert image.DATA_FOLDER in written
        assert ["--bind", str(tmp_path / "home"), image.HOME] == command[command.index("--bind") :][:3]


def test_copied_files_are_the_lock_file_and_the_wheel() -> None:
    copied = [part for line in arguments("COPY") for part in line.split()[:-1]]
    assert copied == ["requirements.txt", "alchemesh_platform-*.whl"]
    assert REQUIREMENTS.is_file()
    (base,) = arguments("FROM")
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base), "the version is pinned"
    installs = [line for line in arguments("RUN") if "pip install" in line]
    assert any("--require-hashes" in line and "requirements.txt" in line for line in installs)
    assert any("--no-deps" in line and ".whl" in line for line in installs)


def test_the_lock_file_pins_all_packages_in_the_versions_of_the_tests() -> None:
    locked = {canonicalize_name(name): version for name, version in PINNED.findall(REQUIREMENTS.read_text("utf-8"))}
    tested = {
        canonicalize_name(name): version
        for name, version in PINNED.findall((ROOT / "requirements" / "dev.txt").read_text("utf-8"))
    }
    only_here = {"google-cloud-bigquery-storage"}  # the emulator is read by pages of JSON
    named = [
        Requirement(line) for line in REQUIREMENTS.with_suffix(".in").read_text("utf-8").splitlines() if line[0] != "#"
    ]
    assert set(locked) == closure(named)
    assert {name: tested.get(name) for name in set(locked) - only_here} == {
        name: version for name, version in locked.items() if name not in only_here
    }
    assert REQUIREMENTS.read_text("utf-8").count("--hash=sha256:") >= len(locked)


def closure(waiting: list[Requirement]) -> set[str]:
    """All packages that packages need in the image, by what the installed ones say."""
    found: dict[str, set[str]] = {}
    while waiting:
        needed = waiting.pop()
        name = canonicalize_name(needed.name)
        if name in found and needed.extras <= found[name]:
            continue
        found.setdefault(name, set()).update(needed.extras)
        try:
            requires = importlib.metadata.requires(name) or ()
        except importlib.metadata.PackageNotFoundError:
            continue
        for each in map(Requirement, requires):
            places = [{**LINUX, "extra": extra} for extra in (*found[name], "")]
            if each.marker is None or any(each.marker.evaluate(place) for place in places):
                waiting.append(each)
    return set(found)


def test_the_modules_of_an_instance_import_only_locked_packages() -> None:
    """A container has no other package: an import that only a developer's machine has would end it."""
    locked = {canonicalize_name(name) for name, _ in PINNED.findall(REQUIREMENTS.read_text("utf-8"))}
    modules = importlib.metadata.packages_distributions()
    folders = ("clouds/gcp/data_api", "systems/local/data_api/http", "systems/local/data_api/serving")
    own = {file for folder in folders for file in (ROOT / "alchemesh_platform" / folder).rglob("*.py")}
    missing = {
        (name, file.name)
        for file in own | loaded()
        for name in imported(file, everywhere=file in own)
        if not {canonicalize_name(owner) for owner in modules.get(name, ())} & locked
    }
    assert missing == LOCAL_ONLY


def loaded() -> set[Path]:
    """The modules of the platform that the programs of an instance load at their start."""
    parts = ("clouds.gcp.data_api.instance", "clouds.gcp.data_api.web", "systems.local.data_api.serving.postgres")
    names = ", ".join(f"alchemesh_platform.{part}" for part in (*parts, "systems.local.data_api.http.app"))
    show = "[m.__file__ for n, m in sys.modules.items() if n.startswith('alchemesh_platform')]"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, json, {names}; print(json.dumps({show}))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {Path(file) for file in json.loads(done.stdout)}


def imported(file: Path, *, everywhere: bool) -> set[str]:
    """The packages of others that a module imports: everywhere, or when it is loaded."""
    tree = ast.parse(file.read_text("utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    tops = {name.partition(".")[0] for name in names}
    return tops - sys.stdlib_module_names - {"alchemesh_platform", "google", ""}


# A table in a folder of this machine is not served on Cloud Run.
LOCAL_ONLY = {("deltalake", "source.py"), ("deltalake", "arrow.py")}


@pytest.mark.parametrize(
    ("memory", "tables", "gigabytes"),
    [(2048, 1, 0.312), (2048, 3, 0.156), (8192, 1, 1.464), (32768, 5, 2.024)],
)
def test_all_tables_fit_into_the_memory_while_one_is_loaded_again(memory: int, tables: int, gigabytes: float) -> None:
    """With a limit for each table alone, several tables ended the instance for want of memory."""
    table = {"table": "a.b.c", "columns": ["id"]}
    configuration = InstanceConfiguration.model_validate(
        {
            "title": "t",
            "tables": [{"name": f"t{n}", **table} for n in range(tables)],
            "refresh_seconds": 60,
            "memory_megabytes": memory,
        }
    )
    limits = Instance(configuration).limits
    assert limits.max_gigabytes == gigabytes
    assert limits.memory_megabytes + 2 * limits.max_gigabytes * 1000 * (tables + 1) + 384 <= memory


@pytest.mark.parametrize(
    ("name", "former"),
    [
        ("europe-west1-docker.pkg.dev/acme/mirror/roapi/roapi:v0.12.7", True),
        ("europe-west1-docker.pkg.dev/acme/mirror/roapi:0.12.8", True),
        ("ghcr.io/roapi/roapi@sha256:0a", True),
        ("europe-west1-docker.pkg.dev/acme/products/alchemesh.platform/data-api:0.1.0", False),
        ("europe-west1-docker.pkg.dev/acme/roapi/data-api:1", False),
    ],
)
def test_images_of_roapi_are_known_by_their_name(name: str, former: bool) -> None:
    assert image.is_former(name) is former
