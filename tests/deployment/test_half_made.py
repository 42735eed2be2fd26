"""Resources that a killed run was creating, in a service that refuses to create them twice."""

from __future__ import annotations

from typing import Any

import pytest

from alchemesh_platform.compose.plan import Kept
from alchemesh_platform.deployment.recovery.interrupted import interrupted_creations
from alchemesh_platform.engine.run.events import Diagnostic, ResourceFailed

BUCKET, ACCOUNT, GRANT = (
    "gcp:storage/bucket:Bucket",
    "gcp:serviceaccount/account:Account",
    "gcp:storage/bucketIAMMember:BucketIAMMember",
)
CONFIGURED = {
    "resources": [
        {"type": "pulumi:pulumi:Stack"},
        {"type": "pulumi:providers:gcp", "inputs": {"project": "acme-mesh", "region": "europe-west1", "labels": {}}},
    ]
}
REFUSALS = [
    "googleapi: Error 409: Your previous request to create the named bucket succeeded and you already own it.",
    "googleapi: Error 409: The requested bucket name is not available.",
    "Error creating: Already Exists: Dataset acme-mesh:orders",
]


def urn(pulumi_type: str, name: str = "workspace") -> str:
    return f"urn:pulumi:prod::shop.orders::alchemesh:stacks:DataProduct${pulumi_type}::{name}"


def failed(pulumi_type: str, inputs: dict[str, Any] | None) -> ResourceFailed:
    return ResourceFailed(
        urn(pulumi_type), pulumi_type, "workspace", "", "create", True, (), None, inputs, None, None, False
    )


def error(pulumi_type: str, message: str) -> Diagnostic:
    return Diagnostic("error", message, urn(pulumi_type))


@pytest.mark.parametrize("message", REFUSALS)
def test_an_interrupted_resource_that_exists_is_imported(message: str) -> None:
    found = interrupted_creations(
        [urn(BUCKET)], [failed(BUCKET, {"name": "acme-w"})], [error(BUCKET, message)], CONFIGURED
    )
    assert found == (Kept(BUCKET, "workspace", "acme-w"),)


def test_an_id_takes_the_project_that_the_provider_was_configured_with() -> None:
    inputs, errors = failed(ACCOUNT, {"accountId": "orders"}), [error(ACCOUNT, REFUSALS[2])]
    [found] = interrupted_creations([urn(ACCOUNT)], [inputs], errors, CONFIGURED)
    assert found.id == "projects/acme-mesh/serviceAccounts/orders@acme-mesh.iam.gserviceaccount.com"
    assert interrupted_creations([urn(ACCOUNT)], [inputs], errors, {}) == (), "without a project there is no id"


def test_an_existing_resource_without_an_interrupted_creation_is_not_imported() -> None:
    refused = [failed(BUCKET, {"name": "acme-w"})], [error(BUCKET, REFUSALS[0])], CONFIGURED
    assert interrupted_creations([], *refused) == ()
    assert interrupted_creations([urn(BUCKET, "another")], *refused) == ()


def test_another_failure_does_not_prove_that_the_resource_exists() -> None:
    reported = [error(BUCKET, "googleapi: Error 403: no right to create storage.buckets, forbidden")]
    assert interrupted_creations([urn(BUCKET)], [failed(BUCKET, {"name": "acme-w"})], reported, CONFIGURED) == ()


@pytest.mark.parametrize(("pulumi_type", "inputs"), [(GRANT, {}), ("kafka:index/acl:Acl", {}), (BUCKET, None)])
def test_a_resource_without_a_known_id_is_left_to_the_user(pulumi_type: str, inputs: dict[str, Any] | None) -> None:
    reported = [error(pulumi_type, REFUSALS[0])]
    assert interrupted_creations([urn(pulumi_type)], [failed(pulumi_type, inputs)], reported, CONFIGURED) == ()
