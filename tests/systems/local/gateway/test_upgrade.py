"""A data API that a former version deployed, with roapi, continues with the serving copy."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from alchemesh_platform.machine.servers import processes
from alchemesh_platform.machine.servers.ports import free_port
from alchemesh_platform.machine.servers.processes import Program
from alchemesh_platform.systems.local.data_api.gateway.consumers import Entry, write_entry
from alchemesh_platform.systems.local.data_api.gateway.credentials import Issued, hashes_of, new_password
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway, listening
from alchemesh_platform.systems.local.data_api.server import (
    DataApi,
    choose_ports,
    deploy_product,
    is_enclosed,
    take_down,
    trouble,
)
from alchemesh_platform.systems.local.data_api.tables import ServedTable
from tests.systems.local.gateway.answers import GRANTED, REFUSED, answers
from tests.waiting import gone, until

pytestmark = pytest.mark.slow


def test_ports_and_credentials_stay_and_the_former_server_ends(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "flight", pa.table({"id": ["UA1"]}))
    table = ServedTable("flight", (tmp_path / "flight").as_uri(), "delta", ("id",))
    api = DataApi("flights-table", tmp_path / "run", (table,), ("sql", "rest", "graphql"))
    gateway = Gateway(api.run_directory, api.process)
    gateway.folder.mkdir(parents=True)
    ports = [free_port("127.0.0.1"), free_port("127.0.0.1")]
    former = {
        "host": "127.0.0.1",
        "http_port": ports[0],
        "postgres_port": ports[1],
        "protocols": ["sql", "rest", "graphql"],
        "server_port": None,
    }
    (gateway.folder / "listening.json").write_text(json.dumps(former))
    credential = Issued("ops_punctuality_1f0c9a2b", new_password())
    (hashes,) = hashes_of(credential.password)
    entry = Entry(
        user=credential.user, consumer="ops/punctuality", request="req-1", scram=hashes.scram, bcrypt=hashes.bcrypt
    )
    write_entry(gateway.folder, entry)
    try:
        processes.ensure_running(api.run_directory, Program(api.process, ("sleep", "1000")))
        until(lambda: processes.status(api.run_directory, api.process).state == "RUNNING", "the former server runs")
        pid = processes.status(api.run_directory, api.process).pid
        assert pid is not None
        assert is_enclosed(gateway)
        assert "is not running" in (trouble(api, choose_ports(api)) or "")
        endpoints = deploy_product(api)
        assert (endpoints.http_port, endpoints.postgres_port) == tuple(ports)
        assert (answers(endpoints, credential), answers(endpoints, None)) == (GRANTED, REFUSED)
        assert gone(pid)
        assert trouble(api, endpoints) is None
        assert listening(gateway) is not None
    finally:
        take_down(api)
