"""The documentation of components in Markdown: one page for each, made from its spec, its models and its case file."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from alchemesh_platform.catalog.case_file import case_file_of
from alchemesh_platform.catalog.field_table import cell, field_rows, written_schema
from alchemesh_platform.catalog.program import example_program, plain_case
from alchemesh_platform.sdk.spec import ComponentSpec, Role

INDEX = "README.md"

Case = Mapping[str, Any]


def component_pages(catalog: Mapping[str, ComponentSpec]) -> dict[str, str]:
    """The page of each component and a page that lists them all, by the names of their files."""
    pages = {f"{name}.md": component_page(catalog[name]) for name in sorted(catalog)}
    return {INDEX: index_page(catalog[name] for name in sorted(catalog)), **pages}


def index_page(specs: Iterable[ComponentSpec]) -> str:
    """A table of components."""
    rows = [
        f"| [`{spec.name}`]({spec.name}.md) | `{spec.component_type}` | {', '.join(spec.roles)} | {spec.summary} |"
        for spec in specs
    ]
    return "\n".join(["# Components", "", "| Component | Implements | Roles | Summary |", "|---|---|---|---|", *rows])


def component_page(spec: ComponentSpec) -> str:
    """The page of one component."""
    cases = component_cases(spec)
    lines = [f"# {spec.name}", "", spec.summary, "", *_facts(spec), *_example(spec, cases)]
    for title, model in (
        ("Arguments in a manifest", spec.args_model()),
        ("Settings in a platform file", spec.settings_model()),
        ("Outputs", spec.outputs_model()),
    ):
        schema = written_schema(model)
        lines += ["", f"## {title}", "", *field_rows(schema)]
        for name, part in sorted(schema.get("$defs", {}).items()):
            if "properties" in part:
                lines += [f"### {name}", "", *field_rows(part)]
    text = "\n".join([*lines, *_grants(spec), *_resources(cases), *_permissions(spec)])
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def component_cases(spec: ComponentSpec) -> list[Case]:
    """The cases in the file next to the module of a component; empty if it has none. Does not import the module."""
    try:
        path = case_file_of(spec)
    except ImportError:
        return []
    if not path.is_file():
        return []
    read = yaml.safe_load(path.read_text("utf-8"))
    return list(read.get("cases") or ()) if isinstance(read, dict) else []


def example_manifest(spec: ComponentSpec, case: Case) -> dict[str, Any]:
    """The part of a manifest that uses a component with the arguments of a case; empty for a shared stack."""
    wiring = case.get("wiring") or {}
    args = {"args": case["args"]} if case.get("args") else {}
    use = {"component": spec.component_type, **args}
    port = wiring.get("port") or "example"
    if Role.STORAGE in spec.roles or Role.PROXY in spec.roles:
        of_port = {"name": port, "models": list(wiring.get("models") or ["example"])}
        if Role.STORAGE in spec.roles:
            return {"output_ports": [{**of_port, "storage": use}]}
        protocols = {"protocols": list(wiring.get("protocols") or spec.protocols)}
        return {"output_ports": [{**of_port, "proxy": {**use, **protocols}}]}
    if Role.INPUT_PORT in spec.roles:
        product, _, output = str(wiring.get("origin") or "").rpartition("/")
        origin = {"data_product": product, "output_port": output} if product else {"source_system": "example"}
        schema = {"schema": wiring["schema"]} if wiring.get("schema") else {}
        return {"input_ports": [{"name": port, "from": origin, **use, **schema}]}
    if Role.INFRASTRUCTURE in spec.roles:
        return {"infrastructure": [{"name": port, **use}]}
    return {"code": use} if Role.CODE in spec.roles else {}


def example_platform(spec: ComponentSpec, case: Case) -> dict[str, Any]:
    """The part of a platform file that selects a component, with the settings of a case."""
    settings = {"settings": case["settings"]} if case.get("settings") else {}
    environment = (case.get("wiring") or {}).get("environment") or "prod"
    return {"environments": {environment: {"components": {spec.component_type: spec.name}, **settings}}}


def _facts(spec: ComponentSpec) -> list[str]:
    facts = [
        ("Implements", f"`{spec.component_type}`"),
        ("Roles", ", ".join(spec.roles)),
        ("Version", f"{spec.version}, {spec.maturity}"),
        ("Owner", spec.owner),
        ("Holds data", "yes; retained on removal, unless configured otherwise" if spec.stateful else "no"),
        ("Protocols", ", ".join(spec.protocols) or "those of the storage" if Role.PROXY in spec.roles else ""),
        ("Observed", "yes" if spec.observe else "no"),
        ("Installed with", ", ".join(f"`{extra}`" for extra in spec.extras)),
    ]
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts if value)]


def _example(spec: ComponentSpec, cases: list[Case]) -> Iterator[str]:
    if not cases:
        return
    case = cases[0]
    yield from ("", "## Example", "")
    manifest = example_manifest(spec, case)
    if manifest:
        intro = f"In `alchemesh.yaml`. The tests run it, as the case *{case['name']}*:"
        yield from (intro, "", *_yaml(manifest), "")
    yield from ("In `platform.yaml`:", "", *_yaml(example_platform(spec, case)))
    plain = plain_case(cases)
    program = None if plain is None else example_program(spec, plain)
    if plain is not None and program is not None:
        intro = f"In a Pulumi program, without a mesh. The tests run it, as the case *{plain['name']}*:"
        yield from ("", intro, "", "```python", *program.splitlines(), "```")


def _grants(spec: ComponentSpec) -> Iterator[str]:
    """How the component gives access: to consumers, and to the product's own code."""
    methods = _documented_methods(spec)
    lines = []
    if spec.guards:
        lines.append(f"- Consumers: {_sentence(methods.get('grant'), 'each grant is a resource of its own.')}")
        if spec.required_identity:
            lines.append(f"- A product that consumes the port needs an identity of kind `{spec.required_identity}`.")
    if "admit" in methods:
        lines.append(f"- Code of the product: {_sentence(methods['admit'], 'has access through its identity.')}")
    if lines:
        yield from ("", "## Grants", "", *lines)


def _resources(cases: list[Case]) -> Iterator[str]:
    """The types of the resources in all cases, each with the first resource of that type."""
    found: dict[str, tuple[str, str]] = {}
    for case in cases:
        for resource in case.get("resources") or ():
            found.setdefault(resource["type"], (resource["name"], case["name"]))
    if found:
        rows = [f"| `{kind}` | `{name}` | {cell(case)} |" for kind, (name, case) in sorted(found.items())]
        yield from ("", "## Resources", "", "| Type | For example | In the case |", "|---|---|---|", *rows)


def _permissions(spec: ComponentSpec) -> Iterator[str]:
    """The permissions that the deploying identity needs."""
    if spec.permissions:
        rows = [f"| `{each.name}` | {cell(each.description)} |" for each in spec.permissions]
        yield from ("", "## Permissions", "", "The identity that deploys the component needs:", "")
        yield from ("| Permission | For |", "|---|---|", *rows)


def _yaml(value: Mapping[str, Any]) -> list[str]:
    text = yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True, width=110).rstrip()
    return ["```yaml", *text.splitlines(), "```"]


def _sentence(doc: str | None, otherwise: str) -> str:
    first = (doc or otherwise).strip().partition("\n\n")[0]
    return " ".join(first.split())


def _documented_methods(spec: ComponentSpec) -> dict[str, str]:
    """The methods of a component's class and their docstrings, read from the source: its import would import Pulumi."""
    file = _module_file(spec)
    name = spec.component.partition(":")[2]
    if file is None:
        return {}
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef) and node.name == name:
            methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            found = {method.name: inspect.cleandoc(ast.get_docstring(method) or "") for method in methods}
    return found


def _module_file(spec: ComponentSpec) -> Path | None:
    """The file of the module that has a component's class."""
    module = importlib.util.find_spec(spec.component.partition(":")[0])
    return Path(module.origin) if module is not None and module.origin else None
