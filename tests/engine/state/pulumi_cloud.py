"""The part of Pulumi Cloud's interface that the engine uses: stacks, updates, checkpoints, over TLS, in memory.

The engine speaks to it as it does to the service; methods and paths are those of its client (pulumi/pkg,
backend/httpstate/client/api_endpoints.go). It gives no permissions and encrypts nothing: secrets are the stack's own
provider's, as in `secrets` of a platform file.
"""

from __future__ import annotations

import gzip
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TOKEN = "pul-of-the-tests"
ORGANIZATION = "acme"
EMPTY: dict[str, Any] = {"version": 3, "deployment": None}


@dataclass
class StackThere:
    """A stack in the service."""

    state: dict[str, Any] = field(default_factory=lambda: dict(EMPTY))
    version: int = 0
    active: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    ended: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class PulumiCloud:
    """The service: its address, the certificate to trust, and its stacks by ``organization/project/stack``."""

    address: str = ""
    certificate: Path = Path()
    stacks: dict[str, StackThere] = field(default_factory=dict)
    turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def answer(self, method: str, path: str, token: str, body: Any) -> tuple[HTTPStatus, Any]:
        """The answer to one request."""
        parts = path.partition("?")[0].strip("/").split("/")[1:]
        if token not in (f"token {TOKEN}", "update-token of-an-update"):
            return self._error(HTTPStatus.UNAUTHORIZED, "Unauthorized: No credentials provided or are invalid.")
        with self.turn:
            match parts:
                case ["user"]:
                    return HTTPStatus.OK, {"githubLogin": "ada", "organizations": [{"githubLogin": ORGANIZATION}]}
                case ["user", "organizations", "default"]:
                    return HTTPStatus.OK, {"gitHubLogin": ORGANIZATION}
                case ["stacks", organization, project] if method == "POST":
                    return self._create(f"{organization}/{project}/{body['stackName']}", body)
                case ["stacks", organization, project, stack, *rest]:
                    found = self.stacks.get(f"{organization}/{project}/{stack}")
                    if found is None:
                        return self._error(HTTPStatus.NOT_FOUND, f"Stack '{organization}/{project}/{stack}' not found")
                    shown = {
                        "orgName": organization,
                        "projectName": project,
                        "stackName": stack,
                        "activeUpdate": found.active or "",
                        "tags": found.tags,
                        "version": found.version,
                    }
                    return self._of_stack(method, found, shown, rest, body)
        return self._error(HTTPStatus.NOT_FOUND, "Not Found")

    def _create(self, name: str, body: Any) -> tuple[HTTPStatus, Any]:
        if name in self.stacks:
            return self._error(HTTPStatus.CONFLICT, f"Stack '{name}' already exists")
        self.stacks[name] = StackThere(tags=body.get("tags") or {})
        return HTTPStatus.OK, {}

    def _of_stack(
        self, method: str, stack: StackThere, shown: dict[str, Any], rest: list[str], body: Any
    ) -> tuple[HTTPStatus, Any]:
        match method, rest:
            case "GET", []:
                return HTTPStatus.OK, shown
            case "GET", ["export"]:
                return HTTPStatus.OK, stack.state
            case "PATCH", ["tags"]:
                stack.tags = body
                return HTTPStatus.OK, {}
            case "POST", ["update" | "preview" | "refresh" | "destroy" as kind]:
                if stack.active is not None and kind != "preview":
                    return self._error(HTTPStatus.CONFLICT, "Another update is currently in progress.")
                return HTTPStatus.OK, {"updateID": f"{kind}-{stack.version + 1}"}
            case "POST", [kind, update]:
                if kind != "preview":
                    stack.active = update
                    stack.version += 1
                return HTTPStatus.OK, {"version": stack.version, **_token()}
            case _, [_, update, what, *_]:
                return self._of_update(stack, update, what, body)
        return self._error(HTTPStatus.NOT_FOUND, "Not Found")

    def _of_update(self, stack: StackThere, update: str, what: str, body: Any) -> tuple[HTTPStatus, Any]:
        match what:
            case "checkpoint":
                if stack.active != update:
                    return self._error(HTTPStatus.CONFLICT, "The update is over.")
                stack.state = {"version": body["version"], "deployment": body.get("deployment")}
            case "complete":
                stack.active = None if stack.active == update else stack.active
                stack.ended.append((update, body["status"]))
            case "cancel":
                stack.active = None
            case "renew_lease":
                return HTTPStatus.OK, _token()
            case "events":
                pass
            case _:
                return self._error(HTTPStatus.NOT_FOUND, "Not Found")
        return HTTPStatus.OK, {}

    @staticmethod
    def _error(status: HTTPStatus, message: str) -> tuple[HTTPStatus, Any]:
        return status, {"code": int(status), "message": message}


def _token() -> dict[str, Any]:
    """The credential of an update."""
    ends_at = datetime.now(UTC) + timedelta(minutes=5)
    return {"token": "of-an-update", "tokenExpiration": int(ends_at.timestamp())}


@contextmanager
def pulumi_cloud(folder: Path) -> Iterator[PulumiCloud]:
    """The service on a free port of loopback; ``folder`` keeps its certificate."""
    cloud = PulumiCloud(certificate=folder / "certificate.pem")

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_any(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                content = gzip.decompress(content)
            token = self.headers.get("Authorization", "")
            status, document = cloud.answer(self.command, self.path, token, json.loads(content) if content else None)
            reported = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reported)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reported)

        do_GET = do_HEAD = do_POST = do_PATCH = do_DELETE = do_any

        def log_message(self, *arguments: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(cloud.certificate))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    cloud.address = f"https://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def certificate(path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(certificate.public_bytes(pem) + private)
    return path
