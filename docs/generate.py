"""Write the pages that are generated from the code; ``--check`` lists stale pages instead."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel
from rich.console import Console
from rich.text import Text

from alchemesh_cli.main import COMMANDS, alchemesh
from alchemesh_cli.render.plan import plan_lines
from alchemesh_platform.base.failure import EXIT_CODES
from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.documents.json_schema import WrittenSchema
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.manifest.models import DataProduct
from alchemesh_platform.mesh_repo.models import Domain, Users
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.platform_file.models import PlatformFile
from alchemesh_platform.policies.load import SHIPPED, SHIPPED_TOGETHER, load_policies
from alchemesh_platform.policies.models import Policy
from alchemesh_platform.sdk.spec import ComponentSpec

DOCS = Path(__file__).parent
NOTE = "<!-- Generated from the code by `make docs`. Do not edit. -->\n\n"


def pages() -> dict[Path, str]:
    """Every generated page: its path relative to docs, and its text."""
    catalog = discover()
    found = {
        Path("reference/commands.md"): commands_page(),
        Path("reference/exit-codes.md"): exit_codes_page(),
        Path("reference/manifest.md"): model_page("The manifest, `alchemesh.yaml`", _schema(DataProduct)),
        Path("reference/platform-file.md"): model_page("The platform file, `platform.yaml`", _schema(PlatformFile)),
        Path("reference/mesh-repo.md"): "\n".join(
            (
                model_page("The mesh repo: a domain, `kind: Domain`", _schema(Domain)),
                model_page("The mesh repo: users, `kind: Users`", _schema(Users)),
                model_page("The mesh repo: a policy, `kind: Policy`", _schema(Policy)),
            )
        ),
        Path("components/README.md"): components_page([catalog[name] for name in sorted(catalog)]),
    }
    for name in catalog:
        found[Path(f"components/{name}.md")] = component_page(catalog[name])
    found = {path: NOTE + re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n" for path, text in found.items()}
    together = SHIPPED_TOGETHER.relative_to(DOCS.parent)
    return {**found, Path("plan.svg"): plan_picture(), Path("..") / together: shipped_together()}


def shipped_together() -> str:
    """The shipped policies in one file, which every run reads."""
    policies = [loaded.policy.model_dump(mode="json", exclude_unset=True) for loaded in load_policies([SHIPPED])]
    return json.dumps(policies, indent=1, ensure_ascii=False) + "\n"


def plan_picture() -> str:
    """The output of `alchemesh plan` for an example, as a picture."""
    platform = load_platform(None, "local", Path("home"))
    loaded = load_manifest(DOCS.parent / "examples" / "flights" / "alchemesh.yaml")
    console = Console(record=True, width=96, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi("\n".join(plan_lines(compose(loaded, platform, discover())))))
    picture = console.export_svg(title="alchemesh plan", unique_id="plan")
    # Use the reader's own fonts, so that the picture loads nothing from the network.
    return re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", picture, flags=re.DOTALL) + "\n"


def commands_page() -> str:
    """Each command's help, as `--help` prints it."""
    return "\n".join(["# Commands", "", *_command_sections()])


def _command_sections() -> Iterator[str]:
    root = click.Context(alchemesh, info_name="alchemesh", max_content_width=100, terminal_width=100)
    for name in COMMANDS:
        command = alchemesh.get_command(root, name)
        if command is None:
            raise LookupError(name)
        yield from _help(f"alchemesh {name}", command, root)


def _help(path: str, command: click.Command, parent: click.Context) -> Iterator[str]:
    context = click.Context(
        command, info_name=path.rpartition(" ")[2], parent=parent, max_content_width=100, terminal_width=100
    )
    yield from (f"## `{path}`", "", "```", command.get_help(context), "```", "")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _help(f"{path} {name}", child, context)


def exit_codes_page() -> str:
    """The meaning of each exit code."""
    rows = [f"| {code.value} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    return "\n".join(["# Exit codes", "", "| Code | Meaning |", "|---|---|", *rows])


def model_page(title: str, schema: dict[str, Any]) -> str:
    """A model and its nested models, each as a table of fields."""
    lines = [f"# {title}", "", *_fields(schema)]
    for name, part in sorted(schema.get("$defs", {}).items()):
        if "properties" in part:
            lines += [f"## {name}", "", part.get("description", "").partition("\n")[0], "", *_fields(part)]
        elif "enum" in part:
            values = ", ".join(f"`{value}`" for value in part["enum"])
            lines += [f"## {name}", "", part.get("description", "").partition("\n")[0], "", f"One of {values}.", ""]
    return "\n".join(lines)


def _fields(schema: dict[str, Any]) -> list[str]:
    required = set(schema.get("required", ()))
    rows = [
        f"| `{name}` | {_type(field)} | {'**required**' if name in required else _default(field)} "
        f"| {_cell(field.get('description', ''))} |"
        for name, field in schema.get("properties", {}).items()
    ]
    if not rows:
        return ["No fields.", ""]
    return ["| Field | Type | Default | Meaning |", "|---|---|---|---|", *rows, ""]


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        return " or ".join(_type(part) for part in field["anyOf"] if part.get("type") != "null")
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}" if "items" in field else "list"
    if field.get("type") == "object":
        values = field.get("additionalProperties") or next(iter(field.get("patternProperties", {}).values()), None)
        return f"map of {_type(values)}" if isinstance(values, dict) and values else "map"
    example = field.get("examples", [None])[0]
    kind = str(field.get("type", "any"))
    return f"{kind}, such as `{example}`" if example else kind


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True, schema_generator=WrittenSchema)


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    if default in (None, "", [], {}):
        return ""
    return f"`{_plain(default)}`"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join('""' if part == "" else str(part) for part in value)
    return str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def components_page(specs: list[ComponentSpec]) -> str:
    """The catalogue as a table."""
    rows = [
        f"| [`{spec.name}`]({spec.name}.md) | `{spec.component_type}` | {', '.join(spec.roles)} | {spec.summary} |"
        for spec in specs
    ]
    return "\n".join(["# Components", "", "| Component | Implements | Roles | Summary |", "|---|---|---|---|", *rows])


def component_page(spec: ComponentSpec) -> str:
    """One component: its facts, arguments, settings and outputs."""
    facts = [
        ("Implements", f"`{spec.component_type}`"),
        ("Roles", ", ".join(spec.roles)),
        ("Version", f"{spec.version}, {spec.maturity}"),
        ("Owner", spec.owner),
        ("Holds data", "yes; retained on removal, unless configured otherwise" if spec.stateful else "no"),
        ("Protocols", ", ".join(spec.protocols) or "those of the storage" if "proxy" in spec.roles else ""),
        ("Observed", "yes" if spec.observe else "no"),
    ]
    lines = [f"# {spec.name}", "", spec.summary, "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in facts if value]
    sections = (
        ("Arguments in a manifest", spec.args_model()),
        ("Settings in a platform file", spec.settings_model()),
        ("Outputs", spec.outputs_model()),
    )
    for title, model in sections:
        schema = _schema(model)
        lines += ["", f"## {title}", "", *_fields(schema)]
        for name, part in sorted(schema.get("$defs", {}).items()):
            if "properties" in part:
                lines += [f"### {name}", "", *_fields(part)]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` name the stale ones; returns the exit code."""
    wanted = {DOCS / path: text for path, text in pages().items()}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    known = set(wanted) | {DOCS / "components" / "README.md"}
    gone = [path for path in (DOCS / "components").glob("*.md") if path not in known]
    if "--check" in arguments:
        for path in [*stale, *gone]:
            click.echo(f"stale: {path.resolve().relative_to(DOCS.parent.resolve())}; run `make docs`", err=True)
        return 1 if stale or gone else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], "utf-8")
    for path in gone:
        path.unlink()
    click.echo(f"{len(stale)} written, {len(gone)} removed, {len(wanted) - len(stale)} unchanged")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
