"""A port with a contract in a registry, as a deployment records it, and its possible changes."""

from __future__ import annotations

from typing import Any

from alchemesh_platform.registry.records import (
    ContractRecord,
    GrantRecord,
    PortRecord,
    ProductRecord,
    UserRecord,
)
from alchemesh_platform.registry.store import Registry

PRODUCT = "aviation/flights"
PORT = f"{PRODUCT}/flights-table"
OWNER = "amelia@airport.example"
PLATFORM_OWNER = "katherine@airport.example"
MODELS: dict[str, dict[str, Any]] = {
    "flight": {"properties": {"flight_id": {"type": "string", "key": True}, "tail_number": {"type": "string"}}}
}


def contract(
    environment: str,
    version: str = "2.0.0",
    lifecycle: str = "active",
    *,
    models: dict[str, dict[str, Any]] | None = None,
    access: str = "internal",
    period: str = "90d",
) -> ContractRecord:
    return ContractRecord(
        environment=environment,
        address=PORT,
        product=PRODUCT,
        version=version,
        lifecycle=lifecycle,
        access=access,
        document={
            "version": version,
            "lifecycle": lifecycle,
            "access": access,
            "terms": {"notice_period": period} if period else {},
        },
        models=MODELS if models is None else models,
        protocols=("sql", "rest"),
    )


def grant(environment: str, number: int = 0, **more: Any) -> GrantRecord:
    fields = {"requester_kind": "data_product", "requester": f"marketing/campaigns-{number}", **more}
    return GrantRecord(environment=environment, address=f"req-{number:08x}", product=PRODUCT, port=PORT, **fields)


def deployed(registry: Registry, environment: str, promised: ContractRecord) -> None:
    """Record the product with its port, contract and owners."""
    registry.write(
        [
            ProductRecord(
                environment=environment,
                address=PRODUCT,
                team="flight-data",
                owner=OWNER,
                version="1.0.0",
                lifecycle="stable",
            ),
            PortRecord(
                environment=environment,
                address=PORT,
                product=PRODUCT,
                direction="output",
                storage="delta-table",
                storage_type="columnar-table",
                models=tuple(promised.models),
            ),
            UserRecord(environment=environment, address=PLATFORM_OWNER, name="Katherine", personas=("platform_owner",)),
            promised,
        ]
    )
