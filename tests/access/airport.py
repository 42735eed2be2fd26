"""A mesh with a port of each access type, and users with the rights to request and decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from alchemesh_platform.access.approval.rules import AutoApproval
from alchemesh_platform.access.requester import Requester
from alchemesh_platform.access.requests.acts import Requests
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    AssetRecord,
    ContractRecord,
    PortRecord,
    Record,
    RequestState,
)
from alchemesh_platform.registry.store import Registry
from tests.mesh_repo.meshes import domain, product, team, user

AMELIA, WILBUR = "amelia@airport.example", "wilbur@airport.example"
BESSIE, ORVILLE = "bessie@airport.example", "orville@airport.example"
KATHERINE, STRANGER = "katherine@airport.example", "root@laptop"

FLIGHTS = "aviation/flights"
RESTRICTED, INTERNAL, PUBLIC, BARE = (f"{FLIGHTS}/{name}" for name in ("restricted", "internal", "public", "bare"))

PUNCTUALITY = Requester("data_product", "operations/punctuality")
NOISE = Requester("data_product", "aviation/noise")
DESK = Requester("technical_team", "operations/desk")
OPERATIONS = Requester("data_domain", "operations")


def port(environment: str, address: str, direction: str = "output", origin: str | None = None) -> PortRecord:
    return PortRecord(
        environment=environment,
        address=address,
        product=address.rpartition("/")[0],
        direction=direction,
        origin=origin,
        from_product=origin is not None,
    )


def contract(environment: str, address: str, access: str) -> ContractRecord:
    return ContractRecord(
        environment=environment,
        address=address,
        product=address.rpartition("/")[0],
        version="1.0.0",
        lifecycle="active",
        access=access,
        document={},
    )


def mesh_records(environment: str) -> list[Record]:
    return [
        domain(environment, "aviation", owner=AMELIA),
        domain(environment, "operations", "consumer_aligned", BESSIE),
        team(environment, "aviation/flight-data", "data_product_team", AMELIA, WILBUR),
        team(environment, "operations/desk", "data_product_team", BESSIE, ORVILLE),
        team(environment, "operations/night-desk", "data_product_team", ORVILLE),
        user(environment, AMELIA, "data_product_owner"),
        user(environment, WILBUR, "data_product_developer"),
        user(environment, BESSIE, "data_product_owner"),
        user(environment, ORVILLE, "data_product_consumer"),
        user(environment, KATHERINE, "platform_owner"),
    ]


def product_records(environment: str) -> list[Record]:
    flight = AssetRecord(
        environment=environment,
        address=f"{RESTRICTED}/flight",
        product=FLIGHTS,
        port=RESTRICTED,
        model="flight",
        definition={"properties": {"tail": {"type": "string", "classification": "confidential"}, "id": {}}},
    )
    return [
        product(environment, FLIGHTS, owner=AMELIA),
        *(port(environment, address) for address in (RESTRICTED, INTERNAL, PUBLIC, BARE)),
        port(environment, f"{FLIGHTS}/departures", "input", "aviation/dispatch"),
        contract(environment, RESTRICTED, "restricted"),
        contract(environment, INTERNAL, "internal"),
        contract(environment, PUBLIC, "public"),
        flight,
    ]


def record_airport(registry: Registry, environment: str) -> None:
    registry.write([*mesh_records(environment), *product_records(environment)])


@dataclass(frozen=True)
class Airport:
    """A recorded mesh; ``by`` gives the requests as one user sees them."""

    registry: Registry
    environment: str
    clock: Callable[[], datetime]

    def by(self, subject: str, auto: AutoApproval | None = None) -> Requests:
        return Requests(self.registry, self.environment, Identity(subject, "local"), auto, self.clock)

    def ask(
        self, port: str = RESTRICTED, requester: Requester = PUNCTUALITY, by: str | None = None
    ) -> AccessRequestRecord:
        """Request access as a permitted user, unless the test names a user."""
        return self.by(by or somebody_of(requester)).ask(port, requester, "how punctual carriers are")

    def state(self, request: AccessRequestRecord) -> RequestState:
        found = self.registry.get(AccessRequestRecord, self.environment, request.address)
        assert found is not None
        return found.state


def somebody_of(requester: Requester) -> str:
    """One of the people with the right to act for a requester."""
    if requester.kind == "user":
        return requester.address
    return BESSIE if requester.address.startswith("operations") else AMELIA
