"""Labels of what products have on Google Cloud."""

from __future__ import annotations

from alchemesh_components.gcp.foundations import domain_labels
from alchemesh_components.gcp.settings import GcpSettings
from alchemesh_platform.sdk.wiring import Wiring


def labels_of(settings: GcpSettings, wiring: Wiring) -> dict[str, str]:
    """Labels of what a port or need has: the platform's own, its domain's, and whose it is.

    Budgets, costs and clean-ups go by them. Labels of the mesh take precedence over labels of the platform.
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
