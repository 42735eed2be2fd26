"""The health of views for consumers, and the access of one consumer to them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from alchemesh_components.gcp.observing import observed
from alchemesh_platform.connections import BIGQUERY_SCHEME, DataApiConnection
from alchemesh_platform.sdk.observation import Observation

# The condition that grants have: components/alchemesh_components/gcp/access.py
_ENDS_AT = re.compile(r'request\.time < timestamp\("(?P<at>[^"]+)"\)')


def observe(
    connection: DataApiConnection, environ: Mapping[str, str] = os.environ, consumer: str | None = None
) -> Observation | None:
    """Whether each view exists and, for a product that reads them, whether its account is on the access list.

    Args:
        connection: The views.
        environ: Names the emulator of BigQuery, if one is used.
        consumer: Email of the account of the product that reads the views; None for the provider's own status.

    Returns:
        The observation; None for a port without SQL, which has no views.
    """
    from alchemesh_platform.clouds.gcp.objects.services import bigquery_of

    if connection.sql is None:
        return None
    project, _, dataset = connection.sql.removeprefix(BIGQUERY_SCHEME).partition("/")

    def look() -> Observation:
        service = bigquery_of(environ)
        found = service.dataset(project, dataset)
        if found is None:
            return Observation("unhealthy", f"dataset {dataset} is not there")
        there = set(service.tables(project, dataset))
        if gone := [name for name in connection.tables if name not in there]:
            return Observation("unhealthy", f"no view for {', '.join(gone)}")
        if consumer is not None and not has_access(found.get("access") or (), consumer, datetime.now(UTC)):
            return Observation("unhealthy", f"the access list of dataset {dataset} has no current entry for {consumer}")
        return Observation("healthy")

    return observed(f"dataset {dataset}", look)


def has_access(entries: Any, account: str, now: datetime) -> bool:
    """Whether an entry of a dataset's access list counts for an account now."""
    for entry in entries:
        if entry.get("userByEmail") == account or entry.get("iamMember") == f"serviceAccount:{account}":
            ends = _ENDS_AT.search((entry.get("condition") or {}).get("expression") or "")
            if ends is None or datetime.fromisoformat(ends["at"]) > now:
                return True
    return False
