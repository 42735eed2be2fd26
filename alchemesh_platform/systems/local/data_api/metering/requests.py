"""Counts the requests in the log of a data API's web gateway.

Caddy writes a JSON object for each request when it has answered it: https://caddyserver.com/docs/logging. All of its
texts are untrusted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from alchemesh_platform.sdk.system.usage import Slots, UsageCount
from alchemesh_platform.systems.local.data_api.gateway.files import ROWS

_FAILED = 400  # the first status of a failed request
_EARLIEST, _LATEST = 1_577_836_800.0, 4_102_444_800.0  # 2020 and 2100: other times are damage
_BYTES_MAX = 2**53
_SECONDS_MAX = 86_400.0 * 366
_ROWS_OF = ("/api/tables/", "/api/sql")
_GRAPHQL = "/api/graphql"
_START = b'{"level":'


@dataclass(frozen=True, slots=True)
class User:
    """A user of a gateway: the requester that it belongs to, and the access request that it has access by."""

    consumer: str = ""
    request: str | None = None
    own: bool = False


@dataclass(slots=True)
class _Sum:
    requests: int = 0
    billable: int = 0
    errors: int = 0
    bytes_out: int = 0
    rows: int = 0
    seconds: float = 0.0


class RequestCounter:
    """Counts the lines of a log.

    Args:
        slots: The slots to count in.
    """

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._sums: dict[tuple[datetime, str, str, bool, bool], _Sum] = {}

    def take(self, line: bytes) -> bool:
        """Count one line; False if a part of it is no line of a request."""
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            # A gateway that was killed while it wrote a line left its beginning before the next one. No text of a
            # request holds this start: JSON escapes its quotes.
            start = line.rfind(_START)
            if start > 0:
                self.take(line[start:])
            return False
        try:
            return self._count(found)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
            return False

    def _count(self, found: dict[str, Any]) -> bool:
        request = found["request"]
        at, uri, method, user = found["ts"], request["uri"], request["method"], found["user_id"]
        status, size, duration, rows = found["status"], found["size"], found["duration"], found.get(ROWS)
        if not (
            isinstance(uri, str)
            and isinstance(user, str)
            and type(status) is int
            and _EARLIEST <= at < _LATEST
            and type(size) is int
            and 0 <= size < _BYTES_MAX
            and 0 <= duration < _SECONDS_MAX
        ):
            return False
        failed = status >= _FAILED or status == 0  # 0: the client left before the answer
        graphql = uri.startswith(_GRAPHQL)
        number = 0
        known = True
        if not failed and method != "HEAD" and (graphql or uri.startswith(_ROWS_OF)):
            known = isinstance(rows, str) and rows.isascii() and rows.isdigit() and len(rows) < 16  # noqa: PLR2004
            number = int(str(rows)) if known else 0
        # Failed requests are apart: their bytes are not billed.
        key = (self._slots.start(at), user, "graphql" if graphql else "rest", known, failed)
        held = self._sums.get(key)
        if held is None:
            held = self._sums[key] = _Sum()
        held.requests += 1
        held.errors += failed
        held.billable += not failed and bool(user)
        held.bytes_out += size
        held.rows += number
        held.seconds += duration
        return True

    def counts(self, user_of: Callable[[str], User]) -> Iterator[UsageCount]:
        """The counts, in a stable order."""
        for (since, name, protocol, known, _), held in sorted(self._sums.items()):
            user = user_of(name)
            yield UsageCount(
                protocol=protocol,
                user=name,
                consumer=user.consumer,
                request=user.request,
                since=since,
                requests=held.requests,
                billable_requests=0 if user.own else held.billable,
                errors=held.errors,
                bytes_out=held.bytes_out,
                rows=held.rows if known else None,
                seconds=held.seconds if isfinite(held.seconds) else 0.0,
                own=user.own,
            )
