"""Check a product against the mesh: the mesh must have its domain, team, owner and source systems. No side effects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from alchemesh_platform.base.problems import LISTED_MAX, Location, Problem, closest, closest_email
from alchemesh_platform.base.remedy import command, joined, remedy
from alchemesh_platform.documents.document import Path, quoted, written
from alchemesh_platform.manifest.models import DataProduct
from alchemesh_platform.mesh_repo.mesh import OWNER_PERSONA, PRODUCT_TEAM, SOURCE_ALIGNED, Mesh
from alchemesh_platform.registry.records import DomainRecord

DECLARE = remedy("declare it in the mesh repo, then {}", command("mesh", "apply"))

Locate = Callable[[Path], Location]


def check_product(product: DataProduct, locate: Locate, mesh: Mesh | None) -> list[Problem]:
    """References of a product that the mesh lacks, or that differ from the mesh.

    Args:
        product: The manifest.
        locate: Returns the place of a manifest path.
        mesh: The result of :func:`~alchemesh_platform.mesh_repo.mesh.mesh_around`, or a whole mesh. A mesh without
            domains is not checked and gives no problem.
    """
    if mesh is None or not mesh.domains:
        return []
    domain = mesh.domains.get(product.domain)
    if domain is None:
        hint = _meant(product.domain, sorted(mesh.domains))
        problems = [_problem(locate, ("domain",), quoted(product.domain), "a domain of the mesh", hint)]
    else:
        problems = [*_team(product, locate, mesh), *_source_systems(product, locate, mesh, domain)]
    return [*problems, *_owner(product, locate, mesh)]


def _team(product: DataProduct, locate: Locate, mesh: Mesh) -> Iterator[Problem]:
    path, expected = ("team",), f"a data product team of {product.domain}"
    own = sorted(
        team.name for team in mesh.teams.values() if team.domain == product.domain and team.team_kind == PRODUCT_TEAM
    )
    team = mesh.teams.get(f"{product.domain}/{product.team}")
    if team is not None:
        if team.team_kind != PRODUCT_TEAM:
            kind = team.team_kind.replace("_", " ")
            found = f"{quoted(product.team)}, a {kind}"
            yield _problem(locate, path, found, expected, _there_are(own, "data product teams"))
        return
    elsewhere = sorted(other.domain for other in mesh.teams.values() if other.name == product.team)
    if elsewhere:
        found = f"{quoted(product.team)}, a team of {', '.join(elsewhere)}"
        hint = joined("; ", ["a product belongs to a team of its own domain", _there_are(own, "data product teams")])
        yield _problem(locate, path, found, expected, hint)
        return
    yield _problem(locate, path, quoted(product.team), expected, _meant(product.team, own))


def _owner(product: DataProduct, locate: Locate, mesh: Mesh) -> Iterator[Problem]:
    path, owner = ("owner",), mesh.users.get(product.owner)
    if owner is None:
        team = mesh.teams.get(f"{product.domain}/{product.team}")
        domain = mesh.domains.get(product.domain)
        # Of all users of the mesh, the user probably meant one of these.
        likely = [*(team.members if team is not None else ()), *([domain.owner] if domain is not None else ())]
        close = closest_email(product.owner, [*likely, *mesh.users])
        hint = f"did you mean {close!r}?" if close else DECLARE
        expected = f"a user of the mesh with the persona {OWNER_PERSONA}"
        yield _problem(locate, path, quoted(product.owner), expected, hint)
    elif OWNER_PERSONA not in owner.personas:
        yield _problem(
            locate,
            path,
            f"{quoted(product.owner)}, a user without the persona {OWNER_PERSONA}",
            "one with it",
            remedy("give the persona in the mesh repo, then {}; or name another user", command("mesh", "apply")),
        )


def _source_systems(product: DataProduct, locate: Locate, mesh: Mesh, domain: DomainRecord) -> Iterator[Problem]:
    if product.source_systems and domain.type != SOURCE_ALIGNED:
        yield _problem(
            locate,
            ("source_systems",),
            f"source systems in a product of {domain.address}, which is {domain.type}",
            "none",
            "only source-aligned domains have them: read an output port of a product that ingests their data",
        )
        return
    own = sorted(system.name for system in mesh.source_systems.values() if system.domain == product.domain)
    for index, name in enumerate(product.source_systems):
        if f"{product.domain}/{name}" in mesh.source_systems:
            continue
        path, expected = ("source_systems", index), f"a source system of {product.domain}"
        elsewhere = sorted(system.domain for system in mesh.source_systems.values() if system.name == name)
        if elsewhere:
            found = f"{quoted(name)}, a source system of {', '.join(elsewhere)}"
            hint = (
                "a product relies on source systems of its own domain: read an output port of a product of that domain"
            )
            yield _problem(locate, path, found, expected, hint)
        else:
            yield _problem(locate, path, quoted(name), expected, _meant(name, own))


def _problem(locate: Locate, path: Path, found: str, expected: str, hint: str | None) -> Problem:
    return Problem(locate(path), written(path), f"found {found}, expected {expected}", hint)


def _meant(found: str, known: Sequence[str]) -> str:
    """The closest name, or else the place where names are declared and the existing names."""
    close = closest(found, known)
    if close is not None:
        return f"did you mean {close!r}?"
    there = f"; there {'is' if len(known) == 1 else 'are'} {', '.join(known[:LISTED_MAX])}"
    return joined("", [DECLARE, there if known else ""])


def _there_are(names: Sequence[str], what: str) -> str:
    return f"{what} there: {', '.join(names)}" if names else remedy("there are no {} there; {}", what, DECLARE)
