"""Finds and reads the platform file, and resolves one environment with everything that it extends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import Problem, ProblemsFound, did_you_mean, errors_of
from alchemesh_platform.documents.document import Node, merge, node_of, quoted, written
from alchemesh_platform.documents.kind import check_kind
from alchemesh_platform.documents.validate import validate
from alchemesh_platform.documents.yaml_source import read_document
from alchemesh_platform.platform_file.builtin import BUILTIN_LOCAL, LOCAL, builtin_environments
from alchemesh_platform.platform_file.identity_check import identity_problems
from alchemesh_platform.platform_file.models import Platform, PlatformFile

PLATFORM_FILE = "platform.yaml"
PLATFORM_KIND = "Platform"
# https://www.pulumi.com/docs/iac/concepts/state-and-backends/
STATE_SCHEMES = ("file", "s3", "gs", "azblob", "https")
REGISTRY_SCHEMES = ("sqlite", "postgresql")
# https://www.pulumi.com/docs/iac/concepts/secrets/#configuring-secrets-encryption
SECRETS_SCHEMES = ("gcpkms", "awskms", "azurekeyvault", "hashivault")
SECRETS_WORDS = ("passphrase", "default")
NO_PLATFORM_FILE = (
    f"for others, put {PLATFORM_FILE} here or in a parent folder in the git repository, "
    "or name a platform file with `--platform FILE`"
)
_ADDRESSES = {"state": STATE_SCHEMES, "registry": REGISTRY_SCHEMES, "secrets": SECRETS_SCHEMES}
_EXAMPLES = {
    "state": "for example file:///var/lib/alchemesh/state",
    "registry": "for example sqlite:///mesh.db",
    "secrets": "for example gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K; without it a passphrase encrypts",
}
_ALWAYS_GIVEN = ("state", "registry")  # required keys of every environment


class UnknownEnvironment(Failure):
    """Raised when the platform file does not have the requested environment."""

    exit_code = ExitCode.USAGE


def find_platform_file(folder: Path) -> Path | None:
    """``platform.yaml`` in a folder, or in a parent of it up to the root of its git repository.

    Outside a repository, only the folder itself counts, since a file further up may belong to another user.
    """
    parents = [folder, *folder.parents]
    root = next((parent for parent in parents if (parent / ".git").exists()), folder)
    for parent in parents[: parents.index(root) + 1]:
        if (parent / PLATFORM_FILE).is_file():
            return parent / PLATFORM_FILE
    return None


def load_platform(path: Path | None, environment: str, home: Path) -> Platform:
    """One environment, with everything that it extends merged in.

    Args:
        path: The platform file. Without one, only the built-in environment ``local`` exists.
        environment: Name of the environment.
        home: Folder of the built-in local platform.

    Raises:
        ProblemsFound: with every problem of the platform file.
        UnknownEnvironment: when there is no such environment. The message lists the existing ones.
    """
    tree, problems = Node({}, BUILTIN_LOCAL), list[Problem]()
    if path is not None:
        tree, problems = read_document(path)
        problems += check_kind(tree, PLATFORM_KIND)
        problems += [problem for problem in validate(tree, PlatformFile)[1] if problem.path != "kind"]
    declared = tree.get("environments")
    environments = {name: node_of(data, name) for name, data in builtin_environments(home, environment).items()}
    environments |= {LOCAL: environments[BUILTIN_LOCAL], **(declared.keys if declared is not None else {})}
    for name in environments:
        problems += _extends(name, environments)
    problems += _schemes(environments)
    if errors_of(problems):
        raise ProblemsFound(problems)
    if environment not in environments or environment == BUILTIN_LOCAL:
        raise _unknown(environment, [name for name in environments if name != BUILTIN_LOCAL], path)
    merged = _merged(environment, environments)
    return _platform(merged, environment, home)


def platform_problems(path: Path, home: Path) -> list[Problem]:
    """Every problem of a platform file, in any of its environments."""
    try:
        tree, _ = read_document(path)
        declared = tree.get("environments")
        found: dict[Problem, None] = {}
        for environment in (*(declared.keys if declared is not None else ()), LOCAL):
            try:
                load_platform(path, environment, home)
            except ProblemsFound as more:
                found |= dict.fromkeys(more.problems)
    except ProblemsFound as unreadable:
        return list(unreadable.problems)
    return list(found)


def chosen_components(path: Path | None, home: Path) -> dict[str, dict[str, str]]:
    """The components that a platform file chooses: the component of each type, by environment.

    Args:
        path: The platform file. The result is empty without one, and if the file has problems.
        home: Folder of the built-in local platform.
    """
    if path is None:
        return {}
    try:
        tree, problems = read_document(path)
    except ProblemsFound:
        return {}
    declared = tree.get("environments")
    environments = {name: node_of(data, name) for name, data in builtin_environments(home, LOCAL).items()}
    environments |= {LOCAL: environments[BUILTIN_LOCAL], **(declared.keys if declared is not None else {})}
    for name in environments:
        problems += _extends(name, environments)
    if errors_of(problems):
        return {}
    chosen = {}
    for name in environments.keys() - {BUILTIN_LOCAL}:
        components = _merged(name, environments).keys.get("components")
        named = components.keys if components is not None else {}
        chosen[name] = {component_type: node.text for component_type, node in named.items() if node.text is not None}
    return chosen


def _platform(merged: Node, environment: str, home: Path) -> Platform:
    path = ("environments", environment)
    missing = [
        Problem(
            merged.location,
            written((*path, key)),
            f"found nothing, expected an address, such as {example}",
            f"give it, or start from what this machine offers: extends: {BUILTIN_LOCAL}",
        )
        for key, example in zip(_ALWAYS_GIVEN, ("gs://acme-state", "postgresql://host/alchemesh"), strict=True)
        if key not in merged.keys or merged.keys[key].value is None
    ]
    if missing:
        raise ProblemsFound(missing)
    unfit = list(identity_problems(merged, path))
    if unfit:
        raise ProblemsFound(unfit)
    own = {"environment": node_of(environment, merged.file), "home": node_of(str(home), merged.file)}
    given = {key: node for key, node in merged.keys.items() if node.value is not None}
    platform, problems = validate(merged._replace(value={**given, **own}), Platform, path)
    if platform is None:
        raise ProblemsFound(problems)
    return platform.located_by(merged)


def _extends(name: str, environments: Mapping[str, Node]) -> Iterator[Problem]:
    """The problems of the environment that another one extends."""
    node = environments[name].keys.get("extends")
    if node is None or node.text is None:
        return
    path = written(("environments", name, "extends"))
    if node.text not in environments:
        hint = did_you_mean(node.text, [other for other in environments if other != name])
        yield Problem(node.location, path, f"found {quoted(node.text)}, expected an environment of this file", hint)
        return
    trail = [name]
    while (base := _base(environments.get(trail[-1]))) is not None:
        trail.append(base)
        if base == name:
            if name != next(other for other in environments if other in trail):
                return  # reported once, where the file first closes the cycle
            message = f"found a cycle of environments, expected none: {' extends '.join(trail)}"
            yield Problem(node.location, path, message, f"remove `extends` from one of them, or extend {BUILTIN_LOCAL}")
            return
        if base in trail[:-1]:
            return  # a cycle further up, reported at its place


def _base(environment: Node | None) -> str | None:
    node = environment.keys.get("extends") if environment is not None else None
    return node.text if node is not None else None


def _merged(name: str, environments: Mapping[str, Node]) -> Node:
    chain = [environments[name]]
    while (base := _base(chain[-1])) is not None:
        chain.append(environments[base])
    merged = reduce(merge, reversed(chain))
    # The environment keeps its own place, even if it extends another one.
    value = {key: node for key, node in merged.keys.items() if key != "extends"}
    return environments[name]._replace(value=value)


def _schemes(environments: Mapping[str, Node]) -> Iterator[Problem]:
    for name, environment in environments.items():
        for key, schemes in _ADDRESSES.items():
            node = environment.keys.get(key)
            if node is None or node.text is None or (key == "secrets" and node.text in SECRETS_WORDS):
                continue
            scheme, sign, _ = node.text.partition("://")
            if not sign or scheme.partition("+")[0] not in schemes:
                # The rest of the address may hold a password, so the message does not repeat it.
                found = quoted(f"{scheme}://") if sign else "a text that is no address"
                allowed = ", ".join(f"{one}://" for one in schemes)
                yield Problem(
                    node.location,
                    written(("environments", name, key)),
                    f"found {found}, expected an address that begins with one of {allowed}",
                    _EXAMPLES[key],
                )


def _unknown(environment: str, known: list[str], path: Path | None) -> UnknownEnvironment:
    where = f" in {path}" if path is not None else ""
    there_is = f"there {'is' if len(known) == 1 else 'are'} {', '.join(known)}"
    otherwise = there_is if path is not None else f"{there_is}; {NO_PLATFORM_FILE}"
    return UnknownEnvironment(
        f"no environment {quoted(environment)}{where}", hint=did_you_mean(environment, known, otherwise=otherwise)
    )
