"""Builds into the wheel the part of Pulumi's SDK for Google Cloud that the components use.

The whole SDK takes 290 MB once it is installed, of which the components import a hundredth. So the wheel has those
classes in a folder that a `.pth` file puts at the end of the import path: where `pulumi-gcp` itself is installed, that
one is imported. The classes come without docstrings, annotations of arguments, setters and reads of existing
resources. A property whose type no component names has the type `Any`, which Pulumi passes on as it is.
See docs/adr/0002-dependencies.md.
"""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SDK = "pulumi_gcp"
COMPONENTS = "components/alchemesh_components"
FOLDER = "alchemesh_platform/clouds/gcp/sdk"
PATH_FILE = "alchemesh-gcp-sdk.pth"
INPUTS, OUTPUTS = "_inputs.py", "outputs.py"  # the nested types of a module
SHARED = (INPUTS, OUTPUTS, "_enums.py", "_utilities.py", "pulumi-plugin.json")
NOTICE = "# From pulumi-gcp {version}, Apache License 2.0. Changed: docstrings and everything unused were removed.\n"
_NESTED = re.compile(r"'(?:outputs\.(\w+)|([A-Z]\w*))'")  # a nested type in an annotation: of an output, or of an input


class Used(NamedTuple):
    """What components use of the SDK: classes by module, and the attributes that they read of any value."""

    classes: Mapping[str, frozenset[str]]
    attributes: frozenset[str]


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


def used(components: Path) -> Used:
    """The classes that components use, and each name that follows a dot in the same files."""
    classes: dict[str, set[str]] = {}
    attributes: set[str] = set()
    for file in sorted(components.rglob("*.py")):
        text = file.read_text("utf-8")
        attributes |= set(re.findall(r"\.([a-z]\w*)", text))
        for imported in re.findall(rf"^\s*from {SDK} import (.+)$", text, re.MULTILINE):
            for module in re.findall(r"\w+", imported):
                classes.setdefault(module, set()).update(re.findall(rf"\b{module}\.([A-Z]\w*)", text))
    return Used({module: frozenset(names) for module, names in classes.items()}, frozenset(attributes))


def write_used(source: Path, target: Path, what: Used, version: str) -> None:
    """Write the modules that define these classes, and what those import."""
    for module, classes in what.classes.items():
        folder = source / module
        resources = {file for file in folder.glob("*.py") if _defines(file, classes)}
        kept = resources | {file for name in SHARED if (file := folder / name).is_file()} | {folder / "__init__.py"}
        stems = {each.stem for each in kept}
        outputs = read_outputs(resources, folder / OUTPUTS, what.attributes)
        for file in kept:
            _write(file, target / module / file.name, _Pruned(stems, classes, outputs, file.name), version)
    top = {file for name in SHARED if (file := source / name).is_file() and name not in (INPUTS, OUTPUTS)}
    stems = {*what.classes, *(each.stem for each in top)}
    for file in {*top, source / "__init__.py"}:
        if file.suffix == ".py":
            _write(file, target / file.name, _Pruned(stems, frozenset(), frozenset(), file.name), version)
        else:
            shutil.copy(file, target / file.name)


def _defines(file: Path, names: frozenset[str]) -> bool:
    if file.name in SHARED or file.stem == "__init__":
        return False
    defined = re.findall(r"^class (\w+)", file.read_text("utf-8"), re.MULTILINE)
    return not names.isdisjoint(defined)


def read_outputs(resources: Iterable[Path], outputs: Path, attributes: frozenset[str]) -> frozenset[str]:
    """The nested types of outputs that a component may read: through properties whose names it uses as attributes."""
    if not outputs.is_file():
        return frozenset()
    by_class = {
        node.name: node for node in ast.parse(outputs.read_text("utf-8")).body if isinstance(node, ast.ClassDef)
    }
    classes = [node for file in resources for node in _resources(ast.parse(file.read_text("utf-8")))]
    found: set[str] = set()
    while classes:
        getters = [each for each in classes.pop().body if isinstance(each, ast.FunctionDef) and each.name in attributes]
        reached = {name for each in getters if each.returns for name, _ in _NESTED.findall(ast.unparse(each.returns))}
        reached = (reached & by_class.keys()) - found
        classes += [by_class[name] for name in reached]
        found |= reached
    return frozenset(found)


def _resources(tree: ast.Module) -> list[ast.ClassDef]:
    """Classes that stand for deployed resources; a file also has their arguments."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return [node for node in classes if "pulumi.CustomResource" in map(ast.unparse, node.bases)]


def _write(file: Path, target: Path, pruned: _Pruned, version: str) -> None:
    # The SDK asks for the version of the package that it was installed with; here it has none of its own.
    text = file.read_text("utf-8").replace("importlib.metadata.version(root_package)", repr(version))
    tree = ast.fix_missing_locations(pruned.visit(ast.parse(text)))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(NOTICE.format(version=version) + ast.unparse(tree) + "\n", "utf-8")


class _Pruned(ast.NodeTransformer):
    """A file of the SDK without everything that neither a component nor Pulumi uses at run time.

    Args:
        modules: Modules and files that the wheel has beside this one.
        inputs: Names of the classes that components name.
        outputs: Names of the nested types of outputs that components may read.
        name: Of the file.
    """

    def __init__(self, modules: set[str], inputs: frozenset[str], outputs: frozenset[str], name: str) -> None:
        self._modules = modules
        self._inputs = inputs
        self._outputs = outputs
        # These files have nested types alone. The others define resources and their arguments.
        self._kept = {INPUTS: inputs, OUTPUTS: outputs}.get(name)

    def visit_Module(self, node: ast.Module) -> ast.Module:
        if self._kept is not None:
            node.body = [each for each in node.body if not isinstance(each, ast.ClassDef) or each.name in self._kept]
        node.body = [each for each in node.body if not _is_state(each)]
        self.generic_visit(node)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef | None:
        decorators = [ast.unparse(each) for each in node.decorator_list]
        if any("overload" in each or each.endswith(".setter") for each in decorators):
            return None
        if node.name == "get" and "staticmethod" in decorators:
            return None
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        if any(each.startswith("pulumi.getter") for each in decorators):  # Pulumi reads the types of properties
            node.returns = node.returns and self._without_unknown(node.returns)
        else:
            node.returns = None
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        if isinstance(node.value, ast.Constant):
            return None
        if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "_utilities.register":
            for keyword in node.value.keywords:
                keyword.value = ast.Constant(json.dumps(self._registered(json.loads(ast.literal_eval(keyword.value)))))
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.Assign | None:
        if ast.unparse(node.targets[0]) == "__all__" and self._kept is not None:
            names = ast.literal_eval(node.value)
            node.value = ast.Constant([name for name in names if name in self._kept])
        return node if self._is_there(node) else None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        star = node.level == 1 and node.names[0].name == "*"
        return None if star and node.module not in self._modules else node

    def visit_If(self, node: ast.If) -> ast.If:
        if ast.unparse(node.test) == "typing.TYPE_CHECKING":  # a type checker imports modules at once
            node.body = [ast.Pass()]
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def _is_there(self, node: ast.Assign) -> bool:
        found = re.search(rf"lazy_import\('{SDK}\.(\w+)'\)", ast.unparse(node))
        return found is None or found[1] in self._modules

    def _registered(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [each for each in entries if each["fqn"].removeprefix(f"{SDK}.") in self._modules]

    def _without_unknown(self, annotation: ast.expr) -> ast.expr:
        """The annotation, with `Any` in the place of the nested types that were left out."""

        def known(found: re.Match[str]) -> str:
            return found[0] if found[1] in self._outputs or found[2] in self._inputs else "Any"

        return ast.parse(_NESTED.sub(known, ast.unparse(annotation)), mode="eval").body


def _is_state(node: ast.stmt) -> bool:
    """Whether a class has the values of a resource that exists and is only read."""
    return isinstance(node, ast.ClassDef) and re.fullmatch(r"_\w+State", node.name) is not None
