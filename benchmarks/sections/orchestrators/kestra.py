"""`alchemesh run` of an empty job in Kestra, against a plain client of Kestra's API that runs the same flow."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Measured, Ratio, against, measure
from parts.kestra import kestra

ALCHEMESH = str(Path(sys.executable).with_name("alchemesh"))
LIMIT = 1.1
RUNS = 7
MANIFEST = """\
kind: DataProduct
name: empty
domain: bench
team: bench
owner: bench@acme.example
version: 1.0.0
description: An empty job
code:
  component: kestra-flow
  args: {entrypoint: "job:main"}
"""
PLATFORM = """\
kind: Platform
name: bench
environments:
  local: {{extends: builtin/local, settings: {{kestra: {{address: "{address}"}}}}}}
"""
# Starts an execution and asks for its state each half second, as Kestra's documentation shows it, without a model.
CLIENT = """\
import sys, time, httpx
url = sys.argv[1] + "/api/v1/main/executions"
with httpx.Client(timeout=60) as client:
    run = client.post(url + "/bench.empty/code").raise_for_status().json()["id"]
    while (state := client.get(f"{url}/{run}").json()["state"]["current"]) not in ("SUCCESS", "FAILED", "KILLED"):
        time.sleep(0.5)
sys.exit(state != "SUCCESS")
"""


def ratios() -> Iterator[Ratio]:
    """Runs in turns, each to its end."""
    ours: list[Measured] = []
    theirs: list[Measured] = []
    with kestra() as server, tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        product = root / "product"
        product.mkdir()
        (product / "alchemesh.yaml").write_text(MANIFEST, "utf-8")
        (product / "platform.yaml").write_text(PLATFORM.format(address=server.url), "utf-8")
        (product / "job.py").write_text("def main() -> None: ...\n", "utf-8")
        environ = {**os.environ, "ALCHEMESH_HOME": str(root / "home"), "NO_COLOR": "1"}
        measure([ALCHEMESH, "up", "--yes"], cwd=product, environ=environ)
        client = [sys.executable, "-c", CLIENT, server.url]
        measure(client)  # Kestra compiles its code on the first run
        for _ in range(RUNS):
            ours.append(measure([ALCHEMESH, "run"], cwd=product, environ=environ))
            theirs.append(measure(client))
        measure([ALCHEMESH, "destroy", "--yes"], cwd=product, environ=environ)
    yield against("`run` of an empty job", ours, "Kestra's API, by httpx", theirs, limit=LIMIT)
