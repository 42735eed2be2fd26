"""A local run of a Cloud Run job: its template gives its variables and time limit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alchemesh_platform.base.secrets import SecretMissing
from alchemesh_platform.clouds.gcp.emulation.job import JobGone, JobRunner
from alchemesh_platform.clouds.gcp.emulation.services.cloudrun import RUN_JOB
from alchemesh_platform.clouds.gcp.emulation.store import Kept, Store
from alchemesh_platform.connections import Connections, JobConnection

JOB = "projects/acme-mesh/locations/europe-west1/jobs/orders"
CODE = """
import os
from alchemesh_platform.connections import connections

def main():
    print(connections().product, os.environ["MODE"], os.environ["TOKEN"])
"""
SECRET = {"secretKeyRef": {"secret": "acme--orders--token", "version": "latest"}}


@pytest.fixture
def runner(tmp_path: Path) -> JobRunner:
    (tmp_path / "job.py").write_text(CODE)
    envs = [
        {"name": "MODE", "value": "nightly"},
        {"name": "TOKEN", "valueSource": SECRET},
        {"name": "ALCHEMESH_CONNECTIONS", "value": '{"product": "of/another", "environment": "prod"}'},
    ]
    task = {"timeout": "60s", "containers": [{"image": "orders:1", "envs": envs}]}
    store = Store(tmp_path / "cloud")
    store.put(Kept(RUN_JOB, JOB, "urn", {"template": {"template": task}}, {}))
    return JobRunner(store, tmp_path)


def run(runner: JobRunner, descriptor: str) -> list[str]:
    """Run a job; returns its output."""
    printed: list[str] = []
    connections = Connections(product="retail/orders", environment="prod")
    job = JobConnection(entrypoint="job:main", descriptor=descriptor)
    done = runner(job, connections, (), printed.append, environ=os.environ)
    assert done.exit_status == 0, printed
    return printed


def test_code_gets_the_variables_of_the_template_and_its_secrets_stay_hidden(
    runner: JobRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "not to be seen")
    assert run(runner, JOB) == ["retail/orders nightly [secret]"]


def test_a_secret_without_a_value_and_a_deleted_job_are_reported(
    runner: JobRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(SecretMissing, match="TOKEN"):
        run(runner, JOB)
    with pytest.raises(JobGone, match="jobs/other"):
        run(runner, JOB.replace("orders", "other"))
