"""The output in the README matches the output of the commands, apart from times and ports."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.commands import run_command

pytestmark = pytest.mark.engine

README = Path(__file__).parent.parent.parent / "README.md"
JOURNEY = README.read_text("utf-8").partition("## The journey")[2].partition("\n## ")[0]
QUESTION = "Deploy this? [y/N]: y\n"
AMOUNT = '      amount: {type: number, precision: 10, scale: 2, description: "Price paid, in euro"}\n'
SHOP = "      shop: {type: string, description: Where it was sold}\n"


def shown(command: str) -> str:
    """The output that follows a command in the README."""
    found = re.search(rf"^\$ {re.escape(command)}\n(.*?)(?=^\$ |^```)", JOURNEY, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the README does not show `{command}`"
    return plain(found[1])


def plain(text: str) -> str:
    """A text without times, ports and empty lines."""
    text = re.sub(r"\d+\.\d s", "TIME", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    return "\n".join(line for line in text.splitlines() if line.strip())


@pytest.fixture
def printed(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Runs a command in the product's folder and returns its output."""
    environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "ALCHEMESH_PLATFORM")}
    environ |= {"ALCHEMESH_HOME": str(tmp_path / "home"), "ALCHEMESH_USER": "owner@company.example"}

    def run(*arguments: str, folder: str = "orders") -> str:
        done = run_command(arguments, tmp_path / folder, environ)
        return plain(done.stdout + done.stderr)

    yield run
    run("destroy", "--yes", "--delete-data")


def test_the_journey_of_the_readme(printed: Callable[..., str], tmp_path: Path) -> None:
    assert "$ alchemesh init orders && cd orders" in JOURNEY
    printed("init", "orders", folder=".")
    manifest = tmp_path / "orders" / "alchemesh.yaml"
    preview, _, deployment = shown("alchemesh up").partition(plain(QUESTION))
    unrecorded = "note: nothing recorded to compare with: local has no record of retail/orders"
    assert printed("preview") == f"{preview.strip()} · next: alchemesh up\n{unrecorded}"
    assert printed("up", "--yes") == deployment.strip()
    assert printed("run") == shown("alchemesh run")

    written = manifest.read_text("utf-8")
    assert AMOUNT in written
    changed = written.replace(AMOUNT, AMOUNT + SHOP).replace("notice_period: 30d", "notice_period: 60d")
    manifest.write_text(changed, "utf-8")
    assert printed("preview") == shown("alchemesh preview")

    mistaken = changed.replace("models: [sale]", "models: [sales]").replace("columnar-table", "columnar-tabel")
    manifest.write_text(mistaken, "utf-8")
    assert printed("validate") == shown("alchemesh validate")
    manifest.write_text(written, "utf-8")
