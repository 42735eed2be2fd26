"""Exports a data product to the Open Data Product Standard (ODPS) 1.1 of Bitol.

==========================  ==========================================================================================
Manifest                    ODPS
==========================  ==========================================================================================
address                     ``id``
lifecycle                   ``status``, as the standard names it; unchanged in a custom property
description                 ``description.purpose``
team, owner                 ``team``, the owner as a member
input port                  ``inputPorts``; ``contractId`` is the address of the port that it reads
output port                 ``outputPorts``; ``version`` and ``contractId`` are those of its contract, which
                            ``alchemesh contract export`` writes under the same id; ``type`` is its storage
==========================  ==========================================================================================

Values without a place in ODPS become custom properties. Models and terms are in the contracts, to which ports refer.

Source: https://bitol-io.github.io/open-data-product-standard/v1.1.0/ and its JSON schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alchemesh_platform.contracts.odcs.yaml_text import yaml_text
from alchemesh_platform.manifest.models import (
    ContractLifecycle,
    DataProduct,
    InputPort,
    Lifecycle,
    OutputPort,
    OutputPortOrigin,
)

API_VERSION = "v1.1.0"
KIND = "DataProduct"
STATUS = {
    Lifecycle.DEVELOPMENT: "draft",
    Lifecycle.DISCOVERY: "proposed",
    Lifecycle.STABLE: "active",
    Lifecycle.DECOMMISSIONED: "retired",
}

Document = dict[str, Any]


def export_odps(product: DataProduct) -> Document:
    """A product as a document of ODPS 1.1."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "id": product.address,
        "name": product.name,
        "version": product.version,
        "status": STATUS[product.lifecycle],
        "domain": product.domain,
        **({"description": {"purpose": product.description}} if product.description else {}),
        "team": {"name": product.team, "members": [{"username": product.owner, "role": "owner"}]},
        "inputPorts": [_input(port) for port in product.input_ports],
        "outputPorts": [_output(port, product.address) for port in product.output_ports],
        **_customs(
            {
                "lifecycle": product.lifecycle.value,
                "sourceSystems": list(product.source_systems),
                "infrastructure": {need.name: need.component_type for need in product.infrastructure},
                "code": product.code.component_type if product.code is not None else None,
            }
        ),
    }


def odps_text(document: Document) -> str:
    """A document of ODPS as YAML."""
    return yaml_text(document)


def _input(port: InputPort) -> Document:
    origin = port.origin
    if isinstance(origin, OutputPortOrigin):
        return {
            "name": port.name,
            "contractId": f"{origin.data_product}/{origin.output_port}",
            **_customs({"description": port.description}),
        }
    customs = {"sourceSystem": origin.source_system, "component": port.component_type, "description": port.description}
    return {"name": port.name, **_customs(customs)}


def _output(port: OutputPort, product: str) -> Document:
    contract = port.contract
    promised: Document = {}
    if contract is not None:
        promised = {"version": contract.version, "contractId": f"{product}/{port.name}"}
        if contract.lifecycle is ContractLifecycle.DEPRECATED:
            promised["deprecated"] = True
    return {
        "name": port.name,
        **({"description": port.description} if port.description else {}),
        "type": port.storage.component_type,
        **promised,
        **_customs(
            {
                "models": list(port.models),
                "proxy": port.proxy.component_type if port.proxy is not None else None,
                "protocols": list(port.proxy.protocols) if port.proxy is not None else [],
            }
        ),
    }


def _customs(values: Mapping[str, Any]) -> Document:
    """Custom properties for the values that are not empty."""
    properties = [{"property": name, "value": value} for name, value in values.items() if value]
    return {"customProperties": properties} if properties else {}
