"""Meshes and products that tests start from."""

from __future__ import annotations

from alchemesh_platform.mesh_repo.mesh import Mesh
from alchemesh_platform.registry.records import (
    DomainRecord,
    LineageRecord,
    ProductRecord,
    Record,
    SourceSystemRecord,
    TeamRecord,
    UserRecord,
)


def domain(environment: str, name: str, type_: str = "source_aligned", owner: str = "amelia@a.example") -> DomainRecord:
    return DomainRecord(environment=environment, address=name, type=type_, owner=owner)


def team(environment: str, address: str, kind: str = "data_product_team", *members: str) -> TeamRecord:
    of, _, name = address.partition("/")
    return TeamRecord(
        environment=environment, address=address, domain=of, name=name, team_kind=kind, members=tuple(sorted(members))
    )


def system(environment: str, address: str, technology: str = "") -> SourceSystemRecord:
    of, _, name = address.partition("/")
    return SourceSystemRecord(environment=environment, address=address, domain=of, name=name, technology=technology)


def user(environment: str, email: str, *personas: str) -> UserRecord:
    return UserRecord(
        environment=environment, address=email, name=email.partition("@")[0].title(), personas=tuple(sorted(personas))
    )


def product(
    environment: str,
    address: str,
    team_name: str = "flight-data",
    owner: str = "amelia@a.example",
    source_systems: tuple[str, ...] = (),
) -> ProductRecord:
    return ProductRecord(
        environment=environment,
        address=address,
        team=team_name,
        owner=owner,
        version="1.0.0",
        lifecycle="stable",
        source_systems=source_systems,
    )


def inflow(environment: str, source: str, target: str) -> LineageRecord:
    return LineageRecord(
        environment=environment,
        address=f"{source} -> {target}",
        product=target.rpartition("/")[0],
        source=source,
        source_kind="source_system",
        target=target,
    )


def airport(environment: str) -> list[Record]:
    """Two domains with a team each, a source system, and two users."""
    return [
        domain(environment, "aviation"),
        domain(environment, "operations", "consumer_aligned", "bessie@a.example"),
        team(environment, "aviation/flight-data", "data_product_team", "amelia@a.example", "bessie@a.example"),
        team(environment, "operations/desk", "data_product_team", "bessie@a.example"),
        system(environment, "aviation/dispatch", "Oracle"),
        user(environment, "amelia@a.example", "data_product_owner", "data_product_developer"),
        user(environment, "bessie@a.example", "data_product_owner"),
    ]


def airport_mesh(environment: str, *more: Record, without: tuple[str, ...] = ()) -> Mesh:
    """The airport's mesh, with records added or replaced, and without those of some addresses."""
    records = {(record.kind, record.address): record for record in (*airport(environment), *more)}
    return Mesh.of(record for (_, address), record in sorted(records.items()) if address not in without)
