"""A product that reads another one's port, composed for an environment of any name."""

from __future__ import annotations

from alchemesh_platform.base.files.home import home
from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.documents.document import node_of
from alchemesh_platform.documents.validate import validate
from alchemesh_platform.manifest.load import LoadedManifest
from alchemesh_platform.manifest.models import DataProduct
from alchemesh_platform.platform_file.load import load_platform


def composed_reader(
    origin: str, *, name: str = "punctuality", domain: str = "operations", environment: str, output: str = "out"
) -> Plan:
    """A product of the team `desk` with one input port, which reads ``origin``, and one output port."""
    product, _, port = origin.rpartition("/")
    document = {
        "kind": "DataProduct",
        "name": name,
        "domain": domain,
        "team": "desk",
        "owner": "bessie@airport.example",
        "version": "1.0.0",
        "lifecycle": "development",
        "input_ports": [{"name": "flights", "from": {"data_product": product, "output_port": port}}],
        "models": {"delay": {"properties": {"id": {"type": "integer", "key": True}}}},
        "output_ports": [{"name": output, "models": ["delay"], "storage": {"component": "columnar-table"}}],
    }
    tree = node_of(document, "alchemesh.yaml")
    declared, problems = validate(tree, DataProduct)
    assert declared is not None, problems
    platform = load_platform(None, "local", home()).model_copy(update={"environment": environment})
    root = home()
    return compose(LoadedManifest(declared, tree, root, root / "alchemesh.yaml"), platform, discover())
