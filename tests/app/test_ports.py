"""Schemas of input ports: proposed from all files, and written into the manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.app.manifest.ports import NoProposal, SchemaNotWritten, infer_schema, write_schema
from alchemesh_platform.app.where import Where
from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.manifest.load import load_manifest

MANIFEST = """\
kind: DataProduct
name: sales
domain: retail
team: retail-team
owner: owner@company.example
version: 0.1.0
source_systems: [shop]
input_ports:
  # what the tills send
  - name: sales   # every hour
    from: {source_system: shop}
    component: file-ingestion
    args: {path: "data/*.csv", format: csv}   # two shops
  - {name: flow, from: {source_system: shop}, component: file-ingestion, args: {path: "data/*.csv", format: csv}}
"""
PROPOSED = {
    "id": {"type": "string", "required": True},
    "zip_code": {"type": "string", "required": True, "column": "zip code"},
    "amount": {"type": "number", "required": True, "precision": 10, "scale": 2},
    "day": {"type": "date", "required": True, "format": "dd.MM.yyyy"},
    "at": {"type": "timestamp", "required": True},
    "local": {"type": "string", "required": True},
    "open": {"type": "boolean"},
    "either": {"type": "string", "required": True},
}


@pytest.fixture
def where(tmp_path: Path) -> Where:
    (tmp_path / "alchemesh.yaml").write_text(MANIFEST)
    data = tmp_path / "data"
    data.mkdir()
    head = "id,zip code,amount,day,at,local,open,either\n"
    (data / "a.csv").write_text(
        f"{head}1,00123,1.10,31.12.2024,2024-05-01T10:00:00Z,2024-05-01 10:00:00,true,01/02/2024\n"
    )
    long = "89490200001234567890"
    (data / "b.csv").write_text(f"{head}{long},1,1,01.01.2024,2024-05-01T10:00:00Z,2024-05-01 10:00:00,,02/03/2024\n")
    return Where(tmp_path)


def test_a_schema_is_proposed_from_all_files_with_what_other_types_would_lose(where: Where) -> None:
    found = infer_schema(where, "sales").as_json()
    assert found["properties"] == PROPOSED
    assert found["losses"] == {
        "id": ["integer holds 64 bits, which are fewer than 89490200001234567890 needs"],
        "zip_code": ["integer would lose the zeros before a number: 00123"],
        "amount": ["number would lose how a value is written, as in 1.10: declare string for versions and codes"],
        "local": ["timestamp needs to know the zone of these times: set `time_zone`, and type timestamp"],
        "either": ["date is not clear, every value fits dd/MM/yyyy and MM/dd/yyyy: set `format`"],
    }


@pytest.mark.parametrize("port", ["sales", "flow"])
def test_a_written_schema_keeps_the_rest_of_the_manifest(where: Where, port: str) -> None:
    assert write_schema(infer_schema(where, port)) == where.manifest
    text = where.manifest.read_text()
    assert [line for line in MANIFEST.splitlines() if line not in text.splitlines()] == (
        [] if port == "sales" else MANIFEST.splitlines()[-1:]
    )
    ports = {each.name: each.declared_schema for each in load_manifest(where.manifest).product.input_ports}
    schema = ports[port]
    assert isinstance(schema, dict)
    assert {name: each.model_dump(mode="json", exclude_defaults=True) for name, each in schema.items()} == PROPOSED
    with pytest.raises(SchemaNotWritten, match=f"port '{port}' has a schema already"):
        write_schema(infer_schema(where, port))


def test_an_unknown_port_names_the_ports(where: Where) -> None:
    with pytest.raises(NoProposal, match="no input port 'salez'") as failed:
        infer_schema(where, "salez")
    assert failed.value.hint == "did you mean 'sales'? there are sales, flow"


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ("sail", "input_ports[0].schema: found 'sail', expected a model of this product, or properties"),
        (
            "{a: {type: date, format: DD.MM.YYYY}}",
            "input_ports[0].schema.a.format: found 'DD.MM.YYYY': a date has no part",
        ),
        ("{a: {type: date, format: dd.MM}}", "input_ports[0].schema.a.format: found 'dd.MM': a date needs y"),
        (
            "{a: {type: string, precision: 3}}",
            "input_ports[0].schema.a.precision: found a precision in a property of type",
        ),
        ("{a: {type: number, scale: 3}}", "input_ports[0].schema.a.scale: found a scale without a precision"),
        ("{a: {type: number, precision: 2, scale: 3}}", "input_ports[0].schema.a.scale: found 3, expected at most"),
        ("{a: {type: timestamp, time_zone: 'Europe Berlin'}}", "input_ports[0].schema.a.time_zone"),
        ("{a: {type: string}, b: {type: string, column: A}}", "input_ports[0].schema.b: found column 'A' again"),
    ],
)
def test_a_wrong_schema_is_a_problem_at_its_line(tmp_path: Path, schema: str, expected: str) -> None:
    file = tmp_path / "alchemesh.yaml"
    file.write_text(MANIFEST.replace("name: sales   # every hour\n", f"name: sales\n    schema: {schema}\n"))
    with pytest.raises(ProblemsFound) as found:
        load_manifest(file)
    assert ":11:" in str(found.value)
    assert expected in str(found.value)
