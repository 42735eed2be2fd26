"""Names, with their patterns and length limits, and the addresses of things in the mesh."""

from __future__ import annotations

MANIFEST = "alchemesh.yaml"
NAME_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
NAME_MAX = 63  # a DNS label, RFC 1123: the shortest limit that most targets share
IDENTIFIER_PATTERN = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
IDENTIFIER_MAX = 63  # PostgreSQL truncates identifiers longer than NAMEDATALEN - 1
PULUMI_PROJECT_MAX = 100  # pulumi sdk/go/common/tokens: project and stack names

ENVIRONMENT_PATTERN = NAME_PATTERN
VARIABLE_PATTERN = r"^[A-Z][A-Z0-9_]*$"  # the name of an environment variable, in a reference to a secret


def product_address(domain: str, product: str) -> str:
    """``aviation/flights``."""
    return f"{domain}/{product}"


def port_address(domain: str, product: str, port: str) -> str:
    """``aviation/flights/flights-table``."""
    return f"{domain}/{product}/{port}"


def asset_address(domain: str, product: str, port: str, model: str) -> str:
    """``aviation/flights/flights-table/flight``."""
    return f"{domain}/{product}/{port}/{model}"


def project_name(domain: str, product: str) -> str:
    """The Pulumi project of a product: ``aviation.flights``."""
    return f"{domain}.{product}"
