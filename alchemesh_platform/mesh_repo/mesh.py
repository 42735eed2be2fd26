"""The recorded mesh: all of it, or the part that one product refers to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from alchemesh_platform.base.problems import COMPARED_MAX
from alchemesh_platform.registry.records import (
    DomainRecord,
    PolicyRecord,
    Record,
    SourceSystemRecord,
    TeamRecord,
    UserRecord,
)

if TYPE_CHECKING:
    from alchemesh_platform.manifest.models import DataProduct
    from alchemesh_platform.registry.store import Registry

OWNER_PERSONA = "data_product_owner"
PRODUCT_TEAM = "data_product_team"
SOURCE_ALIGNED = "source_aligned"

RecordT = TypeVar("RecordT", bound=Record)


@dataclass(frozen=True, slots=True)
class Mesh:
    """Domains, teams, source systems, users and policies of one environment, by address."""

    domains: Mapping[str, DomainRecord] = field(default_factory=dict)
    teams: Mapping[str, TeamRecord] = field(default_factory=dict)
    source_systems: Mapping[str, SourceSystemRecord] = field(default_factory=dict)
    users: Mapping[str, UserRecord] = field(default_factory=dict)
    policies: Mapping[str, PolicyRecord] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[Record]) -> Mesh:
        """The mesh of the given records, in their order."""
        found = list(records)

        def each(kind: type[RecordT]) -> dict[str, RecordT]:
            return {record.address: record for record in found if isinstance(record, kind)}

        return cls(each(DomainRecord), each(TeamRecord), each(SourceSystemRecord), each(UserRecord), each(PolicyRecord))

    def records(self) -> Iterator[Record]:
        """Every record: domains, teams, source systems, users, policies."""
        yield from self.domains.values()
        yield from self.teams.values()
        yield from self.source_systems.values()
        yield from self.users.values()
        yield from self.policies.values()


def recorded_mesh(registry: Registry, environment: str) -> Mesh:
    """The whole recorded mesh of an environment."""
    return Mesh.of(
        [
            *registry.all(DomainRecord, environment),
            *registry.all(TeamRecord, environment),
            *registry.all(SourceSystemRecord, environment),
            *registry.all(UserRecord, environment),
            *registry.all(PolicyRecord, environment),
        ]
    )


def mesh_around(registry: Registry, environment: str, product: DataProduct) -> Mesh | None:
    """The part of the recorded mesh that a product refers to; None if no mesh was ever applied.

    This takes four look-ups for a mesh of any size. If a look-up finds nothing, the result also includes likely
    alternatives: the other domains, the teams or source systems of the product's domain, and those with the same name
    in other domains.
    """
    owner = registry.get(UserRecord, environment, product.owner)
    owners = [owner] if owner is not None else []
    domain = registry.get(DomainRecord, environment, product.domain)
    if domain is None:
        domains = registry.all(DomainRecord, environment, limit=COMPARED_MAX)
        return Mesh.of([*domains, *owners]) if domains else None
    teams = _named(registry, TeamRecord, environment, product.domain, [product.team], {"team_kind": PRODUCT_TEAM})
    systems = _named(registry, SourceSystemRecord, environment, product.domain, product.source_systems)
    return Mesh.of([domain, *teams, *systems, *owners])


def _named(
    registry: Registry,
    kind: type[RecordT],
    environment: str,
    domain: str,
    names: Iterable[str],
    where: Mapping[str, str] | None = None,
) -> list[RecordT]:
    """The named records of the domain. If one is missing, also all its others and those with that name elsewhere."""
    wanted = {f"{domain}/{name}": name for name in names}
    found = registry.all(kind, environment, where={"address": list(wanted), **(where or {})}) if wanted else []
    missing = wanted.keys() - {record.address for record in found}
    if not missing:
        return found
    elsewhere = registry.all(kind, environment, where={"name": [wanted[address] for address in missing]})
    return [*found, *registry.all(kind, environment, where={"domain": domain}), *elsewhere]
