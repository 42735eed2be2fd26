"""The output of `alchemesh status` and `alchemesh mesh show`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.registry.records import AssetRecord, LineageRecord, PortRecord, ProductRecord
from alchemesh_platform.registry.store import Registry

FLIGHTS = "aviation/flights"
MANIFEST = "kind: DataProduct\nname: flights\ndomain: aviation\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A separate platform home, and a current folder without a product."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path / "home"


@pytest.fixture
def registry(home: Path) -> Iterator[Registry]:
    with Registry.open(f"sqlite:///{home / 'local' / 'registry.db'}") as opened:
        yield opened


def record_flights(registry: Registry) -> None:
    registry.write(
        [
            ProductRecord(
                environment="local",
                address=FLIGHTS,
                team="flight-data",
                owner="amelia@airport.example",
                version="1.2.0",
                lifecycle="stable",
            ),
            PortRecord(
                environment="local",
                address=f"{FLIGHTS}/flights-table",
                product=FLIGHTS,
                direction="output",
                storage="no-such-component",
                storage_type="columnar-table",
                models=("flight",),
                connections={"storage": {"kind": "files", "url": "file:///nowhere"}, "proxy": None},
            ),
            AssetRecord(
                environment="local",
                address=f"{FLIGHTS}/flights-table/flight",
                product=FLIGHTS,
                port=f"{FLIGHTS}/flights-table",
                model="flight",
                definition={},
            ),
            LineageRecord(
                environment="local",
                address=f"{FLIGHTS}/flights-table -> insight/punctuality/flights",
                product="insight/punctuality",
                source=f"{FLIGHTS}/flights-table",
                source_kind="output_port",
                target="insight/punctuality/flights",
            ),
        ]
    )
    begun = registry.start_deployment("local", FLIGHTS, "up", "amelia@laptop", version="1.2.0")
    registry.finish_deployment(begun.id, "succeeded", changes={"create": 9})


def product_folder(tmp_path: Path, manifest: str = MANIFEST) -> Path:
    folder = tmp_path / "flights-repo"
    folder.mkdir()
    (folder / "alchemesh.yaml").write_text(manifest)
    return folder


def test_empty_registry_has_a_hint_and_creates_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["status"]) == 0

    assert capsys.readouterr().out == (
        "nothing is deployed in local yet\n\n"
        "next: `alchemesh up` in the product's folder deploys it; `alchemesh init` writes one\n"
    )
    assert not home.exists()


def test_product_of_this_folder_that_was_never_deployed(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(product_folder(tmp_path))

    assert invoke(["status"]) == 0

    assert capsys.readouterr().out == (
        "aviation/flights  local  not deployed\n· never deployed\n\n"
        "next: `alchemesh up` in the product's folder deploys it\n"
    )


def test_product_is_found_by_this_folder_by_path_and_by_address(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record_flights(registry)
    folder = product_folder(tmp_path)
    reported = []
    for arguments in ([str(folder)], [str(folder / "alchemesh.yaml")], [FLIGHTS], ["-C", str(folder)]):
        assert invoke(["status", *arguments]) == 0
        reported.append(capsys.readouterr().out)
    monkeypatch.chdir(folder)
    assert invoke(["status"]) == 0
    reported.append(capsys.readouterr().out)

    assert reported[0].startswith("aviation/flights  local  1.2.0 stable  ? unknown\n")
    assert set(reported) == {reported[0]}


def test_manifest_with_problems_does_not_hide_deployed_resources(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record_flights(registry)
    folder = product_folder(tmp_path, f"{MANIFEST}nonsense: [1, 2\n")

    assert invoke(["status", str(folder)]) == 0
    assert "flights-table" in capsys.readouterr().out


def test_manifest_without_a_name_is_reported_at_its_line(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = product_folder(tmp_path, "kind: DataProduct\nmodels: {domain: a, name: b}\nname: [flights]\n")

    assert invoke(["status", str(folder)]) == 3
    assert "alchemesh.yaml:3" in capsys.readouterr().err


def test_address_without_a_deployment_names_the_closest(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    record_flights(registry)

    assert invoke(["status", "aviation/flight"]) == ExitCode.USAGE

    said = capsys.readouterr().err
    assert said.startswith("error: aviation/flight was never deployed in local\n")
    assert "did you mean 'aviation/flights'?" in said


def test_neither_path_nor_address_is_wrong_usage(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["status", "Flights!"]) == 2
    assert "'Flights!' is neither a folder with alchemesh.yaml nor an address" in capsys.readouterr().err


def test_all_products_are_listed_also_from_inside_of_one(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record_flights(registry)

    assert invoke(["status", "--all", "-C", str(product_folder(tmp_path))]) == 0

    assert capsys.readouterr().out == (
        "1 product  local\n\naviation/flights  1.2.0 stable  0 in, 1 out  1 asset  ✓ up succeeded just now\n"
    )


def test_history_and_lineage_come_with_the_product(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    record_flights(registry)

    assert invoke(["status", FLIGHTS, "--history", "--lineage"]) == 0

    reported = capsys.readouterr().out
    assert "\nhistory\n  ✓ " in reported
    assert "9 created" in reported
    assert (
        "\nlineage\n"
        "product  aviation/flights  1.2.0 stable\n"
        "└─ output  aviation/flights/flights-table  flight\n"
        "   └─ input  insight/punctuality/flights  (missing) ▶ insight/punctuality  (missing)\n"
    ) in reported


def test_json_holds_all_that_is_shown(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    record_flights(registry)

    assert invoke(["status", FLIGHTS, "--json", "--history", "--lineage"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert document["stands"] is True, "keys keep their names"
    assert document["address"] == FLIGHTS
    assert document["health"] == "unknown"
    assert document["outputs"][0]["assets"][0]["rows"] is None
    assert document["last_deployment"]["changes"] == {"create": 9}
    assert [entry["operation"] for entry in document["history"]] == ["up"]
    assert {
        "source": "output:aviation/flights/flights-table",
        "target": "input:insight/punctuality/flights",
        "stale": True,
    } in (document["lineage"]["edges"])


def test_json_of_all_and_of_nothing_have_one_shape(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema": "alchemesh/status/1",
        "environment": "local",
        "emulated": False,
        "products": [],
        "inbox": [],
    }

    with Registry.open(f"sqlite:///{home / 'local' / 'registry.db'}") as registry:
        record_flights(registry)
    assert invoke(["status", "--json"]) == 0
    (product,) = json.loads(capsys.readouterr().out)["products"]
    assert (product["address"], product["assets"]) == (FLIGHTS, 1)


def test_unreadable_registry_is_reported(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = home / "local" / "registry.db"
    registry.parent.mkdir(parents=True)
    registry.write_text("no database at all, only words and words and words")

    assert invoke(["status"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {registry} is not a registry")
    assert "\nhint: " in said


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("tree", "aviation\n└─ product  flights  1.2.0 stable  value unknown, maturity 0\n"),
        ("mermaid", "flowchart LR\n"),
        ("dot", "digraph lineage {\n"),
        ("json", '{\n  "schema": "alchemesh/mesh/1",\n  "environment": "local",\n'),
    ],
)
def test_mesh_is_drawn_in_every_format(
    registry: Registry, capsys: pytest.CaptureFixture[str], form: str, begins: str
) -> None:
    record_flights(registry)

    assert invoke(["mesh", "show", "--format", form]) == 0

    reported = capsys.readouterr().out
    assert reported.startswith(begins)
    assert "insight/punctuality" in reported


def test_empty_mesh_has_a_hint(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["mesh", "show"]) == 0
    assert capsys.readouterr().out.startswith("nothing is deployed in local yet\n")
    assert invoke(["mesh", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["nodes"] == []


@pytest.mark.slow
def test_status_imports_no_pulumi_and_no_migrations(registry: Registry) -> None:
    record_flights(registry)
    program = (
        "import sys\n"
        "from alchemesh_cli.main import invoke\n"
        f"assert invoke(['status', '{FLIGHTS}', '--lineage', '--history']) == 0\n"
        "found = {'pulumi', 'grpc', 'alembic', 'duckdb', 'deltalake'} & set(sys.modules)\n"
        "sys.exit(f'imported: {found}' if found else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
