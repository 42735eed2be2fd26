"""The delivery of a DAG into the bucket of Cloud Composer, emulated."""

from __future__ import annotations

import httpx
import pytest

from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
from alchemesh_platform.clouds.gcp.emulation.world import STORAGE
from alchemesh_platform.systems.airflow.delivery import DeliveryFailed, delivery
from tests.systems.airflow.test_delivery import FIRST, check_round_trip


def test_a_bucket_of_cloud_storage(emulators: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    address = emulators.address_of(STORAGE)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    httpx.post(f"{address}/storage/v1/b", json={"name": "composer-dags"}).raise_for_status()
    check_round_trip(delivery("gs://composer-dags/dags", "a__b"), delivery("gs://composer-dags/dags", "a__b2"))
    with pytest.raises(DeliveryFailed, match="the folder of DAGs gs://no-such-bucket/dags/a__b cannot be used: 404"):
        delivery("gs://no-such-bucket/dags", "a__b").write(FIRST)
