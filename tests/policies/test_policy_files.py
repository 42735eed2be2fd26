"""Every mistake in a policy file is reported at its line, in one run."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.base.problems import Problem, ProblemsFound
from alchemesh_platform.policies.load import NoPolicies, load_policies, shipped_policies, with_shipped
from alchemesh_platform.policies.models import Effect, Scope
from tests.policies.writing import POLICY, policy, write


def problems(*paths: Path) -> tuple[Problem, ...]:
    with pytest.raises(ProblemsFound) as found:
        load_policies(paths)
    return found.value.problems


def test_a_policy_file_is_read_completely(tmp_path: Path) -> None:
    (loaded,) = load_policies([write(tmp_path, "naming.yaml", POLICY)])
    assert loaded.policy.name == "our-naming"
    assert loaded.policy.applies_to is Scope.PRODUCT
    assert loaded.policy.effect is Effect.DEVALUE
    assert loaded.policy.points == 10
    assert [case.name for case in loaded.policy.cases] == ["a name of ours", "another name"]


MISTAKES = {
    "an unknown key": ("points: 10", "point: 10", 9, "point", "unknown key", "'points'"),
    "an unknown effect": ("effect: devalue", "effect: devalu", 8, "effect", "expected one of deny", "'devalue'"),
    "an unknown scope": ("applies_to: product", "applies_to: ports", 5, "applies_to", "'ports'", None),
    "no points to take off": ("points: 10\n", "", 8, "points", "found nothing", "points: 20"),
    "points that nobody takes off": ("effect: devalue", "effect: deny", 9, "points", "effect deny", "leave them out"),
    "more points than there are": ("points: 10", "points: 101", 9, "points", "at most 100", None),
    "a name that is none": ("our-naming", "Our naming", 2, "name", "kebab case", "'our-naming'"),
    "no hint": ("hint: begin it with ac-\n", "", 1, "hint", "found nothing", "describe how a team fixes"),
    "a typing mistake in a variable": (
        "product.lifecycle ==",
        "product.lifecycel ==",
        6,
        "when",
        "'product.lifecycel' at character 8",
        "'product.lifecycle'",
    ),
    "a variable of another scope": (
        "product.name.starts",
        "port.name.starts",
        7,
        "require",
        "'port.name' at character 5",
        "'product.name'",
    ),
    "a function that there is not": ("startsWith", "startWith", 7, "require", "function 'startWith'", "'startsWith'"),
    "an assignment": ("lifecycle ==", "lifecycle =", 6, "when", "character 19: unexpected '='", "=="),
    "an expression that is not finished": ("== 'stable'", "==", 6, "when", "unexpected the end", None),
    "types that do not fit": ("('ac-')", "(3)", 7, "require", "'startsWith' applied to '(string, int)'", None),
    "an expression that is no question": (
        "product.name.startsWith('ac-')",
        "product.name",
        7,
        "require",
        "gives a text",
        None,
    ),
    "nested too deeply": ("product.name.starts", f"{'(' * 40}true{')' * 40} || ''.starts", 7, "require", "limit", None),
    "a case without an outcome": ("expect: passed", "expect: pass", 15, "cases[0].expect", "'pass'", "'passed'"),
    "a case with a mistake in its product": (
        "ac-flights, lifecycle",
        "ac-flights, lifecycel",
        14,
        "cases[0].given.product.lifecycel",
        "unknown key",
        "'lifecycle'",
    ),
    "a case of a product that cannot be": (
        "name: ac-flights",
        "name: AC_FLIGHTS",
        14,
        "cases[0].given.product.name",
        "kebab case",
        "'ac-flights'",
    ),
    "a case whose product is a text": (
        "{name: ac-flights, lifecycle: stable}",
        "flights",
        14,
        "cases[0].given.product",
        "expected a mapping",
        None,
    ),
    "an unknown fact in a case": (
        "{product: {name: ac-",
        "{products: {name: ac-",
        14,
        "cases[0].given.products",
        "unknown",
        "'product'",
    ),
    "two cases of one name": ("another name", "a name of ours", 16, "cases[1].name", "twice", "13"),
    "the same key twice": ("owner: governance", "owner: governance\nowner: others", 4, "owner", "again", None),
}


@pytest.mark.parametrize(("before", "after", "line", "path", "message", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_reported_at_its_line(
    before: str, after: str, line: int, path: str, message: str, hint: str | None, tmp_path: Path
) -> None:
    assert POLICY.count(before) == 1
    (problem,) = problems(write(tmp_path, "policy.yaml", POLICY.replace(before, after)))
    assert (problem.location.line, problem.path) == (line, path)
    assert message in problem.message
    assert hint is None or hint in (problem.hint or "")


def test_all_mistakes_of_all_files_are_reported_in_one_run(tmp_path: Path) -> None:
    first = write(tmp_path, "a.yaml", POLICY.replace("effect: devalue", "effect: devalu").replace("==", "="))
    second = write(tmp_path, "b.yaml", POLICY.replace("owner:", "owners:"))
    found = problems(first, second, tmp_path / "missing.yaml")
    assert [(Path(problem.location.file).name, problem.location.line) for problem in found] == [
        ("a.yaml", 6),
        ("a.yaml", 8),
        ("b.yaml", 3),
        ("missing.yaml", 1),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found nothing"),
        ("kind: [", "found the end of the file"),
        ("- 1\n", "expected a mapping"),
        ("kind: Policy\n\tname: x\n", "tab"),
    ],
)
def test_a_file_that_is_not_a_document_is_reported(text: str, message: str, tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path, "policy.yaml", text))
    assert message in problem.message


def test_a_manifest_is_reported_only_as_not_being_a_policy(tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path, "policy.yaml", "kind: DataProduct\nname: flights\nversion: 1\n"))
    assert (problem.location.line, problem.path) == (1, "kind")
    assert problem.hint == "this is a manifest, where a policy file is expected"


def test_two_policies_of_one_name_are_a_problem_of_the_second(tmp_path: Path) -> None:
    first, second = write(tmp_path, "a.yaml", POLICY), write(tmp_path, "b.yaml", POLICY)
    (problem,) = problems(first, second)
    assert Path(problem.location.file).name == "b.yaml"
    assert "a.yaml:2:7" in (problem.hint or "")


def test_only_the_policies_of_a_folder_are_read(tmp_path: Path) -> None:
    write(tmp_path, "mesh.yaml", "kind: Mesh\n")
    write(tmp_path, ".hidden/old.yaml", POLICY)
    write(tmp_path, "policies/naming.yml", POLICY)
    write(tmp_path, "policies/README.md", POLICY)
    (loaded,) = load_policies([tmp_path])
    assert loaded.path.name == "naming.yml"


def test_a_file_given_twice_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path, "naming.yaml", POLICY)
    assert len(load_policies([path, path, tmp_path])) == 1


def test_a_broken_file_of_a_folder_is_reported(tmp_path: Path) -> None:
    write(tmp_path, "naming.yaml", POLICY)
    write(tmp_path, "broken.yaml", "kind: {Policy\n")
    (problem,) = problems(tmp_path)
    assert Path(problem.location.file).name == "broken.yaml"


def test_a_folder_without_policies_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "mesh.yaml", "kind: Mesh\n")
    with pytest.raises(NoPolicies, match="no policy in"):
        load_policies([tmp_path])


def test_a_policy_of_the_mesh_replaces_the_shipped_one_of_its_name() -> None:
    own = policy("true", name=shipped_policies()[0].name, when="false")
    another = policy("true", name="ours")
    together = with_shipped([own, another])
    assert len(together) == len(shipped_policies()) + 1
    assert together[0] is own
    assert together[-1] is another
