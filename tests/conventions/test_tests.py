"""Every test of this repository has an assertion.

A test without an assertion always passes. These rules find the clearest kinds of such tests in their source.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.conventions.syntax import Syntax, nodes_below

ROOT = Path(__file__).parents[1]
FILES = sorted(ROOT.rglob("*.py"))
RAISING = {"raises", "warns", "fail", "check_call", "check_output", "until"}  # calls that fail by themselves
ANY_ERROR = {"Exception", "BaseException"}
EXIT_STATUSES = {"returncode", "exit_code", "exit_status"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"), file.name)


def called(node: ast.AST) -> str:
    """The name that a call ends with; empty for anything else."""
    function = node.func if isinstance(node, ast.Call) else None
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def functions_of(syntax: Syntax) -> list[Function]:
    return [node for node in syntax.nodes if isinstance(node, Function)]


def is_check(node: ast.AST, helpers: set[str]) -> bool:
    """Whether a node can fail a test by itself."""
    if isinstance(node, ast.Assert | ast.Raise):
        return True
    return isinstance(node, ast.Call) and (called(node) in RAISING | helpers or _is_checked_run(node))


def _is_checked_run(call: ast.Call) -> bool:
    return any(
        word.arg == "check" and isinstance(word.value, ast.Constant) and word.value.value is True
        for word in call.keywords
    )


def helpers_of(sources: Iterable[Syntax]) -> set[str]:
    """Names of functions that check something themselves, or call one that does."""
    calls: dict[str, set[str]] = {}
    helpers: set[str] = set()
    for syntax in sources:
        # Each call and check belongs to every function around it.
        for node in syntax.nodes:
            if not isinstance(node, ast.Call | ast.Assert | ast.Raise):
                continue
            checks = is_check(node, set())
            for above in (node, *syntax.above(node)):
                if not isinstance(above, Function) or above.name.startswith("test"):
                    continue
                calls.setdefault(above.name, set()).add(called(node))
                if checks:
                    helpers.add(above.name)
    while found := {name for name, names in calls.items() if name not in helpers and names & helpers}:
        helpers |= found
    return helpers


def all_tests(syntax: Syntax) -> list[Function]:
    return [each for each in functions_of(syntax) if each.name.startswith("test")]


def may_be_empty(iterable: ast.expr, empty: set[str]) -> bool:
    """Whether a loop may run zero times: not over a literal, a constant of the module, or a `range`."""
    if isinstance(iterable, ast.Tuple | ast.List | ast.Set | ast.Dict | ast.Constant):
        return False
    if isinstance(iterable, ast.Name):
        return not iterable.id.isupper() and iterable.id not in empty
    if called(iterable) in {"range", "product", "zip", "enumerate", "sorted", "items", "keys", "values"}:
        inner = iterable.args[:1] if isinstance(iterable, ast.Call) else []
        if isinstance(iterable, ast.Call) and isinstance(iterable.func, ast.Attribute):
            inner = [iterable.func.value]
        return called(iterable) != "range" and any(may_be_empty(each, empty) for each in inner)
    return True


def literals_of(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that a test gives to a literal that is not empty."""
    return {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Tuple | ast.List | ast.Set | ast.Dict)
        and not may_be_empty(node.value, set())
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def is_vacuous(check: ast.AST, syntax: Syntax, known: set[str]) -> bool:
    """Whether a check may never be reached, or hold for nothing: in a loop, in `all`, or under `if`."""
    loops = [each.iter for each in syntax.above(check) if isinstance(each, ast.For | ast.AsyncFor)]
    if isinstance(check, ast.Assert) and called(check.test) == "all":
        [argument] = check.test.args  # type: ignore[attr-defined]
        if isinstance(argument, ast.GeneratorExp | ast.ListComp):
            loops.append(argument.generators[0].iter)
    return any(may_be_empty(each, known) for each in loops)


def is_property(test: Function) -> bool:
    """Whether Hypothesis generates its values: then some of its examples reach every check."""
    return any(called(each) == "given" for each in test.decorator_list)


def faults_of(syntax: Syntax, helpers: set[str], *, collected: bool = True) -> Iterator[str]:
    """The problems of the tests in a module, with their lines."""
    for test in all_tests(syntax):
        nodes = list(nodes_below(test))
        checks = [node for node in nodes if is_check(node, helpers)]
        known = literals_of(nodes)
        if not collected or any(not isinstance(each, ast.Module) for each in syntax.above(test)):
            yield f"{test.lineno}: pytest does not collect {test.name}"
        if is_property(test) and any(_is_early_return(node, syntax) for node in nodes):
            yield f"{test.lineno}: {test.name} leaves early: `assume` lets Hypothesis report that most examples do"
        if not checks:
            yield f"{test.lineno}: {test.name} checks nothing"
        elif not is_property(test) and all(is_vacuous(each, syntax, known) for each in checks):
            yield f"{test.lineno}: {test.name} checks nothing where it finds nothing"
    for node in syntax.nodes:
        if called(node) == "raises" and _is_any_error(node):
            yield f"{node.lineno}: `raises` takes any error: name its class, or match its message"  # type: ignore[attr-defined]
        if isinstance(node, ast.Assert):
            yield from _faults_of_assert(node, syntax)


def _is_early_return(node: ast.AST, syntax: Syntax) -> bool:
    """Whether a return leaves a test under an `if`."""
    return isinstance(node, ast.Return) and node.value is None and isinstance(syntax.parents[node], ast.If)


def _is_any_error(call: ast.AST) -> bool:
    assert isinstance(call, ast.Call)
    named = {each.id for each in call.args if isinstance(each, ast.Name)}
    return bool(named & ANY_ERROR) and all(word.arg != "match" for word in call.keywords)


def _faults_of_assert(check: ast.Assert, syntax: Syntax) -> Iterator[str]:
    test = check.test
    choices = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) else []
    if any(isinstance(each, ast.Constant) and each.value for each in choices):
        yield f"{check.lineno}: this assertion always holds"
    compared = test.left if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.In) else None
    if isinstance(compared, ast.Attribute) and compared.attr in EXIT_STATUSES:
        yield f"{check.lineno}: one exit status is expected: make the outcome certain"
    for above in syntax.above(check):
        swallows = isinstance(above, ast.With) and any(_suppresses(each.context_expr) for each in above.items)
        if swallows or (isinstance(above, ast.Try) and check in _below(above.body) and _catches(above)):
            yield f"{check.lineno}: the failure of this assertion is caught"


def _below(nodes: Iterable[ast.AST]) -> set[ast.AST]:
    return {below for node in nodes for below in nodes_below(node)}


def _catches(tried: ast.Try) -> bool:
    caught = [ast.unparse(each.type) if each.type else "Exception" for each in tried.handlers]
    return any(name in {*ANY_ERROR, "AssertionError"} for name in caught)


def _suppresses(context: ast.expr) -> bool:
    names = {ast.unparse(each) for each in context.args} if isinstance(context, ast.Call) else set()
    return called(context) == "suppress" and bool(names & {*ANY_ERROR, "AssertionError"})


@pytest.fixture(scope="module")
def sources() -> dict[Path, Syntax]:
    return {file: Syntax(parsed(file)) for file in FILES}


def test_every_test_checks_something(sources: dict[Path, Syntax]) -> None:
    helpers = helpers_of(sources.values())
    found = [
        f"{file.relative_to(ROOT)}:{fault}"
        for file, syntax in sources.items()
        for fault in faults_of(syntax, helpers, collected=file.name.startswith("test_"))
    ]
    assert sum(len(all_tests(syntax)) for syntax in sources.values()) > 1000
    assert found == []


FAULTY = {
    "@given(st.text())\ndef test_a(text):\n    if not text:\n        return\n    assert run()": "leaves early",
    "def test_a():\n    run()": "checks nothing",
    "def test_a():\n    for each in found():\n        assert each": "checks nothing where it finds nothing",
    "def test_a():\n    assert all(each for each in found())": "checks nothing where it finds nothing",
    "def test_a():\n    for each in sorted(found()):\n        assert each": "checks nothing where it finds nothing",
    "def test_a():\n    def test_b():\n        assert 1\n    assert 2": "pytest does not collect test_b",
    "def test_a():\n    with pytest.raises(Exception):\n        run()": "`raises` takes any error",
    "def test_a():\n    assert run() or 'it failed'": "this assertion always holds",
    "def test_a():\n    assert run().returncode in (0, 5)": "one exit status is expected",
    "def test_a():\n    with suppress(Exception):\n        assert run()": "is caught",
    "def test_a():\n    try:\n        assert run()\n    except Exception:\n        pass": "is caught",
}
SOUND = [
    "def test_a():\n    assert run()",
    "def test_a():\n    checked(run())",
    "def test_a():\n    with pytest.raises(ValueError):\n        run()",
    "def test_a():\n    with pytest.raises(Exception, match='no such'):\n        run()",
    "def test_a():\n    for each in (1, 2):\n        assert each",
    "def test_a():\n    given = [1, 2]\n    for each in given:\n        assert each",
    "def test_a():\n    for each in NAMES:\n        assert each",
    "def test_a():\n    for each in found():\n        assert each\n    assert found()",
    "@given(st.text())\ndef test_a(text):\n    for each in text:\n        assert each",
    "def test_a():\n    try:\n        assert run()\n    except KeyError:\n        pass",
]


@pytest.mark.parametrize(("source", "fault"), FAULTY.items(), ids=range(len(FAULTY)))
def test_a_test_that_checks_nothing_is_found(source: str, fault: str) -> None:
    [found] = faults_of(Syntax(ast.parse(textwrap.dedent(source))), set())
    assert fault in found


@pytest.mark.parametrize("source", SOUND, ids=range(len(SOUND)))
def test_a_test_that_checks_something_is_left_alone(source: str) -> None:
    assert list(faults_of(Syntax(ast.parse(source)), {"checked"})) == []
