"""A git repository with data products, for a branch to change."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

MANIFEST = """\
kind: DataProduct
name: {name}
domain: shop
team: sales
owner: ada@shop.example
version: 1.0.0
lifecycle: development
{inputs}models:
  row:
    properties:
      row_id: {{type: integer, key: true, required: true}}
output_ports:
  - name: {name}-table
    models: [row]
    storage: {{component: columnar-table}}
    contract: {{version: 1.0.0, lifecycle: active, access: internal}}
"""
READS = """\
input_ports:
  - name: rows
    from: {{data_product: shop/{provider}, output_port: {provider}-table}}
    component: data-product-input
"""
WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@shop.example", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class Branch:
    """A repository whose branch `work` began at `main`."""

    root: Path

    @classmethod
    def made(cls, root: Path, *names: str, **providers: str) -> Branch:
        """A repository with products, one folder for each; ``providers`` name the product that one reads."""
        made = cls(root)
        root.mkdir(parents=True)
        made.git("init", "--quiet", "--initial-branch=main")
        for name in (*names, *providers):
            made.product(name, providers.get(name))
        made.commit("products")
        made.git("switch", "--quiet", "--create", "work")
        return made

    def product(self, name: str, provider: str | None = None, folder: str | None = None) -> Path:
        """Write a product; returns its folder."""
        made = self.root / (folder or f"products/{name}")
        inputs = READS.format(provider=provider) if provider else ""
        self.write(f"{made.relative_to(self.root)}/alchemesh.yaml", MANIFEST.format(name=name, inputs=inputs))
        self.write(f"{made.relative_to(self.root)}/jobs/clean.py", "def main() -> None: ...\n")
        return made

    def write(self, path: str, text: str) -> Path:
        """Write a file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return file

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a file; the replaced text must exist."""
        file = self.root / path
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")

    def commit(self, message: str = "work") -> None:
        """Record everything."""
        self.git("add", "--all")
        self.git(*WHO, "commit", "--quiet", "--allow-empty", "--message", message)

    def git(self, *arguments: str) -> str:
        """Run git here."""
        plain = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        environ = {**plain, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(["git", *arguments], cwd=self.root, env=environ, capture_output=True, check=True)
        return done.stdout.decode()
