"""Finds the entrypoint of a job without importing it, since an import runs the module."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass
from pathlib import Path

from alchemesh_platform.base.problems import closest

ENTRYPOINT = re.compile(
    r"(?P<module>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<function>[A-Za-z_]\w*)|(?P<script>[\w./ -]+\.(py|sql))"
)

# limits.h, https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/limits.h.html: 255 on Linux and macOS; for a path
# 1024 on macOS. The folder of the product and the end of a file's name take a part.
_NAME_MAX = 255 - len(".py")
_PATH_MAX = 512

_START_FUNCTION = (
    "import importlib, sys; module, function = sys.argv[1].split(':'); sys.argv = [sys.argv[1], *sys.argv[2:]]; "
    "sys.exit(getattr(importlib.import_module(module), function)())"
)


def interpreter_arguments(entrypoint: str) -> list[str]:
    """The arguments of Python that run an entrypoint in its folder."""
    match = ENTRYPOINT.fullmatch(entrypoint)
    return [entrypoint] if match and match["script"] else ["-c", _START_FUNCTION, entrypoint]


@dataclass(frozen=True, slots=True)
class Unrunnable:
    """The reason why an entrypoint cannot run, in a sentence, and a similar entrypoint, if there is one."""

    reason: str
    meant: str | None = None

    def __str__(self) -> str:
        return f"{self.reason}; did you mean {self.meant!r}?" if self.meant else self.reason


def entrypoint_problem(entrypoint: str, folder: Path, *, elsewhere: bool = False) -> Unrunnable | None:
    """The reason why an entrypoint cannot run; None if it can, or if the check cannot find out.

    Args:
        entrypoint: ``package.module:function``, or the path of a script.
        folder: The working folder of the module or script. Modules may also be installed with this Python.
        elsewhere: Whether modules may come from another Python or from a path of the job, which the check does not see.
    """
    match = ENTRYPOINT.fullmatch(entrypoint)
    if match is None:
        return Unrunnable(f"{entrypoint!r} is neither package.module:function nor the path of a script")
    longest = max(len(os.fsencode(part)) for part in re.split(r"[./:]", entrypoint))
    if longest > _NAME_MAX or len(os.fsencode(entrypoint)) > _PATH_MAX:
        what = f"a name of {longest} bytes" if longest > _NAME_MAX else f"{len(entrypoint)} characters"
        return Unrunnable(f"it has {what}, and file systems allow {_NAME_MAX} for a name and {_PATH_MAX} for a path")
    if not folder.is_dir():
        return Unrunnable(f"there is no working folder {folder}")
    if match["script"]:
        script = folder / match["script"]
        if script.is_file():
            return None
        return Unrunnable(
            f"there is no script {match['script']} in {folder}", closest(match["script"], _scripts(folder))
        )
    module = Path(*match["module"].split("."))
    candidates = (module.with_suffix(".py"), module / "__init__.py")
    found = next((path for path in candidates if (folder / path).is_file()), None)
    if found is not None:
        return _function_problem(folder / found, match["module"], match["function"])
    if not _shadowed(folder, match["module"]) and (elsewhere or _is_installed(match["module"])):
        return None
    meant = closest(match["module"], [name for script in _scripts(folder) if (name := _module_of(script))])
    return Unrunnable(
        f"there is no module {match['module']}: neither {candidates[0]} nor {candidates[1]} in {folder}",
        f"{meant}:{match['function']}" if meant else None,
    )


def _scripts(folder: Path) -> list[str]:
    """Python files of a folder and of its sub-folders, as relative paths, without hidden ones."""
    found = (path.relative_to(folder) for pattern in ("*.py", "*/*.py") for path in folder.glob(pattern))
    return sorted(path.as_posix() for path in found if not path.parts[0].startswith("."))


def _module_of(script: str) -> str:
    """The import name of a file; empty if it cannot be imported."""
    parts = Path(script).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(parts) if all(part.isidentifier() for part in parts) else ""


def _shadowed(folder: Path, module: str) -> bool:
    """Whether a module of the working folder shadows an installed one."""
    top = folder / module.partition(".")[0]
    return top.with_suffix(".py").is_file() or (top / "__init__.py").is_file()


def _is_installed(module: str) -> bool:
    """Whether this Python finds a module, without importing it or its package; true if unknown."""
    import importlib.util
    from importlib.machinery import PathFinder

    first, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(first)
        for name in rest:
            if spec is None or spec.submodule_search_locations is None:
                return False
            spec = PathFinder.find_spec(f"{spec.name}.{name}", list(spec.submodule_search_locations))
    except (ImportError, ValueError, AttributeError):
        return True
    return spec is not None


def _function_problem(path: Path, module: str, function: str) -> Unrunnable | None:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        return Unrunnable(f"{path}:{error.lineno} is no Python: {error.msg}")
    except (OSError, ValueError) as error:
        return Unrunnable(f"{path} cannot be read: {error}")
    names, certain = _bound(tree.body)
    if function in names or not certain:
        return None
    functions = sorted(node.name for node in tree.body if isinstance(node, ast.FunctionDef))
    meant = closest(function, functions)
    has = f"; it has {', '.join(functions)}" if functions else ""
    return Unrunnable(f"{path} has no function {function!r}{has}", f"{module}:{meant}" if meant else None)


def _bound(statements: list[ast.stmt]) -> tuple[set[str], bool]:
    """The names that a module binds at its top level, and whether the list is complete."""
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
