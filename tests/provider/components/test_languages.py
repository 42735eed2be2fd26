"""A Delta table with its data API, deployed by programs in TypeScript and Go with generated SDKs and the engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.machine.servers.supervisor import shut_down
from alchemesh_platform.provider.catalog import HANDLERS, installed_components
from alchemesh_platform.provider.schema import package_schema_json
from tests.needs import need_languages

pytestmark = pytest.mark.engine

PLUGIN = "pulumi-resource-alchemesh"
PAGE = Path(__file__).parents[3] / "docs" / "other-languages.md"


@pytest.fixture(scope="module")
def programs() -> Path:
    """The folder of the built programs."""
    need_languages()
    from parts import languages

    return languages.prepare()


@dataclass
class Program:
    """A program that deploys into a folder.

    Args:
        command: The program.
        folder: The folder of its state, data and servers.
        engine: The engine.
        plugins: The folder where the engine finds the plugin.
    """

    command: list[str]
    folder: Path
    engine: Engine
    plugins: Path
    printed: str = field(default="", init=False)

    def run(self, operation: str, *, plugins: Path | None = None, **variables: str) -> Any:
        """The JSON that the program prints; None if it fails."""
        environ = {
            **os.environ,
            "PATH": os.pathsep.join([str(plugins or self.plugins), str(self.engine.path.parent), os.environ["PATH"]]),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "for tests",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_HOME": str(self.folder / "pulumi"),
            "ALCHEMESH_HOME": str(self.folder / "home"),
            **variables,
        }
        for name in ("state", "work"):
            (self.folder / name).mkdir(exist_ok=True)
        command = [*self.command, str(self.folder), operation]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        self.printed = done.stderr
        return json.loads(done.stdout) if done.returncode == 0 else None


@pytest.fixture(params=["typescript", "go"])
def program(request: pytest.FixtureRequest, programs: Path, tmp_path: Path, engine: Engine) -> Iterator[Program]:
    commands = {
        "typescript": ["node", str(programs / "typescript" / "program.js")],
        "go": [str(programs / "go-program")],
    }
    yield Program(commands[request.param], tmp_path, engine, plugin(tmp_path / "plugins"))
    shut_down(tmp_path / "run" / "retail" / "orders")


def plugin(folder: Path, first: str = "") -> Path:
    """A folder with the plugin, which runs some Python first."""
    folder.mkdir()
    file = folder / PLUGIN
    file.write_text(f"#!{sys.executable}\n{first}\nfrom alchemesh_platform.provider.main import main\nmain()\n")
    file.chmod(0o755)
    return folder


def answer(address: str, credential: Path) -> Any:
    """The rows that the data API returns to the owner."""
    login = json.loads(credential.read_text("utf-8"))
    token = b64encode(f"{login['user']}:{login['password']}".encode()).decode()
    request = urllib.request.Request(f"{address}/tables/order", headers={"Authorization": f"Basic {token}"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def test_a_program_deploys_a_delta_table_with_its_data_api(program: Program) -> None:
    up = program.run("up")
    assert up is not None, program.printed
    assert up["changes"] == {"create": 5}
    outputs = up["outputs"]
    table = DeltaTable(outputs["table"])
    assert {column.name for column in table.schema().fields} == {"order_id", "amount"}
    assert answer(outputs["rest"], Path(outputs["credentialFile"])) == []
    again = program.run("up")
    assert again == {"changes": {"same": 5}, "outputs": outputs}
    assert program.run("destroy") is not None, program.printed
    assert not Path(outputs["table"].removeprefix("file://")).exists()


def test_errors_of_the_plugin_reach_the_program(programs: Path, tmp_path: Path, engine: Engine) -> None:
    node = Program(
        ["node", str(programs / "typescript" / "program.js")], tmp_path, engine, plugin(tmp_path / "plugins")
    )
    assert node.run("preview", PARTITION_BY="region") is None
    assert "alchemesh:components:DeltaTable resource 'orders-table' has a problem" in node.printed
    assert (
        "property partitionBy with value '{region}' has a problem: found 'region', expected a property of a model of "
        "the port; allowed: amount, order_id" in node.printed
    )

    old = plugin(tmp_path / "old", "import alchemesh_platform\nalchemesh_platform.__version__ = '0.0.1'")
    assert node.run("preview", plugins=old) is None
    assert "and this plugin is older, 0.0.1: run `pip install 'alchemesh-platform>=" in node.printed

    killed = plugin(
        tmp_path / "killed",
        "import os\nfrom alchemesh_platform.provider.components.construct import Construction\n"
        "Construction.run = lambda self: os.kill(os.getpid(), 9)",
    )
    assert node.run("up", plugins=killed) is None
    assert f"{killed / PLUGIN} exited prematurely" in node.printed
    assert node.run("preview") is not None, node.printed


def test_a_project_file_names_the_folder_of_the_plugin(programs: Path, tmp_path: Path, engine: Engine) -> None:
    """With the project file of docs/other-languages.md: no plugin is in PATH."""
    empty = tmp_path / "empty"
    empty.mkdir()
    program = Program([str(programs / "go-program")], tmp_path, engine, empty)
    made = plugin(tmp_path / "venv")
    (tmp_path / "work").mkdir()
    [project] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "work" / "Pulumi.yaml").write_text(project.replace(".venv/bin", str(made)), "utf-8")
    environ = os.environ["PATH"].split(os.pathsep)
    paths = [path for path in environ if not Path(path, PLUGIN).exists()]
    assert program.run("preview", PATH=os.pathsep.join([str(engine.path.parent), *paths])) is not None, program.printed


def test_the_engines_code_generators_accept_the_whole_package(tmp_path: Path) -> None:
    need_languages()
    from parts import languages

    languages.generate(package_schema_json(HANDLERS, installed_components()), tmp_path)
    for language, ending in (("nodejs", "ts"), ("go", "go")):
        made = {file.stem for file in (tmp_path / language / "components").glob(f"*.{ending}")}
        assert {"deltaTable", "postgresqlServing", "gcpPlatform", "kafkaTopic"} <= made, language
