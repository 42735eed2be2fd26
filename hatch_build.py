"""Builds into the wheel the part of Pulumi's SDK for Google Cloud that the components use.

The whole SDK takes 290 MB once it is installed, of which the components import a hundredth. So the wheel has those
classes, without docstrings, in a folder that a `.pth` file puts at the end of the import path: where `pulumi-gcp`
itself is installed, that one is imported. See docs/adr/0002-dependencies.md.
"""

from __future__ import annotations

import ast
import importlib.metadata
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SDK = "pulumi_gcp"
COMPONENTS = "components/alchemesh_components"
FOLDER = "alchemesh_platform/clouds/gcp/sdk"
PATH_FILE = "alchemesh-gcp-sdk.pth"
SHARED = ("_inputs.py", "outputs.py", "_enums.py", "_utilities.py", "provider.py", "vars.py", "pulumi-plugin.json")
TYPES = ("_inputs.py", "outputs.py")  # the types of a module: of its resources, and of its data sources
NOTICE = "# From pulumi-gcp {version}, Apache License 2.0. Changed: docstrings and everything unused were removed.\n"


class GoogleCloudSdk(BuildHookInterface):  # type: ignore[type-arg,misc]
    """Adds the used part of the SDK to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the wheel is written; an editable install uses `pulumi-gcp` itself."""
        if version == "editable":
            return
        self._made = Path(tempfile.mkdtemp())
        package = importlib.metadata.distribution(SDK)
        source = Path(str(package.locate_file(SDK)))
        write_used(source, self._made / "sdk" / SDK, used(Path(self.root, COMPONENTS)), package.version)
        (self._made / PATH_FILE).write_text(f"{FOLDER}\n")
        build_data["force_include"][str(self._made / "sdk")] = FOLDER
        build_data["force_include"][str(self._made / PATH_FILE)] = PATH_FILE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """After the wheel is written."""
        if version != "editable":
            shutil.rmtree(self._made)


def used(components: Path) -> dict[str, set[str]]:
    """The classes that components use, by the module of the SDK."""
    found: dict[str, set[str]] = {}
    for file in sorted(components.rglob("*.py")):
        text = file.read_text("utf-8")
        for imported in re.findall(rf"^\s*from {SDK} import (.+)$", text, re.MULTILINE):
            for module in re.findall(r"\w+", imported):
                found.setdefault(module, set()).update(re.findall(rf"\b{module}\.([A-Z]\w*)", text))
    return found


def write_used(source: Path, target: Path, classes: dict[str, set[str]], version: str) -> None:
    """Write the modules that define these classes, and what those import."""
    for module in (*classes, "config"):
        folder = source / module
        kept = {file for file in folder.glob("*.py") if _defines(file, classes.get(module, set()))}
        kept |= {file for name in SHARED if (file := folder / name).is_file()}
        kept.add(folder / "__init__.py")
        types = reachable_types(kept)
        for file in kept:
            _write(file, target / module / file.name, {each.stem for each in kept}, version, types)
    top = {file for name in SHARED if (file := source / name).is_file()} | {source / "__init__.py"}
    for file in top:
        if file.suffix == ".py":
            _write(file, target / file.name, {*classes, "config", *(each.stem for each in top)}, version)
        else:
            shutil.copy(file, target / file.name)


def _defines(file: Path, names: set[str]) -> bool:
    if file.name in SHARED or file.stem == "__init__":
        return False
    defined = re.findall(r"^class (\w+)", file.read_text("utf-8"), re.MULTILINE)
    return not names.isdisjoint(defined)


def reachable_types(files: Iterable[Path]) -> set[str]:
    """The types in files of a module that its resources use, also through each other: not those of its data sources."""
    used_by: dict[str, set[str]] = {}
    reached: set[str] = set()
    for file in files:
        text = file.read_text("utf-8")
        if file.name not in TYPES:
            reached |= _words(text)
            continue
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef):
                used_by.setdefault(node.name, set()).update(_words(ast.unparse(node)))
    found: set[str] = set()
    while new := {name for name in reached & used_by.keys() if name not in found}:
        found |= new
        reached = set[str]().union(*(used_by[name] for name in new))
    return found


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def _write(file: Path, target: Path, kept: set[str], version: str, types: set[str] | None = None) -> None:
    text = file.read_text("utf-8")
    # The SDK asks for the version of the package that it was installed with; here it has none of its own.
    text = text.replace("importlib.metadata.version(root_package)", repr(version))
    tree = ast.parse(text)
    if file.name in TYPES and types is not None:
        _leave_out(tree, types)
    for node in ast.walk(tree):
        if isinstance(node, ast.If):  # modules are imported when they are used; a type checker imports them at once
            for_checkers = ast.unparse(node.test) == "typing.TYPE_CHECKING"
            node.body = [ast.Pass()] if for_checkers else node.body
            node.orelse = [each for each in node.orelse if _module_of(each) in {None, *kept}]
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = list(_needed(node.body, kept)) or ([] if isinstance(node, ast.Module) else [ast.Pass()])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(NOTICE.format(version=version) + ast.unparse(tree) + "\n", "utf-8")


def _leave_out(tree: ast.Module, types: set[str]) -> None:
    """Remove the types that no resource uses, also from the list of the module's names."""
    tree.body = [node for node in tree.body if not isinstance(node, ast.ClassDef) or node.name in types]
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == "__all__"
            and isinstance(node.value, ast.List)
        ):
            node.value.elts = [
                each for each in node.value.elts if isinstance(each, ast.Constant) and each.value in types
            ]


def _module_of(statement: ast.stmt) -> str | None:
    """The module of the SDK that a statement imports when it is used; None for any other statement."""
    found = re.search(rf"lazy_import\('{SDK}\.(\w+)'\)", ast.unparse(statement))
    return found[1] if found is not None else None


def _needed(body: list[ast.stmt], kept: set[str]) -> Iterator[ast.stmt]:
    """Statements, but docstrings, overloads for type checkers and imports of modules that are left out."""
    for place, statement in enumerate(body):
        if place == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        if isinstance(statement, ast.FunctionDef) and "overload" in "".join(map(ast.unparse, statement.decorator_list)):
            continue
        star = isinstance(statement, ast.ImportFrom) and statement.level == 1 and statement.names[0].name == "*"
        if star and isinstance(statement, ast.ImportFrom) and statement.module not in kept:
            continue
        yield statement
