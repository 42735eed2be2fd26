"""The small data product that `alchemesh init` writes: it passes `validate`, and it works on `local`."""

from __future__ import annotations

SCHEMA_PATH = ".alchemesh/schema.json"
MANIFEST_NAME = "alchemesh.yaml"


def starter(name: str, domain: str) -> str:
    """The manifest of the starter product, with comments.

    Args:
        name: Name of the product, in kebab case.
        domain: Its data domain, in kebab case.
    """
    return _MANIFEST.replace("<name>", name).replace("<domain>", domain)


def starter_files(name: str, domain: str) -> dict[str, str]:
    """The files of the starter product: the content by path in its folder."""
    return {
        MANIFEST_NAME: starter(name, domain),
        "data/sales.csv": _DATA,
        "clean.py": _CODE,
        ".gitignore": ".alchemesh/\n__pycache__/\n",
    }


_MANIFEST = f"""\
# yaml-language-server: $schema={SCHEMA_PATH}
# The line above makes an editor complete and check this file; `alchemesh schema --output {SCHEMA_PATH}` renews it.
#
#   alchemesh validate   report each problem of this file at its line
#   alchemesh plan       show the planned components and assets
#   alchemesh up         deploy it on this machine
#   alchemesh run        run the code with the connections of the ports

kind: DataProduct
name: <name>
domain: <domain>                 # the bounded context that owns the product
team: <domain>-team              # the team that maintains it
owner: owner@company.example     # a person
version: 0.1.0
lifecycle: development           # development | discovery | stable | decommissioned
# Describe your product here. Ports, models and rows below are an example of sales: replace them with your own.
description: The product <name> of domain <domain>, started from an example with a few sales.

# Operational systems that data comes from. They are named here, and never managed.
source_systems: [shop]

# Where data comes in: from a source system, or from another product's output port, as in
#   - name: customers
#     from: {{data_product: crm/customers, output_port: customers-table}}
input_ports:
  - name: sales
    from: {{source_system: shop}}
    component: file-ingestion    # `alchemesh components list` shows all
    args: {{path: data/*.csv, format: csv}}
    schema:                      # each row is checked; `alchemesh ports infer sales` proposes one
      sale_id: {{type: string, required: true}}
      sold_on: {{type: date, required: true}}
      article: {{type: string, required: true}}
      amount: {{type: number, precision: 10, scale: 2}}

# What the data means. Types are those of the Open Data Contract Standard.
models:
  sale:
    description: One article sold to one customer.
    properties:
      sale_id: {{type: string, key: true, required: true, description: Number of the receipt}}
      sold_on: {{type: date, required: true, description: Day of the sale}}
      article: {{type: string, required: true, description: The article sold}}
      amount: {{type: number, precision: 10, scale: 2, description: "Price paid, in euro"}}

# The team's own code. The platform hands it the connections of the ports, and does not look inside.
code:
  component: python-job
  args: {{entrypoint: clean.py}}

# Where data goes out: a storage, a proxy that gives access to it, and the contract with consumers.
output_ports:
  - name: sales-table
    models: [sale]
    storage: {{component: columnar-table}}
    proxy: {{component: data-api, protocols: [sql, rest, graphql]}}
    contract:
      version: 0.1.0
      lifecycle: draft           # draft | active | deprecated | retired
      access: internal           # restricted | internal | public
      service_levels: {{update_frequency: 1d}}
      terms:
        usage: Analytics inside the company.
        notice_period: 30d
      quality:                   # rules as the Open Data Contract Standard writes them
        - name: sales-are-counted-once
          metric: duplicateValues
          property: sale_id
          mustBe: 0
"""

_DATA = """\
sale_id,sold_on,article,amount
R-1001,2025-03-01,Notebook,4.50
R-1002,2025-03-01,Pencil,0.90
R-1003,2025-03-02,Notebook,4.50
R-1003,2025-03-02,Notebook,4.50
R-1004,2025-03-03,Globe,
R-1005,2025-03-03,Atlas,39.00
"""

_CODE = '''\
"""Cleans the sales: each receipt once, and only with an amount."""

import duckdb

from alchemesh_platform.connections import connections


def main() -> None:
    here = connections()
    sales = here.input("sales").read().duckdb()
    clean = duckdb.sql("""
        SELECT
            sale_id,
            any_value(sold_on) AS sold_on,
            any_value(article) AS article,
            any_value(amount) AS amount
        FROM sales
        WHERE amount IS NOT NULL
        GROUP BY sale_id
        ORDER BY sale_id
    """)
    # Each row is checked against the model. The table changes at once, or not at all.
    written = here.output("sales-table").write("sale", clean, mode="overwrite")
    print(f"{written.rows} of {len(sales)} sales are clean")


if __name__ == "__main__":
    main()
'''
