"""A product with a schedule on this machine: `up` starts its clock, `doctor` shows it, and `destroy` ends it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from alchemesh_platform.app.clock.supervised import NAME, folder_of
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.machine.servers import processes
from alchemesh_platform.platform_file.load import load_platform
from tests.end_to_end.harness import TABLE_ALONE, Shop, write_shop
from tests.waiting import gone, until

FOUND = '  args: {entrypoint: "job:main"}'
YEARLY = '  args: {entrypoint: "job:main", schedule: "30 4 29 2 *", time_zone: Europe/Amsterdam}'
WRONG = '  args: {entrypoint: "job:main", schedule: "0 25 * * *", time_zone: Mars/Olympus}'
DAILY = '  args: {entrypoint: "job:main", schedule: "30 4 * * *", time_zone: Asia/Tokyo}'


@pytest.fixture
def shop(tmp_path: Path, engine: Engine) -> Iterator[Shop]:
    """A product repo; its processes are stopped in the end."""
    made = write_shop(tmp_path / "orders", tmp_path / "home")
    yield made
    made.take_down()


def clock(shop: Shop) -> dict[str, object]:
    """The check of the clock."""
    checks = json.loads(shop.run("doctor", "--json").stdout)
    found: dict[str, object] = next(check for check in checks if check["check"] == "clock")
    return found


def test_the_clock_of_a_product_with_a_schedule(shop: Shop) -> None:
    shop.environ["ALCHEMESH_CLOCK"] = "on"
    shop.manifest.write_text(TABLE_ALONE.replace(FOUND, WRONG))
    wrong = shop.run("validate")
    line = next(at for at, text in enumerate(TABLE_ALONE.splitlines(), 1) if text == FOUND)
    assert f"alchemesh.yaml:{line}:" in wrong.stderr
    assert "hour '25' is wrong: the last value (25) is higher than the maximum value (23)" in wrong.stderr
    assert "expected a time zone, such as UTC or Europe/Amsterdam" in wrong.stderr

    shop.manifest.write_text(TABLE_ALONE.replace(FOUND, YEARLY))
    first = shop.run("up", "--yes")
    assert first.returncode == 0, first.stderr
    assert "the clock of local started" in first.stdout + first.stderr
    assert clock(shop)["found"] == "runs, with 1 job; next: shop/orders 2028-02-29 03:30 UTC"

    shop.edit(YEARLY, DAILY)
    again = shop.run("up", "--yes")
    assert "the clock" not in again.stdout + again.stderr
    assert str(clock(shop)["found"]).endswith(" 19:30 UTC")

    platform = load_platform(None, "local", shop.home)
    pid = processes.status(folder_of(platform), NAME).pid
    assert pid is not None
    shown = shop.json("status")["clock"]
    assert shown["running"]
    assert [(each["product"], each["schedule"], each["time_zone"]) for each in shown["runs"]] == [
        ("shop/orders", "30 4 * * *", "Asia/Tokyo")
    ]
    psutil.Process(pid).kill()
    until(lambda: processes.status(folder_of(platform), NAME).pid not in (None, pid), "it is started again")
    resumed = shop.json("resume")
    assert [(each["name"], each["state"]) for each in resumed["servers"]] == [("clock", "running")]

    processes.halt(folder_of(platform), NAME)
    stopped = shop.done("status", "--all")
    assert "✗ the clock does not run, so no schedule starts code on this machine" in stopped
    assert "hint: `alchemesh resume` starts it" in stopped
    assert shop.done("resume") == "✓ clock  started\n"
    assert "next run: shop/orders 20" in shop.done("status", "--all")

    pid = processes.status(folder_of(platform), NAME).pid
    assert pid is not None
    ended = shop.run("destroy", "--yes")
    assert "the clock of local ended" in ended.stdout + ended.stderr
    assert gone(pid)
    assert shop.run("resume").stdout == "nothing to resume in local\n"
    assert clock(shop)["found"] == "no job of this machine has a schedule or a trigger"
