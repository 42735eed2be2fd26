"""``python -m benchmarks.verified FOLDER CONTRACT``: run the tests of a contract on the Delta table `sale` of a folder.

A process of its own, so that its time and its memory can be measured from outside. It prints the outcomes.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

from alchemesh_platform.connections import TablesConnection
from alchemesh_platform.manifest.models import Property, QualityRule
from alchemesh_platform.quality.rules import verify
from alchemesh_platform.quality.tables import Deadline, MeasuredPort, Tables
from alchemesh_platform.sdk.connections.ports import PortConnections
from alchemesh_platform.systems.local.quality.delta import measure


def tables_of(folder: Path, model: dict[str, Property]) -> Tables:
    """The table `sale` of a folder, opened for measuring."""
    from alchemesh_platform.data.port import PortData

    storage = PortConnections(
        storage=TablesConnection(format="delta", tables={"sale": (folder / "sale").as_uri()})
    ).storage
    port = PortData("retail/orders", "shop", "output", storage, None, {"sale": model})
    return measure(
        MeasuredPort(
            product="retail/orders",
            name="shop",
            connection=storage,
            models={"sale": model},
            read=lambda name: port.read(name, None, None),
        )
    )


def outcomes(folder: Path, model: dict[str, Property], rules: list[QualityRule]) -> list[str]:
    """The outcome of each test."""
    with tables_of(folder, model) as tables:
        return [each.outcome for each in verify(tables, {"sale": model}, rules, Deadline(timedelta(hours=1)))]


def main(folder: Path, contract: Path) -> None:
    """Print the outcomes."""
    document = json.loads(contract.read_text("utf-8"))
    model = {name: Property.model_validate(each) for name, each in document["properties"].items()}
    print(json.dumps(outcomes(folder, model, [QualityRule.model_validate(each) for each in document["quality"]])))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
