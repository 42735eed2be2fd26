"""A platform file that asks for a watch: `up` starts it, uptime is in the registry, and `destroy` ends it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.app.probing.recording import folder_of
from alchemesh_platform.machine.servers import processes
from alchemesh_platform.machine.servers.supervisor import shut_down
from alchemesh_platform.platform_file.load import load_platform
from tests.app.probing.watched import uptime
from tests.end_to_end.harness import PORT_ALONE, Shop
from tests.waiting import until

pytestmark = pytest.mark.engine

PLATFORM = """\
kind: Platform
name: acme
environments:
  dev: {extends: builtin/local, observations: {watch: true}}
"""


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "repo", tmp_path / "home", {"ALCHEMESH_USER": "ada@shop.example"})
    shop.folder.mkdir()
    (shop.folder / "incoming").mkdir()
    (shop.folder / "incoming" / "a.csv").write_text("order_id,amount\n1,9.5\n")
    shop.manifest.write_text(PORT_ALONE)
    (shop.folder / "platform.yaml").write_text(PLATFORM)
    yield shop
    shut_down(folder_of(load_platform(shop.folder / "platform.yaml", "dev", shop.home)))


def test_up_starts_the_watch_and_the_last_destroy_ends_it(watched: Shop) -> None:
    platform = load_platform(watched.folder / "platform.yaml", "dev", watched.home)
    started = watched.run("up", "--yes", "-e", "dev")
    assert started.returncode == 0, started.stderr
    assert "the watch of dev started" in started.stdout + started.stderr
    until(lambda: uptime(platform, "shop/orders/orders-table"), "the port is probed")
    first = uptime(platform, "shop/orders/orders-table")[0]
    assert (first.good, first.total, first.reported_by) == (1, 1, "platform")
    observed = json.loads(watched.done("observe", "-e", "dev", "--json"))["measurements"][0]
    assert [(each["protocol"], each["outcome"]) for each in observed["probes"]] == [("delta", "up")]

    ended = watched.run("destroy", "--yes", "-e", "dev")
    assert ended.returncode == 0, ended.stderr
    assert "the watch of dev ended" in ended.stdout + ended.stderr
    assert processes.status(folder_of(platform), "observe").state == "UNSUPERVISED"
