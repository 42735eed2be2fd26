"""A client of the JSON interfaces of Google's services and of their emulators.

Google's own clients cannot be imported together with Pulumi's SDK: both register ``google.rpc.Status`` with protobuf.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused

TIMEOUT_SECONDS = 60.0
NOT_FOUND = 404
CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Rest:
    """A service, or its emulator on this machine.

    Args:
        service: Its name.
        url: Its address.
        token: Returns the access token of each request; None for an emulator, which needs none.
    """

    service: str
    url: str
    token: Callable[[], str] | None = None

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        """Send one request, and return the content of the answer.

        Raises:
            Refused: with the service's status and message.
        """
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        address = f"{self.url}{path}{'?' + urlencode(query) if query else ''}"
        headers = {"Content-Type": content_type} if data is not None else {}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token()}"
        request = urllib.request.Request(address, data, headers, method=method)  # noqa: S310 - http: an emulator
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise Refused(error.code, _message(error.read())) from error
        except OSError as error:
            if self.token is not None:
                raise Refused(503, f"{self.service} does not answer on {self.url}: {error}") from error
            raise Refused(
                503,
                f"the emulator of {self.service} does not answer on {self.url}: {error}",
                hint="run again: it is started where it does not run",
            ) from error

    def json(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Send one request, and return its JSON answer.

        Raises:
            Refused: with the service's status and message.
        """
        content = self.call(method, path, body, query=query)
        found = json.loads(content) if content.strip() else {}
        return found if isinstance(found, dict) else {}

    def found(self, path: str) -> dict[str, Any] | None:
        """The resource at a path; None if there is none."""
        try:
            return self.json("GET", path)
        except Refused as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def removed(self, path: str, *, query: Mapping[str, str] | None = None) -> None:
        """Delete the resource at a path. A missing one is no error."""
        try:
            self.call("DELETE", path, query=query)
        except Refused as error:
            if error.status != NOT_FOUND:
                raise


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace").strip()[:500]
