"""Cases as data: YAML files that hold a list of cases, each with its input and the expected problems."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from alchemesh_platform.base.problems import Problem, in_file_order

HEADER = "# `pytest --update` writes what the code says now into `problems`; read the difference before keeping it.\n"


@dataclass(frozen=True)
class Case:
    """One case of a file."""

    file: Path
    index: int
    content: dict[str, Any]

    def write_files(self, folder: Path) -> None:
        """Write the files of the case into a folder."""
        for name, text in self.content["files"].items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def check(self, problems: list[Problem], update: bool) -> None:
        """Compare problems, as they are shown, with those that the case expects."""
        shown = "".join(f"{problem}\n\n" for problem in in_file_order(problems)).rstrip("\n")
        if update:
            _write(self, shown)
        else:
            assert shown == self.content["problems"].rstrip("\n")


def read_yaml(file: Path) -> Any:
    """The document of a file, by the parser in C where there is one: every collection reads all cases."""
    return yaml.load(file.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 both are safe


def parametrize(folder: Path) -> pytest.MarkDecorator:
    """Run a test with each case of a folder's files."""
    cases = [
        Case(file, index, content)
        for file in sorted(folder.glob("*.yml"))
        for index, content in enumerate(read_yaml(file))
    ]
    assert cases, f"no cases in {folder}"
    return pytest.mark.parametrize("case", cases, ids=[f"{case.file.stem}: {case.content['case']}" for case in cases])


def _write(case: Case, problems: str) -> None:
    contents = yaml.safe_load(case.file.read_text(encoding="utf-8"))
    contents[case.index]["problems"] = problems
    texts = [
        yaml.dump([content], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000) for content in contents
    ]
    case.file.write_text(HEADER + "\n" + "\n".join(texts), encoding="utf-8")


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
