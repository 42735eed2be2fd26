"""`refresh --preview-only` reports changes by hand of real tables and folders, and changes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from deltalake import DeltaTable

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.registry.audit import links
from tests.end_to_end.harness import PORT_ALONE, Shop, write_shop

pytestmark = pytest.mark.engine

DRIFT = ("refresh", "--preview-only", "--detailed-exitcode")


def recorded(shop: Shop) -> list[str]:
    """The operations in the history, and the acts in the audit log."""
    with shop.registry() as registry:
        acts = [link.digest for link in links(registry, "local")]
        return [*(each.id for each in registry.deployments()), *acts]


def test_changes_by_hand_are_drift_and_new_files_are_not(tmp_path: Path) -> None:
    shop = write_shop(tmp_path / "orders", tmp_path / "home", PORT_ALONE)
    assert shop.run(*DRIFT).returncode == ExitCode.UNRECORDED, "nothing is deployed"
    shop.done("up", "--yes")
    same = shop.run(*DRIFT)
    assert (same.returncode, same.stdout.splitlines()[-1]) == (ExitCode.DONE, "no drift")

    [log] = shop.home.rglob("_delta_log")
    DeltaTable(str(log.parent)).alter.set_table_description("by hand")
    [workspace] = shop.home.glob("local/data/**/workspace")
    shutil.rmtree(workspace)
    (shop.folder / "incoming" / "tuesday.csv").write_text("order_id,amount\n4,1\n", "utf-8")
    [state] = shop.home.glob("local/state/.pulumi/stacks/*/*.json")
    before = state.read_bytes(), recorded(shop)

    found = shop.run(*DRIFT, "--json")
    assert found.returncode == ExitCode.CHANGES
    document = json.loads(found.stdout)
    assert document["preview_only"] is True
    removed, changed = document["drift"]
    assert (removed["port"], removed["change"]) == ("workspace", "removed")
    assert (changed["port"], changed["change"], changed["by"]) == ("orders-table", "changed", None)
    assert changed["properties"] == [{"path": "description", "declared": "One order.", "found": "by hand"}]
    assert changed["at"] is not None, "the log of the table has the time"
    assert [each["reason"] for each in document["drift_expected"]] == ["source files: 1 new"]

    shown = shop.run(*DRIFT).stdout
    assert 'description  found "by hand", declared "One order."' in shown
    assert "1 changed by hand · 1 removed by hand · 1 expected difference · next: alchemesh up" in shown
    assert (state.read_bytes(), recorded(shop)) == before, "nothing is recorded"

    shop.done("up", "--yes")
    assert shop.run(*DRIFT).returncode == ExitCode.DONE, "`up` corrects the drift"
