"""The author of a change in Google Cloud, read from a constructed server with the answers of its audit log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from alchemesh_platform.clouds.gcp.emulation.api.rest import Rest
from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
from alchemesh_platform.clouds.gcp.objects import labelled
from alchemesh_platform.clouds.gcp.objects.audit_log import last_change
from alchemesh_platform.clouds.gcp.objects.data import BUCKET, TABLE, TOPIC
from alchemesh_platform.deployment.emulation import emulate
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.sdk.system.cloud_object import Changed

from .test_drift import PLATFORM

SINCE = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


class Log:
    """The answers of Cloud Logging, and the requests that it received."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.status = 200
        self.requests: list[tuple[str, dict[str, Any]]] = []


def entry(email: str | None, at: str, code: int | None = None) -> dict[str, Any]:
    """One entry, with the fields of https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog."""
    payload: dict[str, Any] = {"authenticationInfo": {"principalEmail": email} if email else {}}
    if code is not None:
        payload["status"] = {"code": code, "message": "denied"}
    return {"timestamp": at, "protoPayload": payload}


@pytest.fixture
def log() -> Iterator[tuple[Log, Rest]]:
    kept = Log()

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kept.requests.append((self.path, body))
            answer = {"entries": kept.entries} if kept.status == 200 else {"error": {"message": "no logging.viewer"}}
            self.send_response(kept.status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_arguments: Any) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    Thread(target=server.serve_forever, daemon=True).start()
    yield kept, Rest("Cloud Logging", f"http://127.0.0.1:{server.server_port}", lambda: "token")
    server.shutdown()
    server.server_close()


def test_the_newest_act_that_succeeded_names_the_author(log: tuple[Log, Rest]) -> None:
    kept, service = log
    kept.entries = [
        entry("mallory@shop.example", "2026-11-30T14:00:00Z", code=7),
        entry("eve@shop.example", "2026-11-30T13:00:00.123456789Z"),
        entry("ada@shop.example", "2026-11-30T12:30:00Z"),
    ]
    found = last_change(service, "acme-mesh", "topics/orders", SINCE)
    assert found.by == "eve@shop.example"
    assert found.at is not None
    assert found.at.isoformat(timespec="seconds") == "2026-11-30T13:00:00+00:00"
    [(path, asked)] = kept.requests
    assert path == "/v2/entries:list"
    assert asked["resourceNames"] == ["projects/acme-mesh"]
    assert asked["filter"] == (
        'logName="projects/acme-mesh/logs/cloudaudit.googleapis.com%2Factivity" '
        'AND timestamp>="2026-11-30T12:00:00+00:00" AND protoPayload.resourceName=~"(^|/)topics/orders$"'
    )


def test_a_log_without_an_author_names_none(log: tuple[Log, Rest]) -> None:
    kept, service = log
    assert last_change(service, "acme-mesh", "topics/orders", SINCE) == Changed()
    kept.entries = [entry(None, "soon")]
    assert last_change(service, "acme-mesh", "topics/orders", SINCE) == Changed()


def test_a_log_that_may_not_be_read_is_a_failure(log: tuple[Log, Rest]) -> None:
    kept, service = log
    kept.status = 403
    with pytest.raises(Refused, match=r"no logging\.viewer"):
        last_change(service, "acme-mesh", "topics/orders", SINCE)


def test_each_object_has_the_name_of_its_service_in_the_log() -> None:
    assert BUCKET.logged_as("acme-files") == "buckets/acme-files"
    assert TABLE.logged_as("projects/p/datasets/d/tables/t") == "datasets/d/tables/t"
    assert TOPIC.logged_as("projects/p/topics/t") == "topics/t"


def test_an_object_of_the_environment_is_looked_up_in_its_project(
    log: tuple[Log, Rest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, service = log
    kept.entries = [entry("eve@shop.example", "2026-11-30T13:00:00Z")]
    (tmp_path / "platform.yaml").write_text(PLATFORM, "utf-8")
    platform = load_platform(tmp_path / "platform.yaml", "prod", tmp_path / "home")
    asked: list[str] = []

    def service_at(host: str) -> Rest:
        asked.append(host)
        return service

    monkeypatch.setattr(labelled, "service_at", service_at)
    assert TOPIC.last_change(platform, "projects/acme-mesh/topics/t", SINCE).by == "eve@shop.example"
    assert asked == ["https://logging.googleapis.com"]
    assert kept.requests[0][1]["resourceNames"] == ["projects/acme-mesh"]
    assert TOPIC.last_change(emulate(platform), "projects/acme-mesh/topics/t", SINCE) == Changed()
    assert len(kept.requests) == 1, "the emulated cloud has no log"
