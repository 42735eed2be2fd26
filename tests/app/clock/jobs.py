"""Deployed jobs of a small home: records, descriptions and code, as `up` leaves them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.registry.records import Deployment, PortRecord, ProductRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.tables import changes
from alchemesh_platform.sdk.code.description import JobDescription
from alchemesh_platform.systems.local.jobs.job import write_job

YEARLY = "0 0 1 1 *"  # due by what passed before the test, and not again while it runs
CODE = """
import os, pathlib, sys, time
here = pathlib.Path(__file__).parent
with (here / "ran.txt").open("a") as ran:
    ran.write(f"{os.getpid()}\\n")
while (here / "hold").exists():
    time.sleep(0.01)
print("done")
"""


@dataclass
class Home:
    """A home with deployed jobs.

    Args:
        folder: Folder of the test.
    """

    folder: Path
    platform: Platform = field(init=False)

    def __post_init__(self) -> None:
        self.platform = load_platform(None, "local", self.folder / "home")

    def deploy(self, product: str, *, since: timedelta = timedelta(days=800), **described: Any) -> Path:
        """Record a job as deployed some time ago. Returns the folder of its code."""
        code = self.folder / product.replace("/", ".")
        code.mkdir(exist_ok=True)
        (code / "main.py").write_text(CODE)
        job = JobDescription.model_validate(
            {
                "owner": f"{product}/code",
                "environment": "local",
                "python": sys.executable,
                "working_directory": str(code),
                "entrypoint": "main.py",
                "timeout_seconds": 60,
                "home": str(self.folder / "home"),
                "schedule": YEARLY,
                **described,
            }
        )
        descriptor = write_job(code, job)
        connection = {
            "kind": "job",
            "entrypoint": "main.py",
            "schedule": job.schedule,
            "time_zone": job.time_zone,
            "descriptor": str(descriptor),
        }
        with Registry.open(self.platform.registry) as registry:
            record = ProductRecord(
                environment="local",
                address=product,
                team="t",
                owner="o@a.example",
                version="1.0.0",
                lifecycle="stable",
                code={"component": "local-python", "component_type": "python-job", "connection": connection},
            )
            line = {"environment": "local", "kind": "product", "address": product, "product": product}
            line |= {"change": "created", "document": record.model_dump_json(), "at": datetime.now(UTC) - since}
            with registry.writing() as database:
                database.execute(insert(changes), line)
            registry.put(record)
        return code

    def read(self, product: str, port: str, origin: str) -> None:
        """Record an input port that reads an output port of another product."""
        with Registry.open(self.platform.registry) as registry:
            registry.put(
                PortRecord(
                    environment="local",
                    address=f"{product}/{port}",
                    product=product,
                    direction="input",
                    origin=origin,
                    from_product=True,
                )
            )

    def destroy(self, product: str) -> None:
        """Remove the record of a product."""
        with Registry.open(self.platform.registry) as registry:
            registry.remove(ProductRecord, "local", product)

    def runs(self, product: str) -> list[Deployment]:
        """The runs of a product, newest first."""
        with Registry.open(self.platform.registry) as registry:
            return registry.deployments(product, "local", operations=("run",))

    def starts(self, product: str) -> int:
        """How often the code of a product has begun."""
        file = self.folder / product.replace("/", ".") / "ran.txt"
        return len(file.read_text().splitlines()) if file.is_file() else 0
