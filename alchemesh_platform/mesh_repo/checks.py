"""Checks that need the whole mesh repo: unique names, and references to existing names.

They read documents rather than validated models, and skip invalid values. So the run reports their problems together
with those of single values.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from alchemesh_platform.base.problems import Problem, closest, closest_email
from alchemesh_platform.documents.document import Node, Path, quoted, written
from alchemesh_platform.mesh_repo.mesh import OWNER_PERSONA, SOURCE_ALIGNED

# Kinds of team that other files name without their domain, and the objects that name them.
NAMED_ALONE = {"platform_team": "components", "governance_group": "policies"}
OTHER_TYPES = ("aggregated", "consumer_aligned")
NEIGHBOURS = (
    10  # emails on either side that an unknown one is compared with: to compare thousands with thousands is slow
)


class _Named(NamedTuple):
    """A text with its path in its document."""

    path: Path
    node: Node

    @property
    def text(self) -> str:
        return str(self.node.text)


class _Users(NamedTuple):
    """The declared users by email, and their sorted emails."""

    by_email: Mapping[str, Node]
    emails: Sequence[str]

    def near(self, email: str) -> list[str]:
        """The emails whose beginning is most similar to another one."""
        at = bisect(self.emails, email)
        return list(self.emails[max(0, at - NEIGHBOURS) : at + NEIGHBOURS])


def check_mesh(
    domains: Sequence[Node], users: Sequence[Node], policies: Sequence[Node] = (), *, complete: bool
) -> list[Problem]:
    """Every problem that only a check of the whole mesh repo finds.

    Args:
        domains: Documents of kind Domain.
        users: Documents of kind Users.
        policies: Documents of kind Policy.
        complete: Whether these are all users. If not, no user can be reported as unknown.
    """
    problems = list(_repeated(_texts(domains, "name"), "the domains of the mesh"))
    known = _known(users)
    emails = [_Named((*place, "email"), user.keys["email"]) for place, user in _each(users, "users", "email")]
    problems += _repeated(emails, "the users of the mesh", fold=True)
    alone: dict[str, list[_Named]] = {kind: [] for kind in NAMED_ALONE}
    for domain in domains:
        problems += _sections(domain)
        owner = domain.keys.get("owner")
        if owner is not None and owner.text is not None:
            problems += _owner(_Named(("owner",), owner), known, complete=complete)
        for place, team in domain.each("teams"):
            problems += _members(team, place, known, complete=complete)
            kind, name = team.keys.get("kind"), team.keys.get("name")
            if kind is not None and kind.text in alone and name is not None and name.text is not None:
                alone[kind.text].append(_Named((*place, "name"), name))
    for team_kind, named in alone.items():
        noun = team_kind.replace("_", " ")
        reason = f"{NAMED_ALONE[team_kind]} name their {noun} without its domain"
        problems += _repeated(named, f"the {noun}s of the mesh", reason)
    problems += _repeated(_texts(policies, "name"), "the policies of the mesh")
    if complete:
        problems += _policy_owners(policies, {named.text for named in alone["governance_group"]})
    # Two teams with the same name and kind in one domain break two rules. One problem is enough.
    return list({(problem.location, problem.path): problem for problem in reversed(problems)}.values())


def _sections(domain: Node) -> Iterator[Problem]:
    """The problems of each list of a domain."""
    for section, noun in (("teams", "teams"), ("source_systems", "source systems")):
        names = [_Named((*place, "name"), each.keys["name"]) for place, each in _each([domain], section, "name")]
        yield from _repeated(names, f"the {noun} of its domain")
    kind, systems = domain.keys.get("type"), domain.keys.get("source_systems")
    if systems is not None and systems.items and kind is not None and kind.text in OTHER_TYPES:
        yield Problem(
            systems.key_location,
            "source_systems",
            f"found source systems in a domain of type {kind.text}, expected none",
            f"only a domain of type {SOURCE_ALIGNED} has them: move them to one, or change the type",
        )


def _members(team: Node, place: Path, known: _Users, *, complete: bool) -> Iterator[Problem]:
    listed = team.keys.get("members")
    members = [
        _Named((*place, "members", index), item)
        for index, item in enumerate(listed.items if listed is not None else ())
        if item.text is not None
    ]
    yield from _repeated(members, "the members of the team")
    if complete:
        yield from (
            _unknown(member, known, "a user of the mesh") for member in members if member.text not in known.by_email
        )


def _owner(owner: _Named, known: _Users, *, complete: bool) -> Iterator[Problem]:
    user = known.by_email.get(owner.text)
    if user is None:
        if complete:
            yield _unknown(owner, known, f"a user of the mesh with the persona {OWNER_PERSONA}")
        return
    personas = user.keys.get("personas")
    if personas is not None and personas.items and OWNER_PERSONA not in {item.text for item in personas.items}:
        yield Problem(
            owner.node.location,
            written(owner.path),
            f"found {quoted(owner.text)}, a user without the persona {OWNER_PERSONA}, expected one with it",
            f"add it to the personas at {personas.location}, or name another user",
        )


def _policy_owners(policies: Sequence[Node], groups: Collection[str]) -> Iterator[Problem]:
    for owner in _texts(policies, "owner"):
        if owner.text not in groups:
            close = closest(owner.text, sorted(groups))
            hint = (
                f"did you mean {close!r}?"
                if close
                else "a domain declares it: teams: [{name: …, kind: governance_group}]"
            )
            expected = "a governance group of the mesh"
            yield Problem(
                owner.node.location, written(owner.path), f"found {quoted(owner.text)}, expected {expected}", hint
            )


def _unknown(named: _Named, known: _Users, expected: str) -> Problem:
    close = closest_email(named.text, known.near(named.text))
    hint = f"did you mean {close!r}?" if close else "declare the user in a file of 'kind: Users'"
    return Problem(named.node.location, written(named.path), f"found {quoted(named.text)}, expected {expected}", hint)


def _known(users: Iterable[Node]) -> _Users:
    """The users. If several have the same email, the first one counts."""
    by_email: dict[str, Node] = {}
    for _, user in _each(users, "users", "email"):
        by_email.setdefault(str(user.keys["email"].text), user)
    return _Users(by_email, sorted(by_email))


def _each(trees: Iterable[Node], section: str, key: str) -> Iterator[tuple[Path, Node]]:
    """The items of a list in several documents that have a text under the given key."""
    for tree in trees:
        for place, item in tree.each(section):
            if key in item.keys and item.keys[key].text is not None:
                yield place, item


def _texts(trees: Iterable[Node], key: str) -> list[_Named]:
    return [_Named((key,), tree.keys[key]) for tree in trees if key in tree.keys and tree.keys[key].text is not None]


def _repeated(names: Iterable[_Named], among: str, reason: str = "", *, fold: bool = False) -> Iterator[Problem]:
    first: dict[str, _Named] = {}
    for named in names:
        key = named.text.casefold() if fold else named.text
        before = first.setdefault(key, named)
        if before is not named:
            yield Problem(
                named.node.location,
                written(named.path),
                f"found {quoted(named.text)} twice, expected a unique name among {among}",
                f"it is already at {before.node.location}{f': {reason}' if reason else ''}",
            )
