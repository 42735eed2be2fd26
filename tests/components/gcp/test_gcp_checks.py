"""Problems that components for Google Cloud report, each at its line of the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.platform_file.load import load_platform
from tests.builtin import builtin_catalog

GCP: dict[str, Any] = {
    "project": "acme-mesh",
    "project_number": 123456789012,
    "region": "europe-west1",
    "image_repository": "europe-west1-docker.pkg.dev/acme-mesh/products",
    "data_api_image": "europe-west1-docker.pkg.dev/acme-mesh/images/data-api:1",
}
COMPONENTS = {
    "object-storage": "gcs-bucket",
    "columnar-table": "bigquery-table",
    "data-api": "cloud-run-data-api",
    "file-ingestion": "storage-transfer",
    "python-job": "cloud-run-job",
    "secret": "secret-manager-secret",
    "streaming-topic": "pubsub-topic",
    "intermediate-dataset": "bigquery-dataset",
}
MANIFEST = """\
kind: DataProduct
name: flights
domain: aviation
team: flight-data
owner: amelia@airport.example
version: 1.0.0
models:
  flight:
    properties:
      flight_id: {{type: string, key: true}}
      departed_at: {{type: timestamp}}
      distance: {{type: number}}
      route: {route}
infrastructure: {needs}
code: {code}
output_ports:
  - name: flights-table
    models: [flight]
    storage: {storage}
    proxy: {proxy}
"""


def problems(tmp_path: Path, settings: dict[str, Any] | None = None, **parts: str) -> list[str]:
    defaults = {
        "route": "{type: string}",
        "needs": "[]",
        "code": "",
        "storage": "{component: columnar-table}",
        "proxy": "{component: data-api, protocols: [sql]}",
    }
    (tmp_path / "alchemesh.yaml").write_text(MANIFEST.format(**{**defaults, **parts}))
    platform = {
        "kind": "Platform",
        "name": "acme",
        "environments": {
            "prod": {
                "state": "file:///state",
                "registry": "sqlite:///registry.db",
                "settings": {"gcp": {**GCP, **(settings or {})}},
                "components": COMPONENTS,
            }
        },
    }
    (tmp_path / "platform.yaml").write_text(yaml.safe_dump(platform))
    try:
        compose(
            load_manifest(tmp_path / "alchemesh.yaml", "prod"),
            load_platform(tmp_path / "platform.yaml", "prod", tmp_path),
            builtin_catalog(),
        )
    except ProblemsFound as found:
        return list(shown(found))
    return []


def shown(found: ProblemsFound) -> Iterator[str]:
    for problem in found.problems:
        yield f"{problem.location.line} {problem.path}: {problem.message}"


def test_a_supported_product_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


def test_a_type_that_bigquery_lacks_is_refused_at_its_line(tmp_path: Path) -> None:
    route = "{type: array, items: {type: array, items: {type: string}}}"
    assert problems(tmp_path, route=route) == [
        "13 models.flight.properties.route.items: found an array of arrays, expected what a BigQuery table can hold"
    ]


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        ("partition_by: flight_id", "partition_by: found 'flight_id', which is of type string, expected a date or"),
        ("partition_by: departed", "partition_by: found 'departed', expected a property of a model of the port"),
        ("partition_by: [departed_at, flight_id]", "partition_by[1]: found 2 properties, expected one"),
        ("cluster_by: distance", "cluster_by: found 'distance', which is of type number, expected a type that"),
        ("on_incompatible_change: replace", "on_incompatible_change: found replace with tables that are kept"),
    ],
)
def test_arguments_of_tables_that_bigquery_cannot_follow(tmp_path: Path, args: str, problem: str) -> None:
    found = problems(tmp_path, storage=f"{{component: columnar-table, args: {{{args}}}}}")
    assert any(problem in each for each in found), found
    assert all(each.startswith("19 output_ports[0].storage.args.") for each in found)


def test_more_clusters_than_bigquery_takes_are_refused(tmp_path: Path) -> None:
    five = "{component: columnar-table, args: {cluster_by: [a, b, c, d, e]}}"
    assert any("cluster_by" in each for each in problems(tmp_path, storage=five))


def test_rest_over_files_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, storage="{component: object-storage}") == [
        "20 output_ports[0].proxy.component: cloud-run-data-api serves bigquery-tables, and the storage of this port, "
        "gcs-bucket, provides gcs-objects"
    ]


@pytest.mark.parametrize("image", [None, "europe-west1-docker.pkg.dev/acme-mesh/mirror/roapi/roapi:v0.12.7"])
def test_rest_without_an_image_of_the_server_is_refused(tmp_path: Path, image: str | None) -> None:
    rest = "{component: data-api, protocols: [rest]}"
    without = {"data_api_image": image, "image_repository": None}
    (found,) = problems(tmp_path, without, proxy=rest)
    assert "found no settings.gcp.data_api_image" in found
    assert problems(tmp_path, without) == []
    assert problems(tmp_path, {"data_api_image": image}, proxy=rest) == []


def test_rest_over_tables_of_any_location_is_allowed(tmp_path: Path) -> None:
    """The export of former versions had to be in the location of the tables."""
    places = {"bigquery_location": "EU", "region": "us-east1"}
    assert problems(tmp_path, places, proxy="{component: data-api, protocols: [rest]}") == []


def test_rest_over_what_postgresql_cannot_have_is_refused_at_the_property(tmp_path: Path) -> None:
    rest = "{component: data-api, protocols: [graphql]}"
    route = "{type: string}\n      ctid: {type: string}"
    (found,) = problems(tmp_path, route=route, proxy=rest)
    assert found == (
        "14 models.flight.properties.ctid: REST and GraphQL cannot serve a column 'ctid': each table of PostgreSQL has "
        "a column ctid of its own"
    )
    assert problems(tmp_path, route=route) == []


def test_rest_over_more_columns_than_a_table_of_postgresql_has_is_refused(tmp_path: Path) -> None:
    many = "{type: string}" + "".join(f"\n      p{n}: {{type: string}}" for n in range(1_597))
    (found,) = problems(tmp_path, route=many, proxy="{component: data-api, protocols: [rest]}")
    assert found.endswith("properties: found 1,601 properties, expected at most 1,600 for REST and GraphQL")
    assert problems(tmp_path, route=many) == []


def test_rest_over_more_columns_than_fit_into_the_settings_of_a_server_is_refused(tmp_path: Path) -> None:
    many = "{type: string}" + "".join(f"\n      column_with_a_long_name_{n:020}: {{type: string}}" for n in range(700))
    (found,) = problems(tmp_path, route=many, proxy="{component: data-api, protocols: [rest]}")
    assert "its tables and columns take 33," in found
    assert found.endswith("expected at most 32,768, which Cloud Run gives a server")


def test_a_key_of_another_region_is_refused(tmp_path: Path) -> None:
    keys = {"bigquery": "projects/acme/locations/us-east1/keyRings/mesh/cryptoKeys/data"}
    (found,) = problems(tmp_path, {"encryption_keys": keys})
    assert "the key of datasets is in us-east1, expected one in europe-west1" in found
    inside = {"bigquery": "projects/acme/locations/europe/keyRings/mesh/cryptoKeys/data"}
    assert problems(tmp_path, {"encryption_keys": inside, "bigquery_location": "EU"}) == []


def test_a_secret_that_no_need_holds_is_refused_at_its_variable(tmp_path: Path) -> None:
    code = "{component: python-job, args: {entrypoint: 'a:b', env: {LEVEL: info, TOKEN: {secret: API_TOKEN}}}}"
    (found,) = problems(tmp_path, code=code)
    assert (
        found
        == "15 code.args.env.TOKEN: found the secret API_TOKEN, and no need 'api-token' of type secret that holds it"
    )
    assert problems(tmp_path, code=code, needs="[{name: api-token, component: secret}]") == []
    assert len(problems(tmp_path, code=code, needs="[{name: api-token, component: object-storage}]")) == 1


@pytest.mark.parametrize(
    ("image", "taken"),
    [
        ("europe-west1-docker.pkg.dev/acme/products/flights:1", True),
        ("eu.gcr.io/acme/flights", True),
        ("acme/flights:1", True),
        ("docker.io/acme/flights@sha256:0a", True),
        ("ghcr.io/acme/flights:1", False),
        ("registry.acme.example:5000/flights", False),
    ],
)
def test_an_image_that_cloud_run_does_not_take_is_refused(tmp_path: Path, image: str, taken: bool) -> None:
    code = f"{{component: python-job, args: {{entrypoint: 'a:b', image: '{image}'}}}}"
    found = problems(tmp_path, code=code)
    assert [each for each in found if each.startswith("15 code.args.image: found an image in ")] == found
    assert found == [] if taken else len(found) == 1
    rest = problems(tmp_path, {"data_api_image": image}, proxy="{component: data-api, protocols: [rest]}")
    assert len(rest) == (0 if taken else 1)


def test_rest_over_a_column_that_its_server_may_not_read_is_refused_at_the_property(tmp_path: Path) -> None:
    """Such a column once made the export of the whole port fail, without an error."""
    tags = {"policy_tags": {"secret": "projects/acme/locations/europe-west1/taxonomies/1/policyTags/2"}}
    rest = "{component: data-api, protocols: [sql, rest]}"
    for route, place in (
        ("{type: string, classification: secret}", "route"),
        ("{type: object, properties: {via: {type: string, classification: secret}}}", "route.properties.via"),
        ("{type: array, items: {type: string, classification: secret}}", "route"),
    ):
        (found,) = problems(tmp_path, tags, route=route, proxy=rest)
        assert f"13 models.flight.properties.{place}: its column has a policy tag" in found
        assert problems(tmp_path, tags, route=route) == []
    assert problems(tmp_path, tags, route="{type: string, classification: internal}", proxy=rest) == []


def test_a_budget_needs_the_number_of_the_project(tmp_path: Path) -> None:
    """With the project's id, each run found the number instead and tried to change it back."""
    budget = {"billing_account": "01AB23-45CD67-89EF01", "monthly": {"aviation": 800}}
    found = problems(tmp_path, {"budget": budget, "project_number": None})
    assert [each for each in found if "expected project_number beside budget" in each] == found != []
    assert problems(tmp_path, {"budget": budget}) == []


@pytest.mark.parametrize("retention", ["12h", "36h"])
def test_a_retention_of_no_whole_days_is_refused(tmp_path: Path, retention: str) -> None:
    needs = f"[{{name: workspace, component: object-storage, args: {{retention: {retention}}}}}]"
    (found,) = problems(tmp_path, needs=needs)
    assert "infrastructure[0].args.retention: found a time that is no number of days" in found


def test_a_name_at_the_limit_of_a_manifest_fits_every_service(tmp_path: Path) -> None:
    long = "n" * 63
    assert problems(tmp_path, needs=f"[{{name: {long}, component: object-storage}}]") == []


def test_rest_that_is_refreshed_less_often_than_the_contract_promises_is_refused_at_its_line(tmp_path: Path) -> None:
    promised = "\n    contract: {version: 0.1.0, service_levels: {freshness: 15m}}"
    often = "{component: data-api, protocols: [sql, rest], args: {refresh: 15m}}"
    assert problems(tmp_path, proxy=f"{often}{promised}") == []
    assert problems(tmp_path, proxy="{component: data-api, protocols: [sql]}" + promised) == []
    assert problems(tmp_path, proxy="{component: data-api, protocols: [rest], args: {refresh: 1h}}" + promised) == [
        "20 output_ports[0].proxy.args.refresh: REST and GraphQL are refreshed every 1h, and the contract promises a "
        "freshness of 15m"
    ]
