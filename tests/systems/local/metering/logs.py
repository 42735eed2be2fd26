"""A log that Caddy wrote, made by hand: the same lines, and the same rotation."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def request(
    at: float = 0.0,
    *,
    user: str = "ops_punctuality_1f0c9a2b",
    uri: str = "/api/tables/flight",
    status: int = 200,
    size: int = 28,
    rows: str | None = "2",
    **changes: Any,
) -> bytes:
    """A line of the log of requests, some seconds after noon."""
    line = {
        "level": "info",
        "ts": NOON.timestamp() + at,
        "logger": "http.log.access",
        "msg": "handled request",
        "request": {
            "remote_ip": "127.0.0.1",
            "remote_port": "42100",
            "client_ip": "127.0.0.1",
            "proto": "HTTP/1.1",
            "method": "GET",
            "host": "127.0.0.1:25449",
            "uri": uri,
        },
        "bytes_read": 0,
        "user_id": user,
        "duration": 0.5,
        "size": size,
        "status": status,
        **({} if rows is None else {"rows": rows}),
        **changes,
    }
    return json.dumps(line, separators=(",", ":")).encode()


class Log:
    """A log file that is appended to and rotated."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rotated = 0

    def write(self, *lines: bytes) -> None:
        """Append complete lines."""
        self.cut(b"".join(line + b"\n" for line in lines))

    def cut(self, data: bytes) -> None:
        """Append bytes, which may end in the middle of a line."""
        with self.path.open("ab") as file:
            file.write(data)

    def rotate(self, *, compress: bool) -> None:
        """Rename the file, as Caddy does; compress it if asked."""
        if not self.path.exists():
            return
        self._rotated += 1
        kept = self.path.with_name(f"{self.path.stem}-2026-03-01T12-00-00.{self._rotated:03}-size{self.path.suffix}")
        self.path.rename(kept)
        if compress:
            with gzip.open(kept.with_name(f"{kept.name}.gz"), "wb") as packed:
                packed.write(kept.read_bytes())
            kept.unlink()
