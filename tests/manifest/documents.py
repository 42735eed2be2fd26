"""Manifests for tests: a valid one, and changes that make it invalid."""

from __future__ import annotations

from typing import Any

import yaml

COMPLETE: dict[str, Any] = {
    "kind": "DataProduct",
    "name": "flights",
    "domain": "aviation",
    "team": "flight-data",
    "owner": "amelia@airport.example",
    "version": "1.2.0",
    "lifecycle": "stable",
    "description": "Every departure.",
    "source_systems": ["dispatch"],
    "input_ports": [
        {
            "name": "departures",
            "from": {"source_system": "dispatch"},
            "component": "file-ingestion",
            "args": {"path": "data/*.csv"},
        },
        {"name": "airports", "from": {"data_product": "geography/airports", "output_port": "airports-table"}},
    ],
    "models": {
        "flight": {
            "description": "One departure.",
            "properties": {
                "flight_id": {"type": "string", "key": True},
                "carrier": {"type": "string", "enum": ["AA", "UA"]},
                "legs": {"type": "array", "items": {"type": "object", "properties": {"to": {"type": "string"}}}},
            },
            "relationships": [{"to": "flight", "properties": {"carrier": "carrier"}}],
        }
    },
    "infrastructure": [{"name": "workspace", "component": "object-storage"}],
    "code": {"component": "python-job", "args": {"entrypoint": "clean.py"}},
    "output_ports": [
        {
            "name": "flights-table",
            "models": ["flight"],
            "storage": {"component": "columnar-table"},
            "proxy": {"component": "data-api", "protocols": ["sql", "rest"]},
            "contract": {
                "version": "2.0.0",
                "access": "internal",
                "service_levels": {"uptime": "99.5%", "response_time": "300ms"},
                "terms": {
                    "notice_period": "90d",
                    "billing": {"model": "per_use", "price": 0.4, "currency": "EUR", "per": "1000 requests"},
                },
                "quality": [{"name": "has-carrier", "metric": "nullValues", "property": "carrier", "mustBe": 0}],
            },
        }
    ],
}


def written(document: object) -> str:
    """A document as YAML."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
