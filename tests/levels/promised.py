"""A product with a contract in a registry, for the tests of commitments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from alchemesh_platform.measures.report import Report, read_report
from alchemesh_platform.registry.observations.series import add_reports
from alchemesh_platform.registry.records import AssetRecord, ContractRecord, PortRecord, ProductRecord
from alchemesh_platform.registry.store import Registry

ENVIRONMENT = "local"
PRODUCT = "aviation/flights"
PORT = f"{PRODUCT}/flights-table"
ASSET = f"{PORT}/flight"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def promise(
    registry: Registry, *, environment: str = ENVIRONMENT, assets: tuple[str, ...] = ("flight",), **promised: Any
) -> None:
    """Record a port with a contract: ``service_levels``, ``quality`` and everything else of it by name."""
    document = {"version": "1.0.0", "lifecycle": "active", "access": "restricted", **promised}
    registry.write(
        [
            ProductRecord(
                environment=environment,
                address=PRODUCT,
                team="flight-data",
                owner="amelia@airport.example",
                version="1.0.0",
                lifecycle="stable",
            ),
            PortRecord(environment=environment, address=PORT, product=PRODUCT, direction="output", models=assets),
            *(
                AssetRecord(
                    environment=environment,
                    address=f"{PORT}/{model}",
                    product=PRODUCT,
                    port=PORT,
                    model=model,
                    definition={"properties": {"id": {"type": "string"}}},
                )
                for model in assets
            ),
            ContractRecord(
                environment=environment,
                address=PORT,
                product=PRODUCT,
                version=document["version"],
                lifecycle=document["lifecycle"],
                access=document["access"],
                document=document,
            ),
        ]
    )


def measured(measure: str, at: datetime = NOW, subject: str = ASSET, **content: Any) -> Report:
    return read_report({"product": PRODUCT, "subject": subject, "measure": measure, "measured_at": at, **content})


def add(registry: Registry, *reports: Report, environment: str = ENVIRONMENT, now: datetime | None = None) -> None:
    """Add reports; each one must be accepted."""
    received = now or max(report.measured_at for report in reports) + timedelta(seconds=1)
    done = add_reports(registry, environment, reports, "platform", received)
    assert [each.reason for each in done.refused] == []
