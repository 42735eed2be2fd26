"""Two product repos of one mesh: the orders of a shop, and reports that read them."""

from __future__ import annotations

from pathlib import Path

from .harness import MANIFEST, Shop, write_shop

ADA, BOB = "ada@shop.example", "bob@desk.example"
ORDERS_TABLE = "shop/orders/orders-table"
REPORTS = "data_product:desk/reports"

REPORTS_MANIFEST = """\
kind: DataProduct
name: reports
domain: {domain}
team: report-desk
owner: bob@desk.example
version: 1.0.0
lifecycle: development
input_ports:
  - name: orders
    description: What was ordered.
    from: {{data_product: shop/orders, output_port: orders-table}}
models:
  report:
    description: One report.
    properties:
      report_id: {{type: integer, key: true, required: true, description: Number}}
output_ports:
  - name: reports-table
    models: [report]
    storage: {{component: columnar-table}}
"""


def write_provider(folder: Path, home: Path, access: str) -> Shop:
    """The orders, with a port of an access type and no data API to start; the owner runs its commands."""
    manifest = MANIFEST.replace("access: internal", f"access: {access}")
    manifest = manifest.replace("      terms: {notice_period: 30d}\n", "")  # so that it can be destroyed immediately
    manifest = manifest.replace("    proxy: {component: data-api, protocols: [sql, rest, graphql]}\n", "")
    shop = write_shop(folder, home, manifest)
    shop.environ["ALCHEMESH_USER"] = ADA
    return shop


def write_consumer(folder: Path, home: Path, domain: str = "desk") -> Shop:
    """The reports, which read the orders; their owner runs its commands."""
    folder.mkdir(parents=True)
    (folder / "alchemesh.yaml").write_text(REPORTS_MANIFEST.format(domain=domain), "utf-8")
    return Shop(folder, home, {"ALCHEMESH_USER": BOB})
