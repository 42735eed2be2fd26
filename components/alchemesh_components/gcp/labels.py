"""Labels of products' resources on Google Cloud."""

from __future__ import annotations

from alchemesh_components.gcp.foundations import domain_labels
from alchemesh_components.gcp.settings import GcpSettings
from alchemesh_platform.sdk.wiring import Wiring


def labels_of(settings: GcpSettings, wiring: Wiring) -> dict[str, str]:
    """Labels of the resources of a port or need: the platform's, the domain's, and those of the owner.

    Budgets, costs and clean-ups use them. Labels of the mesh take precedence over labels of the platform.
    """
    return {
        **settings.labels,
        **domain_labels(settings, wiring),
        "managed_by": "alchemesh",
        "environment": wiring.environment,
        "domain": wiring.domain,
        "product": wiring.product,
        "port": wiring.port,
    }
