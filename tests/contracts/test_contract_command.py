"""`alchemesh contract` with a manifest, a separate registry and exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from alchemesh_cli.contract.notices import WHATS
from alchemesh_cli.main import COMMANDS, invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.contracts.notices.period import NOTICES
from alchemesh_platform.contracts.versions import keep_version
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.records import ContractRecord, GrantRecord
from alchemesh_platform.registry.store import Registry
from tests.contracts.product import MANIFEST, record


class Folder:
    """A product's folder with its own platform home, and the output of a command in it."""

    def __init__(self, folder: Path, home: Path, captured: pytest.CaptureFixture[str]) -> None:
        self.folder, self.home, self.captured = folder, home, captured
        self.manifest = folder / "alchemesh.yaml"
        self.manifest.write_text(MANIFEST, "utf-8")

    def edit(self, old: str, new: str) -> None:
        text = self.manifest.read_text("utf-8")
        assert old in text
        self.manifest.write_text(text.replace(old, new), "utf-8")

    def deploy(self) -> None:
        """Record the current manifest, as a deployment does."""
        platform = load_platform(None, "local", self.home)
        with Registry.open(platform.registry) as registry:
            record(registry, load_manifest(self.manifest).product, "local")
            for contract in registry.all(ContractRecord, "local"):
                keep_version(registry, contract)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code = invoke(["contract", *arguments])
        said = self.captured.readouterr()
        return code, said.out, said.err

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json")[1])


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Folder:
    folder, home = tmp_path / "repo", tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ALCHEMESH_HOME", str(home))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setitem(COMMANDS, "contract", "Show, compare, export and import contracts of output ports.")
    return Folder(folder, home, capsys)


def test_show_prints_the_promise_of_each_port(product: Folder) -> None:
    code, out, err = product.run("show")
    assert (code, err) == (0, "")
    assert (
        out
        == """\
aviation/flights/flights-table  local  2.0.0 active
not recorded in local yet

  access          internal
  service levels  none
  usage           Analytics inside the company.
  billing         0.40 EUR per 1000 requests (per_use)
  notice period   90 days
  protocols       sql, rest
  models          flight  3 properties
                  airline  1 property
  tests           enough  rowCount of flight  mustBeGreaterThan 100
                  few-empty  nullValues of flight.seats  mustBeLessThan 5

aviation/flights/raw-files  local  no contract
not recorded in local yet

  protocols       object-storage
  models          flight  3 properties
"""
    )


def test_show_names_the_recorded_version_where_it_differs(product: Folder) -> None:
    product.deploy()
    assert "recorded" not in product.run("show", "flights-table")[1]
    product.edit("version: 2.0.0", "version: 2.1.0")
    assert "recorded in local: 2.0.0 active" in product.run("show", "flights-table")[1]


def test_show_of_an_address_reads_the_registry_and_needs_no_manifest(product: Folder) -> None:
    product.deploy()
    product.manifest.unlink()
    document = product.json("show", "aviation/flights/flights-table")
    [port] = document["ports"]
    assert (port["port"], port["contract"]["version"]) == ("aviation/flights/flights-table", "2.0.0")
    assert list(port["models"]) == ["flight", "airline"]
    assert port["protocols"] == ["sql", "rest"]


def test_diff_against_an_equal_record_is_empty(product: Folder) -> None:
    product.deploy()
    code, out, err = product.run("diff")
    assert (code, err) == (0, "")
    assert out.count("nothing changed") == 2


def test_diff_without_a_registry_shows_added_ports_and_creates_no_registry(product: Folder) -> None:
    code, out, err = product.run("diff", "flights-table")
    assert code == ExitCode.UNRECORDED
    assert err == "\nnothing recorded to compare with: local has no contract of aviation/flights\n"
    assert "no port → 2.0.0 active" in out
    assert not product.home.exists()


def test_diff_groups_changes_by_kind_and_exits_with_4_if_the_version_is_too_low(product: Folder) -> None:
    product.deploy()
    product.edit(
        "carrier: {type: string, enum: [AA, ", "carrier: {type: string, description: Who flies., enum: [AA, B6, "
    )
    product.edit("protocols: [sql, rest]", "protocols: [sql, rest, graphql]")
    product.edit("version: 2.0.0", "version: 2.1.0")
    code, out, err = product.run("diff", "flights-table")
    assert code == ExitCode.FORBIDDEN
    assert (
        out
        == """\
aviation/flights/flights-table  local  2.0.0 active → 2.1.0 active

  breaking
  + models.flight.properties.carrier.enum         consumers can now get 'B6'

  compatible
  + protocols.graphql                             consumers can also use this protocol

  documentation
  + models.flight.properties.carrier.description  'Who flies.', previously empty

  while consumers hold grants, the breaking change waits for the notice period of 90 days: \
`alchemesh contract notice flights-table breaking-change`
"""
    )
    line = next(n for n, text in enumerate(product.manifest.read_text().splitlines(), 1) if "version: 2.1.0" in text)
    assert err.startswith(
        f"\nalchemesh.yaml:{line}:16  output_ports[0].contract.version: found 2.1.0, expected 3.0.0 or higher: "
        "a breaking change needs a new major version\n\nhint: write `version: 3.0.0`. "
    )


def test_diff_of_a_breaking_change_with_its_major_version_passes(product: Folder) -> None:
    product.deploy()
    product.edit("protocols: [sql, rest]", "protocols: [sql]")
    product.edit("version: 2.0.0", "version: 3.0.0")
    document = product.json("diff")
    first, second = document["ports"]
    assert (first["kind"], first["findings"], second["kind"]) == ("breaking", [], None)
    assert first["notice"] == {"what": "breaking-change", "period": "90d"}
    assert product.run("diff")[0] == 0


def test_the_command_that_gives_notice_names_the_folder_of_the_product(
    product: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command takes the name of a port, which needs the folder of the product."""
    product.deploy()
    product.edit("protocols: [sql, rest]", "protocols: [sql]")
    product.edit("version: 2.0.0", "version: 3.0.0")
    monkeypatch.chdir(product.folder.parent)
    out = product.run("diff", "flights-table", "-C", "repo")[1]
    assert out.endswith(": `alchemesh contract notice flights-table breaking-change -C repo`\n")


def test_diff_of_a_warning_only_passes(product: Folder) -> None:
    product.deploy()
    product.edit("description: Flights and airlines.", "description: Flights.")
    product.edit("seats: {type: integer, ", "seats: {type: integer, description: How many., ")
    code, out, err = product.run("diff", "flights-table")
    assert code == 0
    assert "documentation" in out
    assert "warning: found 2.0.0 again, expected 2.0.1 or higher" in err


def test_diff_shows_a_removed_port(product: Folder) -> None:
    product.deploy()
    text = product.manifest.read_text("utf-8")
    start, end = text.index("  - name: flights-table"), text.index("  - name: raw-files")
    product.manifest.write_text(text[:start] + text[end:], "utf-8")
    code, out, _ = product.run("diff", "flights-table")
    assert code == 0
    assert "2.0.0 active → no port" in out
    assert "the removal of the port waits for the notice period of 90 days" in out


def test_diff_in_json_has_every_change(product: Folder) -> None:
    product.deploy()
    product.edit("access: internal", "access: restricted")
    code = invoke(["contract", "diff", "flights-table", "--json"])
    document = json.loads(product.captured.readouterr().out)
    assert code == ExitCode.FORBIDDEN
    [port] = document["ports"]
    assert port["recorded"] == port["declared"] == {"version": "2.0.0", "lifecycle": "active"}
    assert port["changes"] == [
        {"path": "contract.access", "kind": "breaking", "change": "changed", "message": "restricted, was internal"}
    ]
    assert [(finding["rule"], finding["severity"]) for finding in port["findings"]] == [("version", "error")]


def test_a_change_that_waits_for_consumers_is_a_warning_with_fields_and_fails_with_strict(product: Folder) -> None:
    """`contract diff` named no consumer and no date, and left with 0 while `up` would refuse."""
    product.deploy()
    consumer = "data_product:operations/punctuality"
    with Registry.open(load_platform(None, "local", product.home).registry) as registry:
        registry.put(
            GrantRecord(
                environment="local",
                address="req-0badcafe",
                product="aviation/flights",
                port="aviation/flights/flights-table",
                requester_kind="data_product",
                requester="operations/punctuality",
            )
        )
    product.edit("version: 2.0.0", "version: 3.0.0")
    product.edit("access: internal", "access: restricted")
    code, _, err = product.run("diff", "flights-table")
    assert code == 0
    assert f"warning: aviation/flights/flights-table: the breaking change waits for {consumer}" in err
    document = product.json("diff", "flights-table")
    [port] = document["ports"]
    assert port["consumers"] == port["held"]["consumers"] == [consumer]
    assert port["held"]["what"] == "breaking-change"
    assert datetime.fromisoformat(port["held"]["passes_at"]) > datetime.now(UTC) + timedelta(days=89)
    assert [problem["severity"] for problem in document["problems"]] == ["warning"]
    code, _, err = product.run("diff", "flights-table", "--strict")
    assert code == ExitCode.FORBIDDEN
    assert "warning" not in err


@pytest.mark.parametrize("command", ["show", "diff", "export"])
def test_an_unknown_port_names_the_closest(product: Folder, command: str) -> None:
    code, _, err = product.run(command, "flight-table")
    assert code == ExitCode.USAGE
    assert "did you mean 'flights-table'?" in err


def test_an_unknown_address_is_reported(product: Folder) -> None:
    code, _, err = product.run("show", "aviation/flights/flights-table")
    assert code == ExitCode.USAGE
    assert "no output port 'flights-table' of aviation/flights as recorded in local" in err
    assert product.run("show", "aviation/flights")[0] == ExitCode.USAGE


def test_an_export_is_imported_unchanged(product: Folder) -> None:
    code, out, err = product.run("export", "flights-table", "--output", "flights.odcs.yaml")
    assert (code, out, err) == (0, "", "wrote flights.odcs.yaml\n")
    code, out, err = product.run("import", "flights.odcs.yaml")
    assert (code, err) == (0, "")
    head, piece = MANIFEST.partition("models:")[0], out
    declared = load_manifest(product.manifest).product
    product.manifest.write_text(head + piece, "utf-8")
    back = load_manifest(product.manifest).product
    assert back.models == declared.models
    assert back.output_ports[0] == declared.output_ports[0]


def test_export_writes_to_stdout_and_reads_the_registry_for_an_address(product: Folder) -> None:
    product.deploy()
    product.edit("version: 2.0.0", "version: 2.1.0")
    declared = yaml.safe_load(product.run("export", "flights-table")[1])
    recorded = yaml.safe_load(product.run("export", "aviation/flights/flights-table")[1])
    assert (declared["version"], recorded["version"]) == ("2.1.0", "2.0.0")
    assert recorded["team"] == {
        "name": "flight-data",
        "members": [{"username": "amelia@airport.example", "role": "owner"}],
    }
    assert list(declared)[:4] == ["apiVersion", "kind", "id", "name"]


def test_export_of_a_port_without_a_contract_is_refused(product: Folder) -> None:
    code, _, err = product.run("export", "raw-files")
    assert code == ExitCode.PROBLEMS
    assert "aviation/flights/raw-files has no contract to export" in err


def test_export_to_an_unwritable_path_reports_the_reason(product: Folder) -> None:
    code, _, err = product.run("export", "flights-table", "-o", "missing/flights.odcs.yaml")
    assert code == ExitCode.FAILED
    assert "cannot write missing/flights.odcs.yaml: No such file or directory" in err


def test_import_reports_omissions_and_prints_the_rest(product: Folder) -> None:
    product.run("export", "flights-table", "-o", "flights.odcs.yaml")
    text = Path("flights.odcs.yaml").read_text("utf-8")
    Path("flights.odcs.yaml").write_text(f"tenant: airport\n{text}", "utf-8")
    code, out, err = product.run("import", "flights.odcs.yaml")
    assert code == 0
    assert "flights-table" in out
    assert err == (
        "flights.odcs.yaml:1:9  tenant: warning: found tenant, for which a manifest has no place: left out\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "no such file"),
        ("", "the file is empty"),
        ("kind: DataProduct\n", "expected DataContract"),
        ("kind: DataContract\napiVersion: v3.2.0\nid: &a x\nname: *a\n", "found the alias"),
    ],
)
def test_import_of_something_else_is_refused_at_its_line(product: Folder, text: str | None, expected: str) -> None:
    if text is not None:
        Path("some.yaml").write_text(text, "utf-8")
    code, out, err = product.run("import", "some.yaml")
    assert (code, out) == (ExitCode.PROBLEMS, "")
    assert err.startswith("some.yaml:") and expected in err


def test_problems_of_a_manifest_are_reported_with_their_lines(product: Folder) -> None:
    product.edit("access: internal", "access: secret")
    code, _, err = product.run("diff")
    assert code == ExitCode.PROBLEMS
    assert "output_ports[0].contract.access" in err


@pytest.mark.slow
def test_no_subcommand_needs_the_engine_or_a_cloud(product: Folder) -> None:
    product.deploy()
    script = (
        "import sys\nfrom alchemesh_cli.commands.contract import command\n"
        "command(['diff'], standalone_mode=False)\n"
        "command(['export', 'flights-table', '-o', 'out.yaml'], standalone_mode=False)\n"
        "command(['import', 'out.yaml'], standalone_mode=False)\n"
        "print([name for name in ('pulumi', 'grpc', 'duckdb', 'deltalake') if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


def versions_of(product: Folder, *versions: str) -> None:
    """Deploy some versions one after the other."""
    for version in versions:
        text = product.manifest.read_text("utf-8")
        product.manifest.write_text(re.sub(r"      version: .*", f"      version: {version}", text), "utf-8")
        product.deploy()


def test_show_lists_versions_and_notices(product: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCHEMESH_USER", "amelia@airport.example")
    versions_of(product, "2.0.0", "2.1.0")
    assert product.run("notice", "flights-table", "removal", "--message", "use flights-stream")[0] == 0
    out = product.run("show", "flights-table")[1]
    assert "  versions        2.1.0  active\n                  2.0.0  was active" in out
    assert "  notice          the removal of the port of version 2.1.0 may happen from " in out
    [port] = product.json("show", "flights-table")["ports"]
    assert port["versions"] == [
        {"version": "2.1.0", "lifecycle": "active", "current": True},
        {"version": "2.0.0", "lifecycle": "active", "current": False},
    ]
    assert [notice["message"] for notice in port["notices"]] == ["use flights-stream"]


def test_diff_against_a_stored_version(product: Folder) -> None:
    versions_of(product, "2.0.0")
    product.edit("protocols: [sql, rest]", "protocols: [sql]")
    versions_of(product, "3.0.0", "3.1.0")
    code, out, _ = product.run("diff", "flights-table", "--against", "2.0.0")
    assert code == 0
    assert "2.0.0 active → 3.1.0 active" in out
    assert "- protocols.rest" in out
    code, _, err = product.run("diff", "flights-table", "--against", "2.0.1")
    assert code == ExitCode.USAGE
    assert "aviation/flights/flights-table has no recorded version 2.0.1" in err
    assert "did you mean '2.0.0'" in err
    assert product.run("diff", "--against", "2.0.0")[0] == ExitCode.USAGE


def test_a_notice_is_given_listed_and_withdrawn(product: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCHEMESH_USER", "amelia@airport.example")
    product.deploy()
    code, out, _ = product.run("notice", "flights-table", "breaking-change")
    assert code == 0
    assert "the breaking change of version 2.0.0 may happen from " in out
    assert "no consumer holds a grant" in out
    repeated = product.run("notice", "aviation/flights/flights-table", "breaking-change")
    assert repeated[0] == 0
    assert "this notice is in force already: given " in repeated[1]
    assert product.json("notice", "flights-table", "breaking-change")["new"] is False
    assert "by amelia@airport.example" in product.run("notices")[1]
    assert [reported["what"] for reported in product.json("notices", "flights-table")["notices"]] == ["breaking-change"]
    assert product.run("notice", "flights-table", "breaking-change", "--withdraw")[0] == 0
    assert product.run("notices")[1] == "no notice is in force in local\n"
    assert product.run("notice", "flights-table", "removal", "--withdraw")[0] == ExitCode.FAILED


def test_a_notice_for_an_unknown_port_names_the_closest(product: Folder) -> None:
    assert "is declared, and not deployed in local" in product.run("notice", "flights-table", "removal")[2]
    product.deploy()
    code, _, err = product.run("notice", "flight-table", "removal")
    assert (code, "did you mean 'flights-table'?" in err) == (ExitCode.USAGE, True)
    code, _, err = product.run("notice", "aviation/flights/flight-table", "removal")
    assert (code, "did you mean 'flights-table'?" in err) == (ExitCode.USAGE, True)
    assert product.run("notice", "flights-table", "holiday")[0] == ExitCode.USAGE
    assert product.run("notice", "flights-table", "removal", "--withdraw", "--message", "x")[0] == ExitCode.USAGE


def test_a_notice_from_another_team_is_refused(product: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCHEMESH_USER", "wilbur@airport.example")
    product.deploy()
    code, _, err = product.run("notice", "flights-table", "removal")
    assert code == ExitCode.FORBIDDEN
    assert "wilbur@airport.example may not give or take back notice: that is for amelia@airport.example" in err
    assert product.json("notices")["notices"] == []


def test_the_choices_of_the_command_match_the_rules() -> None:
    assert WHATS == NOTICES
