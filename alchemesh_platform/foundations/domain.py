"""Read a domain from the mesh of an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import closest, did_you_mean
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.registry.records import DomainRecord, TeamRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


class UnknownDomain(Failure):
    """Raised when the mesh of an environment has no such domain; lists its domains."""

    exit_code = ExitCode.USAGE


def read_domain(registry: Registry, environment: str, name: str) -> tuple[DomainRecord, dict[str, tuple[str, ...]]]:
    """Read a domain and the members of each of its teams.

    Raises:
        UnknownDomain: when the mesh has no domain of that name.
    """
    record = registry.get(DomainRecord, environment, name)
    if record is None:
        known = [domain.address for domain in registry.all(DomainRecord, environment=environment)]
        listed = f"there are {', '.join(known)}" if known else remedy("{} records domains", command("mesh", "apply"))
        hint = did_you_mean(name, known) if closest(name, known) else listed
        raise UnknownDomain(f"no domain {name!r} in environment {environment!r}", hint=hint)
    teams = [team for team in registry.all(TeamRecord, environment=environment) if team.domain == name]
    return record, {team.name: team.members for team in teams}
