"""A product repo in a temporary folder, and the command line as a user runs it: in separate processes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.machine.servers.processes import run_folders
from alchemesh_platform.machine.servers.supervisor import config_folder, end_remains_of, shut_down
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.records import GrantRecord
from alchemesh_platform.registry.store import Registry
from tests.commands import run_command, start_command
from tests.waiting import arguments_of

MANIFEST = """\
kind: DataProduct
name: orders
domain: shop
team: order-data
owner: ada@shop.example
version: 1.0.0
lifecycle: development
source_systems: [till]
input_ports:
  - name: sales
    from: {source_system: till}
    component: file-ingestion
    args: {path: "incoming/*.csv", format: csv, null_values: ["", NA]}
models:
  order:
    description: One order.
    properties:
      order_id: {type: integer, key: true, required: true, description: Number of the order}
      amount: {type: number, description: Euros}
infrastructure:
  - name: workspace
    component: object-storage
code:
  component: python-job
  args: {entrypoint: "job:main"}
output_ports:
  - name: orders-table
    models: [order]
    storage: {component: columnar-table}
    proxy: {component: data-api, protocols: [sql, rest, graphql]}
    contract:
      version: 1.0.0
      lifecycle: active
      access: internal
      terms: {notice_period: 30d}
"""

_API = "    proxy: {component: data-api, protocols: [sql, rest, graphql]}\n"
_CODE = """\
code:
  component: python-job
  args: {entrypoint: "job:main"}
"""
# These start no process. A data API takes several times as long as the rest of a deployment.
TABLE_ALONE = MANIFEST.replace(_API, "")
PORT_ALONE = TABLE_ALONE.replace(_CODE, "")
WITH_API = pytest.mark.parametrize("shop", [MANIFEST], ids=["with a data API"], indirect=True)

JOB = """\
from alchemesh_platform.connections import connections


def main() -> None:
    here = connections()
    sales = here.input("sales").read().duckdb()
    rows = sales.project("order_id::BIGINT AS order_id, amount::DOUBLE AS amount")
    written = here.output("orders-table").write("order", rows, mode="overwrite")
    print(f"{written.rows} orders written")
"""


@dataclass(slots=True)
class Shop:
    """A product repo with its own platform home.

    Args:
        folder: The repo.
        home: Folder of state, registry and data.
        environ: More environment variables for every command.
    """

    folder: Path
    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def manifest(self) -> Path:
        return self.folder / "alchemesh.yaml"

    def edit(self, old: str, new: str) -> None:
        """Change the manifest; the replaced text must exist."""
        text = self.manifest.read_text("utf-8")
        assert old in text, f"{old!r} is not in the manifest"
        self.manifest.write_text(text.replace(old, new), "utf-8")

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, "ALCHEMESH_HOME": str(self.home), "NO_COLOR": "1", **self.environ, **(more or {})}

    def start(self, *arguments: str, more: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command and return immediately."""
        return start_command(arguments, self.folder, self.environment(more))

    def run(self, *arguments: str, more: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever its exit code."""
        return run_command(arguments, self.folder, self.environment(more))

    def done(self, *arguments: str, more: Mapping[str, str] | None = None) -> str:
        """Run a command that must succeed; returns its stdout."""
        result = self.run(*arguments, more=more)
        assert result.returncode == 0, f"{arguments} left with {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def json(self, *arguments: str) -> Any:
        """Run a command that must succeed with ``--json``; returns the document."""
        return json.loads(self.done(*arguments, "--json"))

    def registry(self) -> Registry:
        """The registry that the commands use."""
        return Registry.open(load_platform(None, "local", self.home).registry)

    def deployed(self, project: str = "*") -> bool:
        """Whether a state of this home has a resource, or an unfinished operation.

        Args:
            project: That of one product, such as `shop.orders`.
        """
        for file in (self.home / "local" / "state" / ".pulumi" / "stacks").glob(f"{project}/*.json"):
            latest = json.loads(file.read_bytes())["checkpoint"]["latest"] or {}
            if latest.get("resources") or latest.get("pending_operations"):
                return True
        return False

    def take_down(self) -> None:
        """Stop every process of this home. Its files go with the folder of the test."""
        for folder in list(run_folders(self.home)):
            end_remains_of(config_folder(folder).absolute())
            shut_down(folder)

    def remove(self) -> None:
        """Destroy the deployed product, which has resources elsewhere, even if a consumer still has a grant."""
        if not self.deployed():
            return
        if self.run("destroy", "--yes").returncode == ExitCode.FORBIDDEN:
            with self.registry() as registry:
                for grant in registry.all(GrantRecord):
                    registry.remove(GrantRecord, grant.environment, grant.address)
            self.run("destroy", "--yes")


def write_shop(folder: Path, home: Path, manifest: str = TABLE_ALONE) -> Shop:
    """Write a product repo with three orders to land and a job that writes them."""
    (folder / "incoming").mkdir(parents=True)
    (folder / "incoming" / "monday.csv").write_text("order_id,amount\n1,10.5\n2,20\n3,NA\n", "utf-8")
    (folder / "alchemesh.yaml").write_text(manifest, "utf-8")
    (folder / "job.py").write_text(JOB, "utf-8")
    return Shop(folder, home)


def everything_in(*folders: Path) -> bytes:
    """The content of all files below some folders in one piece, to search for text that must not be there."""
    written = []
    for file in sorted(file for folder in folders for file in folder.rglob("*") if file.is_file()):
        with suppress(FileNotFoundError):  # a running process has replaced it
            written.append(file.read_bytes())
    return b"\n".join(written)


def engines_below(pid: int) -> list[psutil.Process]:
    """The engine's processes that a command has started."""
    return below(pid, "--event-log")


def below(pid: int, argument: str) -> list[psutil.Process]:
    """The processes of a command that have an argument with that text."""
    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:  # it ended while we looked
        return []
    return [child for child in children if any(argument in part for part in arguments_of(child))]


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill processes; some may have ended already."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
