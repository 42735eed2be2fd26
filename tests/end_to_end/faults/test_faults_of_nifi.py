"""A NiFi that is down, is killed during a creation, or gives too few rights: `up` reports it, and the next resumes."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from urllib.request import urlopen

import pytest

from alchemesh_platform.clouds.gcp.emulation.api.storage import StorageRest
from alchemesh_platform.systems.nifi.server import Login, Server
from parts.nifi import ADMINISTRATOR, GUEST, SUBSTITUTES, Nifi
from tests.end_to_end.faults.faulty import (
    ENVIRONMENT,
    EVENTS_ASSET,
    PROJECT,
    SALES,
    SALES_PATH,
    TABLE_ASSET,
    Faulty,
    Mesh,
)
from tests.systems.nifi.flows import named
from tests.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(1800)]  # NiFi starts in 20 s, or in a minute

TOPIC = "till.counted"
EVENTS = 500


def test_up_reports_a_nifi_that_is_down_and_resumes_after_a_restart(
    mesh: Mesh, nifi_server: Nifi, tmp_path: Path
) -> None:
    server = nifi_server
    mesh.kafka.create_topic(TOPIC, partitions=3)
    product = mesh.product(tmp_path, nifi={"url": server.url, "substitutes": SUBSTITUTES, "drain": "2m"})
    product.edit("{topic: till.sales}", f"{{topic: {TOPIC}, batch_time: 2s}}")
    try:
        server.kill()
        product.fails(f"NiFi at {server.url} does not answer", line=SALES, path=SALES_PATH, hint="is it running")
        assert product.assets() == [EVENTS_ASSET, TABLE_ASSET], "what needs no NiFi stands"

        server.start()
        process = product.start("up", "--yes", "-e", ENVIRONMENT)
        until(lambda: groups(server, product) or process.poll() is not None, "the process group is there", seconds=300)
        server.kill()
        _out, err = process.communicate(timeout=600)
        assert process.returncode == 1, err
        assert re.search(rf"^alchemesh\.yaml:{SALES}:\d+  {re.escape(SALES_PATH)}", err, re.MULTILINE), err
        assert "Traceback" not in err

        server.start()
        mesh.kafka.produce(TOPIC, [b'{"order_id": %d}' % number for number in range(EVENTS)])
        product.up(repeated=True)
        assert groups(server, product) == [f"{ENVIRONMENT}.shop.{product.name}.sales"], "nothing is there twice"
        mesh.kafka.produce(TOPIC, [b'{"order_id": %d}' % number for number in range(EVENTS, 2 * EVENTS)])
        until(lambda: len(landed(mesh, product)) >= 2 * EVENTS, "every event is in the bucket", seconds=300)
        counted = landed(mesh, product)
        assert set(counted) == set(range(2 * EVENTS))
        assert [number for number, times in counted.items() if number >= EVENTS and times > 1] == []
    finally:
        if server.process is None:
            server.start()
        product.destroy()
    assert groups(server, product) == []


def test_a_nifi_user_without_rights_is_reported_at_the_port_and_another_user_resumes(
    mesh: Mesh, secured_nifi_server: Nifi, tmp_path: Path
) -> None:
    server = secured_nifi_server
    guest = {"ca_file": str(server.certificate), "username": GUEST, "password": {"secret": "NIFI_PASSWORD"}}
    product = mesh.product(tmp_path, nifi={"url": server.url, "substitutes": SUBSTITUTES, "drain": "2m", **guest})
    product.fails(
        f"NiFi at {server.url} does not allow ",
        line=SALES,
        path=SALES_PATH,
        hint="an administrator of NiFi has to grant it",
        more={"NIFI_PASSWORD": server.users[GUEST]},
    )
    assert product.assets() == [EVENTS_ASSET, TABLE_ASSET], "what needs no NiFi stands"
    product.set("nifi", username=ADMINISTRATOR)
    product.environ["NIFI_PASSWORD"] = server.users[ADMINISTRATOR]
    product.up(repeated=True)
    login = Login(username=ADMINISTRATOR, password=server.users[ADMINISTRATOR], ca_file=str(server.certificate))
    name = f"{ENVIRONMENT}.shop.{product.name}.sales"
    assert named(Server(server.url, login), name) == 1
    product.destroy()
    assert named(Server(server.url, login), name) == 0


def landed(mesh: Mesh, product: Faulty) -> Counter[int]:
    """Event: number of its copies in the bucket."""
    storage = StorageRest("storage", mesh.emulators.address_of("storage"))
    bucket = f"{PROJECT}--{ENVIRONMENT}--shop--{product.name}--sales"
    lines = [line for name in storage.objects(bucket) for line in (storage.read(bucket, name) or b"").splitlines()]
    return Counter(int(json.loads(line)["order_id"]) for line in lines if line)


def groups(server: Nifi, product: Faulty) -> list[str]:
    """Names of a product's process groups in NiFi."""
    with urlopen(f"{server.url}/flow/process-groups/root", timeout=30) as answer:
        found = json.load(answer)["processGroupFlow"]["flow"]["processGroups"]
    names = [str(group["component"]["name"]) for group in found]
    return [name for name in names if name.startswith(f"{ENVIRONMENT}.shop.{product.name}.")]
