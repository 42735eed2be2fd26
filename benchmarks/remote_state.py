"""`alchemesh up` with its state in S3 against the same with a folder, and against plain Pulumi with the same bucket."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from alchemesh_platform.engine.discover import find_engine
from benchmarks import bare
from benchmarks.engine import ALCHEMESH, run_bare
from benchmarks.measure import Measured, Ratio, against, measure
from benchmarks.product import ports_for, write_product
from parts.buckets import CREDENTIALS, s3_bucket

RESOURCES = 100
RUNS = 2
FILE_LIMIT = 1.3
PLAIN_LIMIT = 0.5  # several times faster


def ratios() -> Iterator[Ratio]:
    """First `up` of a hundred resources, in turns: state in S3, in a folder, and plain Pulumi on S3."""
    engine = find_engine().path
    in_s3: list[Measured] = []
    in_folder: list[Measured] = []
    plain: list[Measured] = []
    os.environ.update(CREDENTIALS)
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder, s3_bucket() as bucket:
            root = Path(folder)
            manifest = write_product(root / "product", ports_for(RESOURCES))
            in_folder.append(_up(manifest, root / "file", f"file://{root}/state"))
            in_s3.append(_up(manifest, root / "s3", bucket.address))
            state = root / "state.json"
            written = bucket.read(".pulumi/stacks/bench.product/bench.json").decode()
            state.write_text(written.replace(str(root / "s3"), str(root / "bare")), "utf-8")
            bare.prepare(root / "bare", engine, f"{bucket.address}&region=us-east-1")
            plain.append(run_bare("up", state, root / "bare", engine, f"{bucket.address}&region=us-east-1"))
    what = f"first `up`, {RESOURCES} resources, state in S3"
    yield against(what, in_s3, "the same, state in a folder", in_folder, limit=FILE_LIMIT)
    yield against(what, in_s3, "bare Pulumi program, state in S3", plain, limit=PLAIN_LIMIT)


def _up(manifest: Path, home: Path, state: str) -> Measured:
    platform = home.with_suffix(".yaml")
    environment = {"extends": "builtin/local", "state": state}
    platform.write_text(
        json.dumps({"kind": "Platform", "name": "bench", "environments": {"bench": environment}}), "utf-8"
    )
    environ = {**os.environ, "ALCHEMESH_HOME": str(home), "NO_COLOR": "1"}
    where = ["-e", "bench", "--platform", str(platform), "-C", str(manifest.parent)]
    measure([ALCHEMESH, "preview", *where], environ=environ)  # makes the stack, as `prepare` does for the bare program
    return measure([ALCHEMESH, "up", "--yes", *where], environ=environ)
