"""A caller without click: it deploys a product, grants access, and removes it before its notice period is over."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from alchemesh_platform.access.requester import Requester
from alchemesh_platform.app.mesh import access
from alchemesh_platform.app.mesh.contracts import give_notice, notices
from alchemesh_platform.app.observe import status
from alchemesh_platform.app.product.deploy import destroy, preview, refresh, up
from alchemesh_platform.deployment.checks.verdict import ForbiddenByContract
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.registry.records import UserRecord
from alchemesh_platform.registry.store import Registry
from tests.app.small import small_product

ADA, GRACE, ZOE = (Identity(f"{name}@shop.example", "tests") for name in ("ada", "grace", "zoe"))


def story(folder: Path) -> dict[str, Any]:
    """Call the use cases; returns their results."""
    product = small_product(folder, "orders")
    platform, address, port = product.platform, "shop/orders", "shop/orders/orders-table"
    with Registry.open(platform.registry) as registry:
        for who, personas in ((ADA, ()), (GRACE, ("platform_owner",)), (ZOE, ())):
            record = {"environment": "local", "address": who.subject, "name": who.subject, "personas": personas}
            registry.put(UserRecord.model_validate(record))
    seen = preview(product)
    asked: list[str] = []
    declined = up(product, ADA, confirm=lambda shown: bool(asked.append(shown.operation)))
    done = up(product, ADA, confirm=lambda shown: shown.progress.has_changes)
    requester = Requester.parse(f"user:{ZOE.subject}")
    request = access.request(platform, ZOE, port, requester, "a study")
    applied = access.apply(platform, ADA, address)
    give_notice(platform, ADA, "removal", port)
    try:
        destroy(product, ADA)
    except ForbiddenByContract as error:
        refused = type(error).__name__
    refreshed = refresh(product, ADA)
    known = status(platform, address)
    given = notices(platform, None, port)
    over = destroy(product, GRACE, override_notice="the shop closes")
    return {
        "preview": seen.outcome,
        "declined": (declined.operation, asked),
        "up": (done.operation, done.outcome),
        "request": request.state,
        "applied": applied.exit_code,
        "refused": refused,
        "refresh": refreshed.outcome,
        "deployed": known.status is not None and known.status.is_deployed,
        "notices": [each.notice.what for each in given],
        "destroy": over.outcome,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(story(Path(sys.argv[1]))))
