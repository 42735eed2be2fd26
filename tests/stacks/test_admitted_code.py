"""The code of a product has access to its own ports and needs if the platform gives it an identity."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi

from alchemesh_platform.compose.compose import compose
from alchemesh_platform.connections import Connections
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.platform_file.load import load_platform
from tests.builtin import ROOT, builtin_catalog
from tests.components.recorder import Recorder


def declared(environment: str) -> list[dict[str, Any]]:
    """The resources that the stack program of the flights example declares."""
    from alchemesh_stacks.data_product import DataProduct

    platform = load_platform(ROOT / "platforms" / "gcp.yaml", environment, Path("home"))
    manifest = load_manifest(ROOT / "examples" / "flights" / "alchemesh.yaml", environment)
    # Without transforms: they need an engine, and this test has none.
    plan = replace(compose(manifest, platform, builtin_catalog()), transforms=())
    computed = {
        "alchemesh:local:DataApi": {"endpoints": {}, "credentialFile": "credential"},
        "alchemesh:local:Directory": {"url": "file:///folder"},
        "alchemesh:local:DeltaTable": {"url": "file:///table"},
        "alchemesh:local:Ingestion": {"url": "file:///landing"},
    }
    recorder = Recorder(computed)
    pulumi.runtime.set_mocks(recorder, project=plan.project, stack=environment)

    @pulumi.runtime.test
    def declare() -> None:
        DataProduct(plan)

    declare()
    return recorder.declared


def test_on_google_cloud_the_code_gets_only_the_rights_of_its_ports_and_needs() -> None:
    account = "acme--prod--aviati--vmzdr3ql4i@acme-mesh.iam.gserviceaccount.com"
    rights = {
        resource["name"]: resource["inputs"]["role"]
        for resource in declared("prod")
        if account in (resource["inputs"].get("userByEmail"), str(resource["inputs"].get("member")).partition(":")[2])
    }
    assert rights == {
        "departures-landing-code": "roles/storage.objectViewer",
        "weather-landing-code": "roles/storage.objectViewer",
        "airports-landing-code": "roles/storage.objectViewer",
        "airlines-landing-code": "roles/storage.objectViewer",
        "workspace-code": "roles/storage.objectUser",
        "raw-files-storage-code": "roles/storage.objectUser",
        "flights-table-storage-code": "WRITER",
        "code-query": "roles/bigquery.jobUser",
        "code-start": "roles/run.invoker",
    }


def test_the_job_gets_the_connections_of_all_ports_and_needs() -> None:
    job = next(resource for resource in declared("prod") if resource["type"] == "gcp:cloudrunv2/job:Job")
    (container,) = job["inputs"]["template"]["template"]["containers"]
    variables = {variable["name"]: variable.get("value") for variable in container["envs"]}
    here = Connections.model_validate_json(variables["ALCHEMESH_CONNECTIONS"])
    assert here.input("departures").files.url == "gs://acme--prod--aviation--flights--departures"
    flight = here.output("flights-table").tables.table_id("flight")
    assert flight == "acme-mesh.acme__prod__aviation__flights__flights_table.flight"
    assert here.need("workspace").files.url == "gs://acme--prod--aviation--flights--workspace"


def test_on_a_laptop_the_code_has_no_identity_and_no_grant() -> None:
    assert not [resource for resource in declared("local") if resource["name"].endswith("-code")]
