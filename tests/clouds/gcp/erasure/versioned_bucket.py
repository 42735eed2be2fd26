"""A server with a bucket that keeps versions, by the rules of Cloud Storage. fake-gcs-server deletes no single version.

Source: https://cloud.google.com/storage/docs/object-versioning, https://cloud.google.com/storage/docs/json_api/v1/objects
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Version:
    name: str
    generation: int
    content: bytes
    is_live: bool = True

    def described(self) -> dict[str, Any]:
        at = (BEGIN + timedelta(seconds=self.generation)).isoformat()
        deleted = {} if self.is_live else {"timeDeleted": at}
        return {"name": self.name, "generation": str(self.generation), "timeCreated": at, "updated": at, **deleted}


@dataclass
class Bucket:
    """All versions of all objects. Each write takes the next generation and the next second."""

    versions: list[Version] = field(default_factory=list)
    generation: int = 0

    def live(self, name: str) -> Version | None:
        return next((each for each in self.versions if each.name == name and each.is_live), None)

    def found(self, name: str, generation: str | None) -> Version | None:
        if generation is None:
            return self.live(name)
        return next((each for each in self.versions if (each.name, str(each.generation)) == (name, generation)), None)

    def write(self, name: str, content: bytes) -> Version:
        former = self.live(name)
        if former is not None:
            former.is_live = False
        self.generation += 1
        self.versions.append(Version(name, self.generation, content))
        return self.versions[-1]

    def delete(self, name: str, generation: str | None) -> bool:
        found = self.found(name, generation)
        if found is None:
            return False
        if generation is None:
            found.is_live = False
        else:
            self.versions.remove(found)
        return True


@contextmanager
def serving(bucket: Bucket) -> Iterator[str]:
    """Serve a bucket under any name; yields the address."""

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, query = self._asked()
            if name is None:
                prefix = query.get("prefix", "")
                items = [each for each in bucket.versions if each.name.startswith(prefix)]
                shown = items if query.get("versions") == "true" else [each for each in items if each.is_live]
                return self._answer(200, json.dumps({"items": [each.described() for each in shown]}).encode())
            found = bucket.found(name, query.get("generation"))
            if found is None:
                return self._answer(404)
            media = query.get("alt") == "media"
            return self._answer(200, found.content if media else json.dumps(found.described()).encode())

        def do_POST(self) -> None:
            _name, query = self._asked()
            content = self.rfile.read(int(self.headers["Content-Length"]))
            live = bucket.live(query["name"])
            expected = query.get("ifGenerationMatch")
            if expected is not None and expected != str(live.generation if live is not None else 0):
                return self._answer(412)
            return self._answer(200, json.dumps(bucket.write(query["name"], content).described()).encode())

        def do_DELETE(self) -> None:
            name, query = self._asked()
            self._answer(204 if name is not None and bucket.delete(name, query.get("generation")) else 404)

        def _asked(self) -> tuple[str | None, dict[str, str]]:
            parts = urlsplit(self.path)
            name = parts.path.partition("/o/")[2]
            return unquote(name) or None, {key: values[0] for key, values in parse_qs(parts.query).items()}

        def _answer(self, status: int, content: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: Any) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
