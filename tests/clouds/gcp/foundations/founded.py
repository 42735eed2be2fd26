"""A product's repo whose platform file names the foundations of products, next to the example's mesh repo."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.builtin import ROOT
from tests.clouds.gcp.repo import Repo, platform_file, repo_in

PLATFORM = platform_file(
    "platform-foundation: gcp-platform",
    "domain-foundation: gcp-domain",
    "object-storage: gcs-bucket",
    "python-job: cloud-run-job",
    gcp=["budget: {billing_account: 01AB23-45CD67-89EF01, monthly: {aviation: 800}}"],
)
MANIFEST = """\
kind: DataProduct
name: gates
domain: aviation
team: flight-data
owner: amelia@airport.example
version: 1.2.0
lifecycle: development
source_systems: [dispatch]
infrastructure:
  - {name: workspace, component: object-storage}
code:
  component: python-job
  args: {entrypoint: "gates.clean:main"}
"""


@contextmanager
def founded(folder: Path) -> Iterator[Repo]:
    """The repo, in a new folder."""
    with repo_in(folder / "gates", MANIFEST, PLATFORM) as made:
        shutil.copytree(ROOT / "examples" / "mesh", folder / "mesh")
        yield made


def created(document: dict[str, Any]) -> list[str]:
    """Names of the resources that a run created; it must do nothing else."""
    assert {change["operation"] for change in document["changes"]} <= {"create"}, document["changes"]
    return sorted(change["name"] for change in document["changes"])
