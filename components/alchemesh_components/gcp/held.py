"""The objects of Google Cloud that hold a component's data, as its resources will name them.

Only light modules are imported, so that a manifest is checked without Pulumi.
"""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.gcp.names import BUCKET, DATASET, SECRET, TOPIC, resource_name
from alchemesh_components.gcp.settings import GcpSettings
from alchemesh_platform.sdk.system.cloud_object import HeldObject
from alchemesh_platform.sdk.wiring import Wiring

LANDING = "landing-bucket"


def bucket(gcp: GcpSettings, wiring: Wiring, name: str = "bucket") -> Iterator[HeldObject]:
    """The bucket of a port or need."""
    inputs = {"project": gcp.project, "name": resource_name(BUCKET, gcp, wiring), "location": gcp.region}
    yield HeldObject("gcp:storage/bucket:Bucket", name, inputs)


def dataset(gcp: GcpSettings, wiring: Wiring) -> Iterator[HeldObject]:
    """The dataset of a port or need."""
    place = {"project": gcp.project, "datasetId": resource_name(DATASET, gcp, wiring)}
    yield HeldObject("gcp:bigquery/dataset:Dataset", "dataset", {**place, "location": gcp.dataset_location})


def tables(gcp: GcpSettings, wiring: Wiring) -> Iterator[HeldObject]:
    """The dataset of a port, and a table for each of its models."""
    yield from dataset(gcp, wiring)
    place = {"project": gcp.project, "datasetId": resource_name(DATASET, gcp, wiring)}
    for model in wiring.models:
        yield HeldObject("gcp:bigquery/table:Table", model, {**place, "tableId": model})


def topics(gcp: GcpSettings, wiring: Wiring) -> Iterator[HeldObject]:
    """A topic for each model of a port."""
    for model in wiring.models:
        inputs = {"project": gcp.project, "name": resource_name(TOPIC, gcp, wiring, model)}
        yield HeldObject("gcp:pubsub/topic:Topic", model, inputs)


def secret(gcp: GcpSettings, wiring: Wiring) -> Iterator[HeldObject]:
    """The secret of a need."""
    inputs = {"project": gcp.project, "secretId": resource_name(SECRET, gcp, wiring)}
    yield HeldObject("gcp:secretmanager/secret:Secret", "secret", inputs)
