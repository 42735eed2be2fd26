"""Read policy files, and report every problem of them in one run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import Problem, ProblemsFound, closest, errors_of
from alchemesh_platform.documents.document import Node, node_of, quoted, written
from alchemesh_platform.documents.document import Path as DocumentPath
from alchemesh_platform.documents.kind import KINDS
from alchemesh_platform.documents.validate import validate
from alchemesh_platform.documents.yaml_source import read_document, shown
from alchemesh_platform.manifest.models import DataProduct
from alchemesh_platform.policies.expression import WrongExpression, compiled
from alchemesh_platform.policies.models import Effect, Policy, Scope

POLICY_KIND = "Policy"
SHIPPED = Path(__file__).parent / "shipped"
SHIPPED_TOGETHER = SHIPPED / "together.json"  # all shipped policies, written by docs/generate.py
ENDINGS = (".yaml", ".yml")
# Keys that every manifest has, so that a case need not repeat them.
EXAMPLE = {
    "kind": "DataProduct",
    "name": "example",
    "domain": "example",
    "team": "example",
    "owner": "owner@example.org",
    "version": "1.0.0",
}


class NoPolicies(Failure):
    """Raised when the given paths contain no policy."""

    exit_code = ExitCode.USAGE


class LoadedPolicy(NamedTuple):
    """A policy without errors, and the places of its parts in the file."""

    policy: Policy
    tree: Node
    path: Path


def load_policies(paths: Iterable[Path]) -> list[LoadedPolicy]:
    """Read policies from files and folders. In a folder, this reads every YAML file that contains a policy.

    Raises:
        ProblemsFound: with every problem of every file, including two policies with the same name.
        NoPolicies: when a folder contains no policy.
    """
    loaded: list[LoadedPolicy] = []
    problems: list[Problem] = []
    for path in dict.fromkeys(file for each in paths for file in _files(each)):
        try:
            tree, found = read_document(path)
        except ProblemsFound as unreadable:
            problems += unreadable.problems
            continue
        policy, more = check_policy(tree)
        problems += [*found, *more]
        if policy is not None and not errors_of(found):
            loaded.append(LoadedPolicy(policy, tree, path))
    problems += _repeated(((("name",), each.tree.keys["name"]) for each in loaded), "among the policies")
    if errors_of(problems):
        raise ProblemsFound(problems)
    return loaded


def check_policy(tree: Node) -> tuple[Policy | None, list[Problem]]:
    """Check a document against the schema of policies, including its expressions and cases.

    Returns:
        The policy, if it has no problem; and every problem.
    """
    kind = tree.keys.get("kind")
    if kind is not None and kind.text in KINDS and kind.text != POLICY_KIND:
        hint = f"this is {KINDS[kind.text]}, where a policy file is expected"
        return None, [Problem(kind.location, "kind", f"found {quoted(kind.text)}, expected {POLICY_KIND}", hint)]
    from alchemesh_platform.policies.given import PolicyFile

    policy, problems = validate(tree, PolicyFile)
    problems += [*_points(tree), *_effect(tree), *_expressions(tree), *_cases(tree)]
    return (None if errors_of(problems) else policy), problems


@cache
def shipped_policies() -> tuple[Policy, ...]:
    """The policies that the platform ships, by name."""
    # Every command that evaluates policies reads these. So this skips the checks of load_policies, which the tests run,
    # and reads JSON: reading YAML would take as long as evaluating the policies.
    return tuple(Policy.model_validate(each) for each in json.loads(SHIPPED_TOGETHER.read_bytes()))


def with_shipped(own: Sequence[Policy]) -> tuple[Policy, ...]:
    """The policies of a mesh: the shipped ones, and its own, which replace shipped policies of the same name."""
    named = {policy.name: policy for policy in (*shipped_policies(), *own)}
    return tuple(named.values())


def digest_of(policies: Iterable[Policy]) -> str:
    """SHA-256, hexadecimal, of the rules of policies. It does not depend on their cases or their order."""
    import hashlib

    texts = sorted(policy.model_dump_json(exclude={"cases"}) for policy in policies)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def case_product(given: Node, prefix: DocumentPath = ()) -> tuple[DataProduct | None, list[Problem]]:
    """The product of a case: the given parts of a manifest, completed with the required keys of every manifest.

    Args:
        given: The subject of the case.
        prefix: Path of the subject in the policy file.
    """
    product = given.keys.get("product") or given._replace(value={})
    complete = product._replace(value={**node_of(EXAMPLE, given.file).keys, **product.keys})
    return validate(complete, DataProduct, (*prefix, "product"))


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    below = [
        file
        for file in sorted(path.rglob("*"))
        if file.suffix in ENDINGS
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    policies = [file for file in below if _is_policy(file)]
    if not policies:
        raise NoPolicies(
            f"no policy in {shown(path)}", hint=f"a policy is a YAML file that begins with 'kind: {POLICY_KIND}'"
        )
    yield from policies


def _is_policy(path: Path) -> bool:
    """Whether a file of a folder declares a policy. An unreadable file counts, since it may be meant as a policy."""
    try:
        kind = read_document(path)[0].keys.get("kind")
    except ProblemsFound:
        return True
    return kind is not None and kind.text == POLICY_KIND


def _repeated(names: Iterable[tuple[DocumentPath, Node | None]], where: str) -> Iterator[Problem]:
    first: dict[str, Node] = {}
    for path, name in names:
        if name is None or name.text is None:
            continue
        before = first.setdefault(name.text, name)
        if before is not name:
            yield Problem(
                name.location,
                written(path),
                f"found {quoted(name.text)} twice, expected a unique name {where}",
                f"it is already at {before.location}",
            )


def _points(tree: Node) -> Iterator[Problem]:
    effect, points = tree.keys.get("effect"), tree.keys.get("points")
    if effect is None or effect.text not in set(Effect):
        return
    meant = any(closest(key, ["points"]) for key in tree.keys.keys() - Policy.model_fields.keys())
    if effect.text == Effect.DEVALUE and (points is None or points.value is None) and not meant:
        yield Problem(
            effect.location if points is None else points.location,
            "points",
            "found nothing, expected the points that the policy takes off with effect devalue",
            "for example points: 20, of the 100 that a product has",
        )
    if effect.text != Effect.DEVALUE and points is not None and points.value is not None:
        yield Problem(
            points.key_location,
            "points",
            f"found points with effect {effect.text}, expected none",
            "leave them out, or write 'effect: devalue'",
        )


def _effect(tree: Node) -> Iterator[Problem]:
    """The problems of an effect that does not fit the policy's scope, and of a missing remedy."""
    effect, scope, hint = (tree.keys.get(key) for key in ("effect", "applies_to", "hint"))
    if effect is None or effect.text not in set(Effect):
        return
    approves = effect.text == Effect.APPROVE
    if approves != (scope is not None and scope.text == Scope.REQUEST):
        yield Problem(
            effect.location,
            "effect",
            f"found {effect.text} with a policy that applies to {'no' if approves else 'a'} request, expected "
            f"{'another effect' if approves else Effect.APPROVE.value}",
            f"policies that approve apply to an access request, and only they: write 'applies_to: {Scope.REQUEST}'"
            if approves
            else f"write 'effect: {Effect.APPROVE}': the owner decides on every request that no policy approves",
        )
    if scope is not None and scope.text == Scope.OPERATION and effect.text == Effect.DEVALUE:
        yield Problem(
            effect.location,
            "effect",
            f"found {effect.text} with a policy that applies to an operation, expected deny or warn",
            "an operation has no value score: 'deny' refuses it, 'warn' allows it with a warning",
        )
    if not approves and (hint is None or hint.value in (None, "")):
        yield Problem(
            tree.location if hint is None else hint.location,
            "hint",
            "found nothing, expected the remedy",
            "describe how a team fixes a violation",
        )


def _expressions(tree: Node) -> Iterator[Problem]:
    scope_node = tree.keys.get("applies_to")
    named = Scope.PRODUCT if scope_node is None else scope_node.text
    if named not in set(Scope):
        return
    from alchemesh_platform.policies.keys import misspelt_keys

    for key in ("when", "require"):
        node = tree.keys.get(key)
        if node is None or node.text is None:
            continue
        try:
            compiled(node.text, Scope(named))
        except WrongExpression as wrong:
            yield Problem(node.location, key, wrong.message, wrong.hint)
            continue
        for misspelt, hint in misspelt_keys(node.text, Scope(named)):
            yield Problem(node.location, key, f"found the key {quoted(misspelt)}, expected an existing one", hint)


def _cases(tree: Node) -> Iterator[Problem]:
    names = (((*place, "name"), case.keys.get("name")) for place, case in tree.each("cases"))
    yield from _repeated(names, "in the policy")
    for place, case in tree.each("cases"):
        given = case.keys.get("given")
        product = given.keys.get("product") if given is not None else None
        # The policy's own model reports values that are not mappings.
        if given is not None and (product is None or isinstance(product.value, dict)):
            yield from case_product(given, (*place, "given"))[1]
