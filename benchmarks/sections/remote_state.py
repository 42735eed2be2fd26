"""`alchemesh up` with its state in S3 against the same with a folder, and against plain Pulumi with the same bucket."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from alchemesh_platform.engine.install.find import find_engine
from benchmarks import bare
from benchmarks.measure import Measured, Ratio, against, measure
from benchmarks.product import ports_for, write_product
from benchmarks.sections.engine import ALCHEMESH, run_bare
from parts.buckets import CREDENTIALS, s3_bucket

RESOURCES = 100
RUNS = 3
# "Median latencies are often in the tens of milliseconds range" for requests of less than 512 KB:
# https://docs.aws.amazon.com/whitepapers/latest/s3-optimizing-performance-best-practices/timeouts-and-retries-for-latency-sensitive-applications.html
WAIT_SECONDS = 0.03
FILE_LIMIT = 1.3
PLAIN_LIMIT = 0.5  # several times faster


def ratios() -> Iterator[Ratio]:
    """First `up` of a hundred resources, with a bucket that takes as long to answer as S3 and one that does not."""
    for wait_seconds in (WAIT_SECONDS, 0.0):
        in_s3, in_folder, plain = _measured(find_engine().path, wait_seconds)
        answers = f"answers after {wait_seconds * 1000:.0f} ms" if wait_seconds else "answers at once"
        what = f"first `up`, {RESOURCES} resources, state in S3 that {answers}"
        yield against(what, in_s3, "the same, state in a folder", in_folder, limit=FILE_LIMIT)
        # Where storage takes no time there is none to save; what is promised is about storage as it is.
        limit = PLAIN_LIMIT if wait_seconds else None
        yield against(what, in_s3, "bare Pulumi program, the same bucket", plain, limit=limit)


def _measured(engine: Path, wait_seconds: float) -> tuple[list[Measured], list[Measured], list[Measured]]:
    """In turns: ours with a bucket, ours with a folder, a bare program with the same resources and the bucket."""
    in_s3: list[Measured] = []
    in_folder: list[Measured] = []
    plain: list[Measured] = []
    os.environ.update(CREDENTIALS)
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder, s3_bucket(wait_seconds) as bucket:
            root = Path(folder)
            manifest = write_product(root / "product", ports_for(RESOURCES))
            in_folder.append(_up(manifest, root / "file", f"file://{root}/state"))
            in_s3.append(_up(manifest, root / "s3", bucket.address))
            state = root / "state.json"
            written = bucket.read(".pulumi/stacks/bench.product/bench.json").decode()
            state.write_text(written.replace(str(root / "s3"), str(root / "bare")), "utf-8")
            bare.prepare(root / "bare", engine, f"{bucket.address}&region=us-east-1")
            plain.append(run_bare("up", state, root / "bare", engine, f"{bucket.address}&region=us-east-1"))
    return in_s3, in_folder, plain


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
