"""The author of a change in Google Cloud, from the log of administrators' acts, which every project has.

Source: https://cloud.google.com/logging/docs/audit (Admin Activity audit logs),
https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alchemesh_platform.clouds.gcp.emulation.api.rest import Rest
from alchemesh_platform.sdk.system.cloud_object import Changed

LOGGING_URL = "https://logging.googleapis.com"
ENTRIES = 50  # the newest ones; a failed attempt is an entry too


def last_change(service: Rest, project: str, name: str, since: datetime) -> Changed:
    """The author and the time of the last change of an object; empty if the log has none.

    Args:
        service: Cloud Logging.
        project: The project whose log is read.
        name: The end of the object's name in the log: ``buckets/NAME``.
        since: The time from which entries count, with its zone.

    Raises:
        Refused: when the service does not answer, or refuses to.
    """
    answer = service.json(
        "POST",
        "/v2/entries:list",
        {
            "resourceNames": [f"projects/{project}"],
            "filter": _filter(project, name, since),
            "orderBy": "timestamp desc",
            "pageSize": ENTRIES,
        },
    )
    for entry in answer.get("entries") or ():
        if not _failed(entry):
            return _author_of(entry)
    return Changed()


def _filter(project: str, name: str, since: datetime) -> str:
    ending = re.escape(name).replace('"', '\\"')
    return (
        f'logName="projects/{project}/logs/cloudaudit.googleapis.com%2Factivity" '
        f'AND timestamp>="{since.isoformat()}" AND protoPayload.resourceName=~"(^|/){ending}$"'
    )


def _failed(entry: Mapping[str, Any]) -> bool:
    return bool(((entry.get("protoPayload") or {}).get("status") or {}).get("code"))


def _author_of(entry: Mapping[str, Any]) -> Changed:
    name = ((entry.get("protoPayload") or {}).get("authenticationInfo") or {}).get("principalEmail")
    try:
        at = datetime.fromisoformat(str(entry.get("timestamp")))
    except ValueError:
        at = None
    return Changed(str(name) if name else None, at)
