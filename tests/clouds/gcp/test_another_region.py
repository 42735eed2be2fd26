"""Another region in the platform file: retained resources stay in their region, the rest moves."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alchemesh_components.gcp.settings import Settings
from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
from alchemesh_platform.engine.install.find import Engine

from .harness import PLACE, PROJECT, Cloud, cloud_in

pytestmark = [pytest.mark.engine, pytest.mark.slow]

HERE = Settings.model_validate({"gcp": {"project": PROJECT, "region": "europe-west1"}})
THERE = Settings.model_validate({"gcp": {"project": PROJECT, "region": "europe-west4"}})


@pytest.fixture
def cloud(tmp_path: Path, engine: Engine, emulators: Emulators) -> Iterator[Cloud]:
    with cloud_in(tmp_path, engine, emulators) as made:
        yield made


def needs(settings: Settings, *, keep: bool) -> Callable[[], None]:
    """A program with a bucket, a secret and a dataset."""

    def declare() -> None:
        from alchemesh_components.infrastructure.bigquery_dataset.component import BigQueryDataset
        from alchemesh_components.infrastructure.bigquery_dataset.models import Args as DatasetArgs
        from alchemesh_components.infrastructure.gcs_bucket.component import GcsBucket
        from alchemesh_components.infrastructure.gcs_bucket.models import Args as BucketArgs
        from alchemesh_components.infrastructure.secret_manager_secret.component import SecretManagerSecret
        from alchemesh_components.infrastructure.secret_manager_secret.models import Args as SecretArgs

        work, token, between = (dataclasses.replace(PLACE, port=port) for port in ("work", "token", "between"))
        GcsBucket("work", BucketArgs(keep_on_destroy=keep), settings, work)
        SecretManagerSecret("token", SecretArgs(keep_on_destroy=keep), settings, token)
        BigQueryDataset("between", DatasetArgs(keep_on_destroy=keep), settings, between)

    return declare


def test_retained_resources_stay_in_their_region(cloud: Cloud) -> None:
    """Its name was in use: the cloud refused the new one, and no stack owned the old one any more."""
    cloud.done("up", needs(HERE, keep=True))
    assert cloud.done("up", needs(THERE, keep=True)) == {}
    assert cloud.done("up", needs(HERE, keep=True)) == {}


def test_resources_that_are_not_retained_move(cloud: Cloud) -> None:
    cloud.done("up", needs(HERE, keep=False))
    moved = cloud.done("up", needs(THERE, keep=False))
    assert moved["delete-replaced"] == moved["create-replacement"]
    assert set(moved["create-replacement"]) == {"work-bucket", "token-secret", "between-dataset"}
    assert cloud.done("up", needs(THERE, keep=False)) == {}
