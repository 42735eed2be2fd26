"""The page on other languages shows parts of programs that the tests deploy, and all fields of the wiring."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import yaml
from pydantic import BaseModel

from alchemesh_platform.provider.components import wirings
from alchemesh_platform.sdk.system.resource import camel_case

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "other-languages.md").read_text("utf-8")
PROGRAMS = ROOT / "parts" / "files" / "languages"


def block(language: str) -> str:
    """The only block of a language."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_typescript_program_is_the_deployed_one() -> None:
    deployed = textwrap.dedent((PROGRAMS / "typescript" / "program.ts").read_text("utf-8"))
    head, shown = block("typescript").split("const folder = process.cwd();\n")
    assert head.strip() in deployed
    body = textwrap.indent(shown.removesuffix("export const rest = api.rest;\n"), "    ")
    assert body in deployed.replace("        partitionBy: process.env.PARTITION_BY,\n", "")


def test_the_go_program_is_the_deployed_one() -> None:
    deployed = (PROGRAMS / "go" / "program" / "main.go").read_text("utf-8")
    assert textwrap.indent(block("go"), "\t\t").split('\t\tctx.Export("rest"')[0] in deployed
    assert 'ctx.Export("rest", api.Rest)' in deployed


def test_the_programs_find_the_generated_sdks() -> None:
    generated = re.findall(r"gen-sdk \S+ --language (\w+) --local --out (\w+)$", PAGE, re.MULTILINE)
    folders = {language: f"./{out}/{language}" for language, out in generated}  # as the command names them
    assert folders.keys() == {"nodejs", "go"}
    assert f"\nnpm install {folders['nodejs']}\n" in PAGE
    [module] = set(
        re.findall(r'"(github.com/alchemesh/[^"]+)/components"', (PROGRAMS / "go" / "program" / "main.go").read_text())
    )
    assert f"\ngo mod edit -replace {module}={folders['go']}\n" in PAGE
    assert f"(cd {folders['go'].removeprefix('./')} && go mod init {module} && go mod tidy)" in PAGE


def test_the_project_file_names_the_plugin() -> None:
    """The engine finds the plugin by it in tests/provider/components/test_languages.py."""
    assert yaml.safe_load(block("yaml"))["plugins"] == {"providers": [{"name": "alchemesh", "path": ".venv/bin"}]}


def test_each_field_of_the_wiring_is_described() -> None:
    models = [
        found
        for found in vars(wirings).values()
        if isinstance(found, type) and issubclass(found, BaseModel) and found.__name__.endswith("Wiring")
    ]
    known = {camel_case(field.alias or name) for model in models for name, field in model.model_fields.items()}
    table = PAGE.partition("## Outputs")[0].partition("these fields, by the role")[2]
    shown = {name for row in re.findall(r"^\| ([^|]*) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert shown == known
