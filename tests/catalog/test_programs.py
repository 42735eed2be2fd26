"""The Python program on the page of each component: it declares the resources of its case, and its types are right."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest

from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.catalog.page import component_cases
from alchemesh_platform.catalog.program import example_program, plain_case
from tests.components.recorder import Recorder

CATALOG = discover()
PAGES = Path(__file__).parents[2] / "docs" / "components"


def shown(name: str) -> str:
    """The program that the page of a component shows."""
    [program] = re.findall(r"```python\n(.*?)```", (PAGES / f"{name}.md").read_text("utf-8"), re.DOTALL)
    return str(program)


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_the_program_of_a_page_declares_the_resources_of_its_case(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = json.loads(json.dumps(plain_case(component_cases(CATALOG[name]))).replace("{folder}", "."))
    for variable, value in case.get("secrets", {}).get("environment", {}).items():
        monkeypatch.setenv(variable, value)
    recorder = Recorder(case.get("computed", {}))
    pulumi.runtime.set_mocks(recorder, project="plain", stack="dev")
    made: dict[str, Any] = {}

    @pulumi.runtime.test
    def declare() -> pulumi.Output[None]:
        exec(shown(name), {"__name__": name}, made)  # noqa: S102 - the page's own program
        return pulumi.Output.from_input(dict(made["component"].outputs)).apply(made.update)

    declare()
    more = "admit" in case or "grant" in case
    for resource in recorder.declared:
        assert resource in case["resources"]
    assert more or len(recorder.declared) == len(case["resources"])
    assert {field: made[field] for field in case["outputs"]} == case["outputs"]


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_the_page_shows_the_program_of_its_case(name: str) -> None:
    case = plain_case(component_cases(CATALOG[name]))
    assert case is not None
    assert shown(name) == example_program(CATALOG[name], case)


def test_a_type_checker_knows_the_arguments_of_each_program(tmp_path: Path) -> None:
    """An editor completes the arguments from the same types."""
    names = [name.replace("-", "_") for name in sorted(CATALOG)]
    for name in names:
        (tmp_path / f"program_{name}.py").write_text(shown(name.replace("_", "-")), "utf-8")
    wrong = shown("delta-table").replace("Args(partition_by", "Args(partiton_by")
    (tmp_path / "wrong.py").write_text(wrong, "utf-8")
    root = PAGES.parents[1]
    files = [*(str(tmp_path / f"program_{name}.py") for name in names), str(tmp_path / "wrong.py")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", f"--config-file={root / 'pyproject.toml'}", "--follow-imports=silent", *files],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MYPYPATH": os.pathsep.join(str(root / part) for part in ("components", "stacks", "cli"))},
    )
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert len(errors) == 1, done.stdout + done.stderr
    assert 'Unexpected keyword argument "partiton_by" for "Args"; did you mean "partition_by"?' in errors[0]


def test_a_case_that_does_not_fit_its_models_has_no_program() -> None:
    case = {"name": "wrong", "args": {"partition": 1}, "settings": {"local": {"root": "/data", "run": "/run"}}}
    assert example_program(CATALOG["delta-table"], case) is None
