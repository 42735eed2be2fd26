"""Checks that need the whole mesh repo: names that are unique, and names that refer to something.

They look at the documents rather than at the values made of them, and pass over what is not as it should be, so that
the run reports their problems together with those of single values.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from alchemesh_platform.base.problems import Problem, closest, closest_email
from alchemesh_platform.documents.document import Node, Path, quoted, written
from alchemesh_platform.mesh_repo.mesh import OWNER_PERSONA, SOURCE_ALIGNED

# Kinds of team that are named without their domain: by whom.
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
    """The users that are declared, by email, and their emails in order."""

    by_email: Mapping[str, Node]
    emails: Sequence[str]

    def near(self, email: str) -> list[str]:
        """The emails that begin most like another one."""
        at = bisect(self.emails, email)
        return list(self.emails[max(0, at - NEIGHBOURS) : at + NEIGHBOURS])


def check_mesh(
    domains: Sequence[Node], users: Sequence[Node], policies: Sequence[Node] = (), *, complete: bool
) -> list[Problem]:
    """Every problem that only the whole mesh repo shows.

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
    # Two teams of one name and kind in one domain break two rules, and one problem is enough.
    return list({(problem.location, problem.path): problem for problem in reversed(problems)}.values())


def _sections(domain: Node) -> Iterator[Problem]:
    """The problems of the lists of a domain, each as a whole."""
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
    """The users, of those with one email the first."""
    by_email: dict[str, Node] = {}
    for _, user in _each(users, "users", "email"):
        by_email.setdefault(str(user.keys["email"].text), user)
    return _Users(by_email, sorted(by_email))


def _each(trees: Iterable[Node], section: str, key: str) -> Iterator[tuple[Path, Node]]:
    """The items of a list in some documents that have a text under a key."""
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
