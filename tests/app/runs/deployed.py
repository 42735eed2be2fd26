"""A deployed product with code on this machine, without an engine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.registry.records import ProductRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.sdk.code.description import JobDescription
from alchemesh_platform.systems.local.jobs.job import write_job

PRODUCT = "shop/orders"
ADA = "ada@shop.example"


def deploy_code(folder: Path, code: str, *, component: str = "local-python", **described: Any) -> tuple[Platform, Path]:
    """Record a product whose code is a script.

    Returns:
        The environment, and the description of the job.
    """
    platform = load_platform(None, "local", folder / "home")
    (folder / "job.py").write_text(code)
    job = JobDescription(
        owner=f"{PRODUCT}/code",
        environment="local",
        python=sys.executable,
        working_directory=str(folder),
        entrypoint="job.py",
        home=str(folder / "home"),
        **described,
    )
    descriptor = write_job(folder / "run", job)
    connection = {"kind": "job", "entrypoint": "job.py", "descriptor": str(descriptor)}
    with Registry.open(platform.registry) as registry:
        registry.put(
            ProductRecord(
                environment="local",
                address=PRODUCT,
                team="t",
                owner=ADA,
                version="1.2.0",
                lifecycle="active",
                code={"component": component, "component_type": "python-job", "connection": connection},
            )
        )
    return platform, descriptor
