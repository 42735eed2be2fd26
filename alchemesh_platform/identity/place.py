"""Personas and teams of a user in the mesh, from the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.problems import COMPARED_MAX, closest_email
from alchemesh_platform.registry.records import TeamRecord, UserRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.unavailable import RegistryMissing

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity


@dataclass(frozen=True, slots=True)
class Place:
    """The personas and teams of an identity in the mesh of one environment.

    Args:
        user: Record of the user; None if the mesh has no such user.
        teams: Addresses of the user's teams.
        has_users: Whether a mesh with users is recorded.
        meant: The most similar user, if the identity is unverified and the mesh has no such user.
    """

    identity: Identity
    user: UserRecord | None = None
    teams: tuple[str, ...] = ()
    has_users: bool = False
    meant: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The place as one JSON object. Name and personas are null if the mesh has no such user.
        ``mesh`` is false if no mesh is recorded."""
        return {
            "subject": self.identity.subject,
            "issuer": self.identity.issuer,
            "proven": self.identity.is_proven,
            "mesh": self.has_users,
            "name": self.user.name if self.user is not None else None,
            "personas": list(self.user.personas) if self.user is not None else None,
            "teams": list(self.teams),
        }


def place_in_mesh(registry_url: str, environment: str, identity: Identity) -> Place:
    """Personas and teams of an identity in the recorded mesh of an environment; empty if no mesh is recorded."""
    try:
        with Registry.open(registry_url, create=False) as registry:
            user = registry.get(UserRecord, environment, identity.subject)
            teams = registry.all(TeamRecord, environment)
            known = [identity.subject] if user is not None else _users(registry, environment)
    except RegistryMissing:
        return Place(identity)
    meant = closest_email(identity.subject, known) if user is None and not identity.is_proven else None
    member_of = tuple(team.address for team in teams if identity.subject in team.members)
    return Place(identity, user, member_of, bool(known), meant)


def _users(registry: Registry, environment: str) -> list[str]:
    return [user.address for user in registry.all(UserRecord, environment, limit=COMPARED_MAX)]
