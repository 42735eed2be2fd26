"""Commands that messages name are values: no literal has one, outside of documentation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import alchemesh_cli
import alchemesh_components
import alchemesh_platform
import alchemesh_stacks

PACKAGES = (alchemesh_cli, alchemesh_components, alchemesh_platform, alchemesh_stacks)
DOCUMENTATION = {"description", "summary", "help", "short_help"}  # arguments that are read in docs and help texts
COMMANDS = ("`alchemesh ", "next: alchemesh ")
STARTER = "starter.py"  # comments of the manifest that `init` writes


def test_no_message_has_a_command_in_its_text() -> None:
    found = [
        f"{file}:{literal.lineno}: {literal.value}"
        for package in PACKAGES
        for file in Path(str(package.__file__)).parent.rglob("*.py")
        if file.name != STARTER
        for source in [file.read_text("utf-8")]
        if any(command in source for command in COMMANDS)
        for literal in _literals(ast.parse(source))
        if isinstance(literal.value, str) and any(command in literal.value for command in COMMANDS)
    ]
    assert found == []


def test_literals_of_messages_are_found() -> None:
    tree = ast.parse(
        '"""See `alchemesh up`."""\n'
        'Field(description="see `alchemesh run`")\n'
        'Failure("failed", hint=f"{name}: `alchemesh up` fixes it")\n'
    )
    texts = [literal.value for literal in _literals(tree)]
    assert [text for text in texts if isinstance(text, str) and COMMANDS[0] in text] == [": `alchemesh up` fixes it"]


def _literals(tree: ast.AST) -> Iterator[ast.Constant]:
    """The literals of a module, without docstrings and without arguments that are documentation."""
    for child in ast.iter_child_nodes(tree):
        is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        names = [child.arg] if isinstance(child, ast.keyword) else _assigned(child)
        is_documentation = any(name in DOCUMENTATION for name in names)
        if isinstance(child, ast.Constant):
            yield child
        elif not is_docstring and not is_documentation:
            yield from _literals(child)


def _assigned(node: ast.AST) -> list[str | None]:
    """The names that a statement assigns, such as the summary of a handler."""
    return [each.id for each in node.targets if isinstance(each, ast.Name)] if isinstance(node, ast.Assign) else []
