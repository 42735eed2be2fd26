"""`alchemesh run` of an empty job in Airflow against a bare client of Airflow's REST interface, on the same DAG."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Measured, Ratio, against, measure
from benchmarks.sections.engine import ALCHEMESH

RUNS = 5
LIMIT = 1.1
MANIFEST = """\
kind: DataProduct
name: empty
domain: bench
team: bench
owner: ada@bench.example
version: 1.0.0
description: A product whose code does nothing.
code:
  component: airflow-dag
  args: {entrypoint: "job.py"}
"""
# A program without the platform: sign in, start the DAG, ask for the state, read the log.
CLIENT = """\
import sys, time, uuid
import httpx
address, password = sys.argv[1:]
login = {"username": "alchemesh", "password": password}
token = httpx.post(f"{address}/auth/token", json=login, timeout=60).json()["access_token"]
runs = f"{address}/api/v2/dags/bench__empty/dagRuns"
client = httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60)
run = client.post(runs, json={"dag_run_id": uuid.uuid4().hex, "logical_date": None, "conf": {}}).json()["dag_run_id"]
while (state := client.get(f"{runs}/{run}").json()["state"]) not in ("success", "failed"):
    time.sleep(0.5)
print(client.get(f"{runs}/{run}/taskInstances/code/logs/1").text)
sys.exit(state != "success")
"""


def ratios() -> Iterator[Ratio]:
    """Both start the same DAG of the same server, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        product, home = Path(folder, "product"), Path(folder, "home")
        product.mkdir()
        (product / "alchemesh.yaml").write_text(MANIFEST, "utf-8")
        (product / "job.py").write_text("", "utf-8")
        environ = {**os.environ, "ALCHEMESH_HOME": str(home)}
        try:
            measure([ALCHEMESH, "up", "--yes"], cwd=product, environ=environ)
            server = json.loads((home / "local" / "run" / "_airflow" / "server.json").read_bytes())
            bare = [sys.executable, "-c", CLIENT, f"http://127.0.0.1:{server['port']}", server["password"]]
            measure(bare)  # the first run after a start waits for workers
            ours: list[Measured] = []
            theirs: list[Measured] = []
            for _ in range(RUNS):
                ours.append(measure([ALCHEMESH, "run"], cwd=product, environ=environ))
                theirs.append(measure(bare))
        finally:
            measure([ALCHEMESH, "destroy", "--yes"], cwd=product, environ=environ)
    yield against("`run` of an empty job in Airflow", ours, "a bare client of Airflow's REST", theirs, limit=LIMIT)
