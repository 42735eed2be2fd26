"""A product with promises, and its records as a deployment writes them."""

from __future__ import annotations

from alchemesh_platform.manifest.models import DataProduct
from alchemesh_platform.registry.records import AssetRecord, ContractRecord, PortRecord, ProductRecord, Record
from alchemesh_platform.registry.store import Registry

MANIFEST = """\
kind: DataProduct
name: flights
domain: aviation
team: flight-data
owner: amelia@airport.example
version: 1.2.0
models:
  flight:
    properties:
      flight_id: {type: string, key: true}
      carrier: {type: string, enum: [AA, "1e5"]}
      seats: {type: integer, enum: [50, 180]}
    relationships:
      - {to: airline, properties: {carrier: carrier}}
  airline:
    properties:
      carrier: {type: string}
output_ports:
  - name: flights-table
    description: Flights and airlines.
    models: [flight, airline]
    storage: {component: columnar-table}
    proxy: {component: data-api, protocols: [sql, rest]}
    contract:
      version: 2.0.0
      lifecycle: active
      access: internal
      terms:
        usage: Analytics inside the company.
        billing: {model: per_use, price: 0.4, currency: EUR, per: 1000 requests}
        notice_period: 90d
      quality:
        - {name: enough, metric: rowCount, model: flight, mustBeGreaterThan: 100}
        - {name: few-empty, metric: nullValues, model: flight, property: seats, mustBeLessThan: 5}
  - name: raw-files
    models: [flight]
    storage: {component: object-storage}
"""


def record(registry: Registry, product: DataProduct, environment: str) -> None:
    """Record a product as the stack's program does after it deployed every resource."""
    records: list[Record] = [
        ProductRecord(
            environment=environment,
            address=product.address,
            team=product.team,
            owner=product.owner,
            version=product.version,
            lifecycle=product.lifecycle.value,
        )
    ]
    for port in product.output_ports:
        address = f"{product.address}/{port.name}"
        api = {protocol: f"{protocol}://127.0.0.1:1" for protocol in port.proxy.protocols} if port.proxy else None
        records.append(
            PortRecord(
                environment=environment,
                address=address,
                product=product.address,
                direction="output",
                description=port.description,
                storage="delta-table",
                storage_type=port.storage.component,
                proxy="roapi" if port.proxy else None,
                proxy_type=port.proxy.component if port.proxy else None,
                models=port.models,
                connections={"storage": None, "proxy": api and {"sql": None, "rest": None, "graphql": None, **api}},
            )
        )
        records += [
            AssetRecord(
                environment=environment,
                address=f"{address}/{name}",
                product=product.address,
                port=address,
                model=name,
                definition=product.models[name].model_dump(mode="json", exclude_defaults=True),
            )
            for name in port.models
        ]
        if port.contract is not None:
            records.append(
                ContractRecord(
                    environment=environment,
                    address=address,
                    product=product.address,
                    version=port.contract.version,
                    lifecycle=port.contract.lifecycle.value,
                    access=port.contract.access.value,
                    document=port.contract.model_dump(mode="json", exclude_none=True),
                    models={
                        name: product.models[name].model_dump(mode="json", exclude_defaults=True)
                        for name in port.models
                    },
                    protocols=port.proxy.protocols if port.proxy else (port.storage.component,),
                )
            )
    registry.write(records)
