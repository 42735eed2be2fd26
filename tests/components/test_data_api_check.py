"""Checks of a data API of this machine."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pydantic import ValidationError

from alchemesh_components.local.settings import LocalSettings, Settings
from alchemesh_components.output_ports.postgresql_serving.check import check
from alchemesh_components.output_ports.postgresql_serving.look import bytes_of_table, look
from alchemesh_components.output_ports.postgresql_serving.models import Args
from alchemesh_platform.compose.check import all_problems
from alchemesh_platform.manifest.load import read_manifest
from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from tests.builtin import ROOT, builtin_catalog

FRESH = """\
kind: DataProduct
name: shop
domain: retail
team: sales
owner: olga@acme.example
description: Sales.
version: 1.0.0
models:
  sale:
    properties:
      id: {type: string, key: true, required: true}
output_ports:
  - name: sales
    models: [sale]
    storage: {component: columnar-table}
    proxy: {component: data-api, protocols: [sql], args: {limits: {
      max_lag_seconds: 400}}}
    contract: {version: 0.1.0, service_levels: {freshness: 5m}}
"""


def test_a_column_that_postgresql_cannot_have_is_refused_at_its_line() -> None:
    models = {
        "sale": SemanticModel.model_validate({"properties": {"id": {"type": "integer"}, "xmin": {"type": "number"}}})
    }
    settings = Settings(local=LocalSettings(root="/data", run="/run"))
    (found,) = check(Args(), settings, Wiring(models=models))
    assert (found.at, found.path) == ("models", ("sale", "properties", "xmin"))
    assert found.message == (
        "the data API cannot serve a column 'xmin': each table of PostgreSQL has a column xmin of its own"
    )


def test_a_copy_that_may_be_older_than_the_contract_promises_is_refused_at_its_line(tmp_path: Path) -> None:
    manifest = tmp_path / "alchemesh.yaml"
    manifest.write_text(FRESH)
    problems = all_problems(
        read_manifest(manifest, "local"), load_platform(None, "local", tmp_path), builtin_catalog(), look=False
    )
    (found,) = [problem for problem in problems if problem.severity == "error"]
    assert (found.location.line, found.path) == (17, "output_ports[0].proxy.args.limits.max_lag_seconds")
    assert found.message == "the copy may be 400 s behind, and the contract promises a freshness of 5m"
    assert found.hint == "leave `max_lag_seconds` out, or promise a longer `freshness`"


def test_a_managed_server_serves_sql_alone_and_has_no_password_in_its_address() -> None:
    address = "postgresql://admin@db.acme.example/postgres"
    settings = Settings(local=LocalSettings(root="/data", run="/run", postgresql_server=address))
    assert list(check(Args(), settings, Wiring(protocols=("sql",)))) == []
    (found,) = check(Args(), settings, Wiring(protocols=("sql", "rest", "graphql")))
    assert found.message == ("rest and graphql cannot be served from a managed PostgreSQL: their server has no network")
    for wrong in ("postgresql://admin:hunter2@db/postgres", "postgresql://admin@db/postgres?password=hunter2"):
        with pytest.raises(ValidationError, match="name a file with it") as refused:
            LocalSettings(root="/data", run="/run", postgresql_server=wrong)
        assert "hunter2" not in refused.value.errors()[0]["msg"]
    with pytest.raises(ValidationError, match="expected an address such as postgresql://admin@host:5432/postgres"):
        LocalSettings(root="/data", run="/run", postgresql_server="mysql://admin@db")


def test_a_copy_follows_its_storage_within_a_second_at_best() -> None:
    settings = Settings(local=LocalSettings(root="/data", run="/run"))
    (found,) = check(Args(), settings, Wiring(freshness=timedelta(milliseconds=500)))
    assert found.message == (
        "the contract promises a freshness of 500ms, and a serving copy follows its storage within about 1s"
    )
    limits = Limits(max_lag_seconds=60)
    assert list(check(Args(limits=limits), settings, Wiring(freshness=timedelta(minutes=1)))) == []
    assert list(check(Args(), settings, Wiring(freshness=timedelta(seconds=5)))) == []


def test_a_platform_file_with_the_former_name_works_with_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text(
        "kind: Platform\nname: acme\nenvironments:\n  dev:\n    extends: builtin/local\n"
        "    components: {data-api: roapi}\n"
    )
    read = read_manifest(ROOT / "examples" / "flights" / "alchemesh.yaml", "dev")
    problems = all_problems(read, load_platform(file, "dev", tmp_path), builtin_catalog(), look=False)
    (found,) = [problem for problem in problems if "roapi" in problem.message]
    assert (found.severity, found.message) == ("warning", "'roapi' is now called 'postgresql-serving'")
    assert (found.location.line, found.hint) == (6, "write `data-api: postgresql-serving`")
    assert [problem for problem in problems if problem.severity == "error"] == []


def test_a_table_beyond_the_limit_of_the_copy_names_storages_that_serve_themselves(tmp_path: Path) -> None:
    table = tmp_path / "retail" / "shop" / "sales" / "sale"
    write_deltalake(table, pa.table({"id": list(range(1000))}))
    write_deltalake(table, pa.table({"id": list(range(2000))}), mode="overwrite")
    size = bytes_of_table(table)
    assert size == sum(DeltaTable(table).get_add_actions(flatten=True).column("size_bytes").to_pylist())
    settings = Settings(local=LocalSettings(root=str(tmp_path), run="/run"))
    models = {
        name: SemanticModel.model_validate({"properties": {"id": {"type": "integer"}}}) for name in ("sale", "no")
    }
    wiring = Wiring(domain="retail", product="shop", port="sales", models=models)
    assert list(look(Args(), settings, wiring)) == []
    small = Args.model_validate({"limits": {"max_gigabytes": 1e-6}})
    (found,) = look(small, settings, wiring)
    assert found.message == "table sale has files of 0.0 GB, and its serving copy holds at most 1e-06 GB"
    assert "BigQuery, Trino or Athena" in (found.hint or "")
