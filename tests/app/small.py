"""A data product as small as one can be that deploys something: one table, with a contract."""

from __future__ import annotations

from pathlib import Path

from alchemesh_platform.app.where import Composed, Where, read_product

MANIFEST = """\
kind: DataProduct
name: {name}
domain: shop
team: {name}-data
owner: ada@shop.example
version: 1.0.0
lifecycle: development
models:
  order:
    description: One order.
    properties:
      order_id: {{type: integer, key: true, required: true, description: Number of the order}}
output_ports:
  - name: {name}-table
    models: [order]
    storage: {{component: columnar-table}}
    contract:
      version: 1.0.0
      lifecycle: active
      access: public
      terms: {{notice_period: 30d}}
"""


def small_product(folder: Path, name: str) -> Composed:
    """Write the repo of a product, and compose it for the built-in environment."""
    repo = folder / name
    repo.mkdir()
    (repo / "alchemesh.yaml").write_text(MANIFEST.format(name=name), "utf-8")
    return read_product(Where(repo), look=True)
