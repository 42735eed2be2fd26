"""`up` reports each fault clearly, loses nothing, and the next `up` resumes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from alchemesh_platform.deployment.operator import OWN_PROCESS_COMPONENTS
from tests.commands import COMMAND, LONGEST
from tests.end_to_end.harness import MANIFEST, TABLE_ALONE, WITH_API, Shop, below, everything_in, write_shop
from tests.end_to_end.held import Hold, Moment, start_held
from tests.waiting import until

pytestmark = pytest.mark.engine

SECRET = "hunter2-and-then-some"


def test_a_failure_in_the_middle_names_port_line_and_cause_and_keeps_the_rest(shop: Shop) -> None:
    (shop.folder / "incoming" / "monday.csv").write_text("order_id,amount\n1,10\n2,20,30,40\n", "utf-8")
    failed = shop.run("up", "--yes")
    assert failed.returncode == 1
    assert "alchemesh.yaml:12:" in failed.stderr
    assert "sales" in failed.stderr
    assert "monday.csv" in failed.stderr
    assert "Traceback" not in failed.stderr + failed.stdout
    port, problem = failed.stdout[failed.stdout.index("✗ input   sales") :].splitlines()[:2]
    assert port.endswith("failed")
    assert "monday.csv" in problem
    assert "alchemesh.yaml:12:" in problem
    assert " 1 failed · the next `alchemesh up` resumes from here\n" in failed.stdout
    assert (shop.home / "local" / "data" / "shop" / "orders" / "workspace").is_dir(), "what could be made was made"

    (shop.folder / "incoming" / "monday.csv").write_text("order_id,amount\n1,10\n", "utf-8")
    up = shop.json("up", "--yes")
    assert up["outcome"] == "succeeded"
    workspace = next(port for port in up["ports"] if port["name"] == "workspace")
    assert workspace["operation"] == "same", "what stood is not made again"


def test_ctrl_c_stops_cleanly_and_the_next_up_resumes(shop: Shop, tmp_path: Path) -> None:
    run = start_held(shop, Hold("before", "alchemesh:local:Directory"), tmp_path / "run", "up", "--yes")
    code, err = run.interrupt()
    assert code == 1, err
    assert "Traceback" not in err
    assert outcomes(shop) == ["cancelled"]
    assert shop.json("up", "--yes")["outcome"] == "succeeded"
    assert shop.json("up", "--yes")["changes"].keys() == {"same"}


# tests/engine/test_kill.py kills both in each kind of change.
@pytest.mark.parametrize(
    ("shop", "victim", "moment", "kind"),
    [
        (TABLE_ALONE, "command", "before", "local:Ingestion"),
        (TABLE_ALONE, "engine", "after", "local:DeltaTable"),
        (MANIFEST, "command", "before", "local:DataApi"),
        (TABLE_ALONE, "engine", "after", "mesh:Contract"),
    ],
    indirect=["shop"],
    ids=["Ingestion", "DeltaTable", "DataApi", "Contract"],
)
def test_a_kill_in_a_creation_loses_nothing(shop: Shop, tmp_path: Path, victim: str, moment: Moment, kind: str) -> None:
    run = start_held(shop, Hold(moment, f"alchemesh:{kind}"), tmp_path / "run", "up", "--yes")
    run.kill(victim)
    assert outcomes(shop) == ["failed"]

    up = shop.json("up", "--yes")
    assert up["outcome"] == "succeeded"
    [resumed] = [note for note in up["notes"] if run.held in note]
    assert "was being created when an earlier run was stopped; this run adopted it" in resumed
    assert shop.json("up", "--yes")["changes"].keys() == {"same"}
    destroyed = shop.json("destroy", "--yes", "--delete-data")
    assert destroyed["outcome"] == "succeeded"
    left = [path for path in (shop.home / "local" / "data").rglob("*") if path.is_file()]
    assert left == [], "the state had lost a resource, and destroy did not remove it"


def outcomes(shop: Shop) -> list[str]:
    """Outcomes of the product's deployments, the latest first."""
    with shop.registry() as registry:
        return [deployment.outcome for deployment in registry.deployments("shop/orders", "local")]


def test_a_killed_provider_is_reported_and_the_next_up_resumes(shop: Shop) -> None:
    needs = "".join(
        f"  - name: box-{number:02}\n    component: object-storage\n" for number in range(OWN_PROCESS_COMPONENTS)
    )
    shop.edit("infrastructure:\n", f"infrastructure:\n{needs}")
    process = shop.start("up", "--yes")
    data = shop.home / "local" / "data" / "shop" / "orders"
    until(lambda: data.exists() or process.poll() is not None, what="the first resource is created")
    [provider] = below(process.pid, "alchemesh_platform.provider.main")
    provider.kill()
    _out, err = process.communicate(timeout=LONGEST)
    assert process.returncode == 1, err
    assert "Traceback" not in err
    assert outcomes(shop) == ["failed"]
    assert shop.json("up", "--yes")["outcome"] == "succeeded"
    assert shop.json("up", "--yes")["changes"].keys() == {"same"}


def test_a_second_up_of_a_stack_is_refused_until_the_first_ends(shop: Shop, tmp_path: Path) -> None:
    first = start_held(shop, Hold("before", "alchemesh:local:Directory"), tmp_path / "run", "up", "--yes")
    second = shop.run("up", "--yes")
    assert second.returncode == 5, second.stderr
    assert f"pid {first.process.pid}" in second.stderr, "it names the run that holds the lock"
    code, err = first.end()
    assert code == 0, err
    assert outcomes(shop) == ["succeeded"]
    assert shop.json("up", "--yes")["changes"].keys() == {"same"}


def test_a_run_during_an_up_uses_what_is_deployed(shop: Shop, tmp_path: Path) -> None:
    """During the first `up`, code once ran without the ports that were not yet deployed."""
    first = start_held(shop, Hold("before", "alchemesh:local:DeltaTable"), tmp_path / "first", "up", "--yes")
    early = shop.run("run")
    assert early.returncode == 1, early.stdout
    assert "shop/orders is not wholly deployed in environment 'local': its first `up` has not ended" in early.stderr
    assert "hint: wait until it ends, or `alchemesh up` deploys the rest" in early.stderr
    assert first.end()[0] == 0
    shop.edit("amount: {type: number,", "note: {type: string}\n      amount: {type: number,")
    shop.edit("      version: 1.0.0\n", "      version: 1.1.0\n")
    second = start_held(shop, Hold("before", "alchemesh:local:DeltaTable"), tmp_path / "second", "up", "--yes")
    assert "3 orders written" in shop.done("run")
    code, err = second.end()
    assert code == 0, err
    [port] = shop.json("status")["outputs"]
    assert [(asset["name"], asset["rows"]) for asset in port["assets"]] == [("order", 3)]
    assert shop.json("up", "--yes")["changes"].keys() == {"same"}


@WITH_API
def test_two_products_are_deployed_at_the_same_time(shop: Shop, tmp_path: Path) -> None:
    other = write_shop(tmp_path / "returns", shop.home, MANIFEST)
    other.edit("name: orders\n", "name: returns\n")
    both = [product.start("up", "--yes") for product in (shop, other)]
    for process in both:
        _out, err = process.communicate(timeout=LONGEST)
        assert process.returncode == 0, err
    products = json.dumps(shop.json("status", "--all"))
    assert "shop/orders" in products
    assert "shop/returns" in products


def test_an_unwritable_registry_is_reported_before_anything_is_created(shop: Shop) -> None:
    blocked = shop.home / "local" / "registry.db"
    blocked.mkdir(parents=True)
    failed = shop.run("up", "--yes")
    assert failed.returncode == 1
    assert "registry" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (shop.home / "local" / "data").exists()
    blocked.rmdir()
    shop.done("up", "--yes")


@WITH_API
def test_a_port_in_use_is_reported_with_its_process(shop: Shop) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        shop.edit(
            "protocols: [sql, rest, graphql]}", f"protocols: [sql, rest, graphql], args: {{http_port: {number}}}}}"
        )
        failed = shop.run("up", "--yes")
        assert failed.returncode == 1
        assert str(number) in failed.stderr
        assert f"{os.getpid()}" in failed.stderr, "it says which process has the port"
    shop.done("up", "--yes")


def test_a_missing_engine_is_reported_with_every_way_to_install_one(shop: Shop, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    failed = shop.run("up", "--yes", more={"PATH": str(empty), "ALCHEMESH_CACHE": str(empty), "ALCHEMESH_ENGINE": ""})
    assert failed.returncode == 6
    assert "pulumi" in failed.stderr.lower()
    assert "hint:" in failed.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A folder whose files may hold four megabytes each: writers see it as a full disk."""
    folder = tmp_path / "small"
    folder.mkdir()
    return folder


def test_a_full_disk_is_reported_and_no_file_is_half_written(shop: Shop, small_disk: Path) -> None:
    shop.done("up", "--yes")
    shop.done("run")
    big = shop.folder / "incoming" / "big.csv"
    with big.open("w", encoding="utf-8") as file:
        file.write("order_id,amount\n")
        for number in range(10, 400_010):
            file.write(f"{number},{number * 7919 % 100_003}.25\n")
    limit = 1_000_000  # bytes that one file may have: the write of the landed file ends in the middle
    limited = subprocess.run(
        ["prlimit", f"--fsize={limit}", "--", *COMMAND, "up", "--yes"],
        cwd=shop.folder,
        env=shop.environment(),
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert limited.returncode == 1, limited.stderr
    assert "Traceback" not in limited.stderr
    landed = shop.home / "local" / "data" / "shop" / "orders" / "sales"
    assert [path.name for path in landed.rglob("*big*")] == [], "no half of a file is left"
    shop.done("up", "--yes")
    assert "400003 orders written" in shop.done("run")


@WITH_API
def test_no_file_contains_a_secret_in_plain_text(shop: Shop, tmp_path: Path) -> None:
    shop.edit('args: {entrypoint: "job:main"}', 'args: {entrypoint: "job:main", env: {TOKEN: {secret: SHOP_TOKEN}}}')
    job = shop.folder / "job.py"
    job.write_text(
        job.read_text("utf-8").replace("def main() -> None:\n", "def main() -> None:\n    print('token', TOKEN)\n"),
        "utf-8",
    )
    job.write_text("import os\n\nTOKEN = os.environ['TOKEN']\n" + job.read_text("utf-8"), "utf-8")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    more = {"SHOP_TOKEN": SECRET, "TMPDIR": str(temporary)}
    reported = [
        shop.run(*command, more=more)
        for command in (("preview", "--json"), ("up", "--yes"), ("run",), ("status", "--json"), ("env", "--json"))
    ]
    assert [result.returncode for result in reported] == [0] * len(reported), [result.stderr for result in reported]
    assert "token [secret]" in reported[2].stdout
    for result in reported:
        assert SECRET not in result.stdout + result.stderr
    written = everything_in(shop.home, temporary)
    assert b"SHOP_TOKEN" in written, "the reference is what is kept"
    assert SECRET.encode() not in written


def test_a_secret_without_a_value_is_reported_by_name(shop: Shop) -> None:
    shop.edit('args: {entrypoint: "job:main"}', 'args: {entrypoint: "job:main", env: {TOKEN: {secret: SHOP_TOKEN}}}')
    shop.done("up", "--yes")
    failed = shop.run("run")
    assert failed.returncode == 1
    assert "SHOP_TOKEN" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_code_that_fails_keeps_its_output_and_exit_status(shop: Shop) -> None:
    (shop.folder / "job.py").write_text(
        "import sys\n\ndef main() -> None:\n    print('half way')\n    sys.exit(7)\n", "utf-8"
    )
    shop.done("up", "--yes")
    failed = shop.run("run")
    assert failed.returncode == 7
    assert "half way" in failed.stdout
    history = shop.done("status", "--history", "--json")
    assert '"exit_status": 7' in history
    assert "half way" in history


def test_problems_exit_with_status_three_and_name_every_line(shop: Shop) -> None:
    shop.edit("component: columnar-table", "component: columnar-tabel")
    shop.edit("models: [order]", "models: [ordre]")
    failed = shop.run("up", "--yes")
    assert failed.returncode == 3
    assert "did you mean 'columnar-table'" in failed.stderr
    assert "did you mean 'order'" in failed.stderr
