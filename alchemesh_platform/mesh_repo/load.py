"""Read a mesh repo, and report every problem of its files in one run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.names import MANIFEST
from alchemesh_platform.base.problems import Location, Problem, ProblemsFound, closest, errors_of
from alchemesh_platform.documents.document import Node, described
from alchemesh_platform.documents.validate import validate
from alchemesh_platform.documents.yaml_source import read_document, shown
from alchemesh_platform.mesh_repo.checks import check_mesh
from alchemesh_platform.mesh_repo.mesh import Mesh
from alchemesh_platform.mesh_repo.models import Domain, User, Users
from alchemesh_platform.registry.records import (
    DomainRecord,
    PolicyRecord,
    Record,
    SourceSystemRecord,
    TeamRecord,
    UserRecord,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

    from alchemesh_platform.policies.models import Policy

ModelT = TypeVar("ModelT", bound="BaseModel")

ENDINGS = (".yaml", ".yml")
DOMAIN_KIND, USERS_KIND, POLICY_KIND = "Domain", "Users", "Policy"
PASSED_OVER = ("Platform", "DataProduct")
# How to declare objects that belong in a file of another kind.
PARTS = {
    "Team": "write a team under 'teams' of its domain's file",
    "SourceSystem": "write a source system under 'source_systems' of its domain's file",
    "User": "write users as a list: 'kind: Users', then 'users:'",
}


class NoMeshRepo(Failure):
    """Raised when a folder declares nothing. An empty mesh repo would otherwise delete the whole mesh."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class MeshRepo:
    """A mesh repo without problems.

    Args:
        domains: The content of its files of kind Domain; ``users`` is the content of its files of kind Users.
        files: Every file that was read.
        policies: The content of its files of kind Policy.
    """

    domains: tuple[Domain, ...]
    users: tuple[User, ...]
    files: tuple[Path, ...] = ()
    policies: tuple[Policy, ...] = ()

    def mesh(self, environment: str) -> Mesh:
        """The records for an environment."""
        return Mesh.of(self._records(environment))

    def _records(self, environment: str) -> Iterator[Record]:
        for domain in self.domains:
            yield DomainRecord(
                environment=environment,
                address=domain.name,
                type=domain.type,
                owner=domain.owner,
                description=domain.description,
            )
            for team in domain.teams:
                yield TeamRecord(
                    environment=environment,
                    address=f"{domain.name}/{team.name}",
                    domain=domain.name,
                    name=team.name,
                    team_kind=team.kind,
                    members=tuple(
                        sorted(team.members)
                    ),  # the order has no meaning, so it must not appear as a difference
                )
            for system in domain.source_systems:
                yield SourceSystemRecord(
                    environment=environment,
                    address=f"{domain.name}/{system.name}",
                    domain=domain.name,
                    **system.model_dump(),
                )
        for user in self.users:
            personas = tuple(sorted(set(user.personas)))
            yield UserRecord(environment=environment, address=user.email, name=user.name, personas=personas)
        for policy in self.policies:
            yield PolicyRecord(
                environment=environment,
                address=policy.name,
                owner=policy.owner,
                effect=policy.effect.value,
                # Cases are for the authors of the policy. The mesh does not need them.
                document=policy.model_dump(mode="json", exclude={"cases"}, exclude_none=True),
            )


def load_mesh_repo(folder: Path) -> MeshRepo:
    """Read every YAML file below a folder, except in hidden folders and in products' folders.

    Raises:
        ProblemsFound: with every problem of every file.
        NoMeshRepo: when the folder declares neither a domain nor a user.
    """
    found = _Documents()
    for path in _yaml_files(folder):
        found.read(path)
    if not found.files and not found.problems:
        raise NoMeshRepo(
            f"no mesh repo in {shown(folder)}: no file there declares a domain or users",
            hint="a domain is a YAML file that begins with 'kind: Domain', a list of users one with 'kind: Users'",
        )
    domains = [found.valid(tree, Domain) for tree in found.domains]
    users = [found.valid(tree, Users) for tree in found.users]
    policies = found.valid_policies()
    found.problems += check_mesh(found.domains, found.users, found.policies, complete=found.complete)
    if errors_of(found.problems):
        raise ProblemsFound(found.problems)
    return MeshRepo(
        tuple(domain for domain in domains if domain is not None),
        tuple(user for listed in users if listed is not None for user in listed.users),
        tuple(found.files),
        policies,
    )


@dataclass(slots=True)
class _Documents:
    """The files read so far. They are complete unless a file has errors, which may hide declarations."""

    domains: list[Node] = field(default_factory=list)
    users: list[Node] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    policies: list[Node] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    complete: bool = True

    def read(self, path: Path) -> None:
        """Read a file, and add it to the documents of its kind."""
        try:
            tree, problems = read_document(path)
        except ProblemsFound as unreadable:
            self.problems += unreadable.problems
            self.complete = False
            return
        kind = tree.keys.get("kind")
        text = kind.text if kind is not None else None
        if text in PASSED_OVER:
            return
        if text == POLICY_KIND:
            self.policies.append(tree)
            self.problems += problems
            return
        self.files.append(path)
        self.problems += problems
        if text == DOMAIN_KIND:
            self.domains.append(tree)
        elif text == USERS_KIND:
            self.users.append(tree)
            listed = tree.keys.get("users")
            self.complete = self.complete and listed is not None and isinstance(listed.value, list)
        else:
            self.problems.append(_unknown_kind(tree, kind))
            self.complete = False

    def valid(self, tree: Node, model: type[ModelT]) -> ModelT | None:
        """The validated value of a document; None if it is invalid."""
        value, problems = validate(tree, model)
        self.problems += problems
        return value

    def valid_policies(self) -> tuple[Policy, ...]:
        """The valid policies, after a check of their expressions and cases."""
        if not self.policies:
            return ()
        from alchemesh_platform.policies.load import check_policy

        valid = []
        for tree in self.policies:
            policy, problems = check_policy(tree)
            self.problems += problems
            if policy is not None:
                valid.append(policy)
        return tuple(valid)


def _yaml_files(folder: Path) -> Iterator[Path]:
    for current, folders, files in os.walk(folder, onerror=_refuse):
        if MANIFEST in files:  # a product's folder
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.endswith(ENDINGS) and not name.startswith("."):
                yield Path(current, name)


def _refuse(error: OSError) -> None:
    """Report an unreadable folder. If it were skipped, its declarations would count as deleted."""
    place = Location(shown(Path(error.filename)))
    raise ProblemsFound([Problem(place, "", f"cannot be read: {error.strerror}")]) from error


def _unknown_kind(tree: Node, kind: Node | None) -> Problem:
    elsewhere = "move other files elsewhere, or into a folder whose name begins with a dot"
    if kind is None:
        message = "found nothing, expected Domain or Users"
        return Problem(tree.location, "kind", message, f"begin with 'kind: Domain' or 'kind: Users'; {elsewhere}")
    close = closest(str(kind.text), [DOMAIN_KIND, USERS_KIND, POLICY_KIND, *PASSED_OVER])
    hint = PARTS.get(kind.text or "") or (f"did you mean {close!r}?" if close else elsewhere)
    return Problem(kind.location, "kind", f"found {described(kind.value)}, expected Domain or Users", hint)
