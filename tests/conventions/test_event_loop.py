"""No test takes the event loop of its worker: `asyncio.run` leaves the main thread without one for later tests."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]


def calls_of_run(file: Path) -> list[int]:
    """The lines that call `asyncio.run`."""
    text = file.read_text("utf-8")
    tree = ast.parse(text if "asyncio.run" in text else "")  # a formatted file has no space there
    return [
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "asyncio.run"
    ]


def test_no_test_calls_asyncio_run() -> None:
    files = sorted(ROOT.rglob("*.py"))
    assert len(files) > 100
    assert [f"{file.relative_to(ROOT)}:{line}" for file in files for line in calls_of_run(file)] == []
