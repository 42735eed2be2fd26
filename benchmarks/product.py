"""A product of any size, for measuring."""

from __future__ import annotations

from pathlib import Path

RESOURCES_OF_A_PORT = 6  # port, component, folder, and the records of port, contract and asset
RESOURCES_BESIDE = 3  # stack, product, record of the product

HEAD = """\
kind: DataProduct
name: {name}
domain: bench
team: benchers
owner: bench@bench.example
version: 1.0.0
models:
  thing:
    description: One thing.
    properties:
      thing_id: {{type: integer, key: true, description: Number}}
      said: {{type: string, description: The text}}
      at: {{type: timestamp}}
output_ports:
"""
PORT = """\
  - name: port-{number:04}
    models: [thing]
    storage: {{component: object-storage}}
    contract: {{version: 1.0.0, lifecycle: active, access: internal, terms: {{notice_period: 30d}}}}
"""


def write_product(folder: Path, ports: int, name: str = "product") -> Path:
    """Write a manifest with that many output ports; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "alchemesh.yaml"
    path.write_text(
        HEAD.format(name=name) + "".join(PORT.format(number=number) for number in range(ports)), encoding="utf-8"
    )
    return path


def ports_for(resources: int) -> int:
    """How many ports give about that many resources, groups and records counted."""
    return max(1, round((resources - RESOURCES_BESIDE) / RESOURCES_OF_A_PORT))
