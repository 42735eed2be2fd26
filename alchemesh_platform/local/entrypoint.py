"""Finding what a job runs, without importing it: importing is running."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ENTRYPOINT = re.compile(
    r"(?P<module>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<function>[A-Za-z_]\w*)|(?P<script>[\w./ -]+\.py)"
)


_START_FUNCTION = (
    "import importlib, sys; module, function = sys.argv[1].split(':'); sys.argv = [sys.argv[1], *sys.argv[2:]]; "
    "sys.exit(getattr(importlib.import_module(module), function)())"
)


def interpreter_arguments(entrypoint: str) -> list[str]:
    """What Python is started with to run an entrypoint in the folder that it is in."""
    match = ENTRYPOINT.fullmatch(entrypoint)
    return [entrypoint] if match and match["script"] else ["-c", _START_FUNCTION, entrypoint]


def entrypoint_problem(entrypoint: str, folder: Path) -> str | None:
    """Why an entrypoint cannot be run, in a sentence; None when it can.

    Args:
        entrypoint: ``package.module:function``, or the path of a script.
        folder: The working folder, where both are looked for.
    """
    match = ENTRYPOINT.fullmatch(entrypoint)
    if match is None:
        return f"{entrypoint!r} is neither package.module:function nor the path of a script"
    if not folder.is_dir():
        return f"there is no working folder {folder}"
    if match["script"]:
        script = folder / match["script"]
        return None if script.is_file() else f"there is no script {script}"
    module = Path(*match["module"].split("."))
    candidates = (folder / module.with_suffix(".py"), folder / module / "__init__.py")
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        return f"there is no module {match['module']}: neither {candidates[0]} nor {candidates[1]}"
    return _function_problem(found, match["function"])


def _function_problem(path: Path, function: str) -> str | None:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        return f"{path}:{error.lineno} is no Python: {error.msg}"
    except (OSError, ValueError) as error:
        return f"{path} cannot be read: {error}"
    names, certain = _bound(tree.body)
    if function in names or not certain:
        return None
    functions = ", ".join(sorted(node.name for node in tree.body if isinstance(node, ast.FunctionDef)))
    return f"{path} has no function {function!r}{f'; it has {functions}' if functions else ''}"


def _bound(statements: list[ast.stmt]) -> tuple[set[str], bool]:
    """Names that a module binds at its top, and whether those are all."""
    names: set[str] = set()
    certain = True
    for statement in statements:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                certain = certain and all(alias.name != "*" for alias in aliases)
                names.update((alias.asname or alias.name).partition(".")[0] for alias in aliases)
            case ast.Assign() | ast.AnnAssign():
                names.update(node.id for node in ast.walk(statement) if isinstance(node, ast.Name))
            case ast.Expr() | ast.Raise() | ast.Assert() | ast.Pass():
                pass
            case _:  # a name may be bound in a branch
                certain = False
    return names, certain
