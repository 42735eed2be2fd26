"""The JSON interfaces of Google's services, as far as the stand-in calls them.

Google's own clients cannot be loaded beside Pulumi's SDK: both register ``google.rpc.Status`` with protobuf.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from alchemesh_platform.emulation.errors import Refused

TIMEOUT_SECONDS = 60.0
NOT_FOUND = 404
CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Rest:
    """A service on this machine.

    Args:
        service: What it is called.
        url: Where it listens.
    """

    service: str
    url: str

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        """One request; gives the answer's content.

        Raises:
            Refused: with the service's status and message.
        """
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        address = f"{self.url}{path}{'?' + urlencode(query) if query else ''}"
        headers = {"Content-Type": content_type} if data is not None else {}
        request = urllib.request.Request(address, data, headers, method=method)  # noqa: S310 - our own server
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise Refused(error.code, _message(error.read())) from error
        except OSError as error:
            raise Refused(
                503,
                f"the emulator of {self.service} does not answer on {self.url}: {error}",
                hint="run again: it is started where it does not run",
            ) from error

    def json(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """One request whose answer is JSON.

        Raises:
            Refused: with the service's status and message.
        """
        content = self.call(method, path, body, query=query)
        found = json.loads(content) if content.strip() else {}
        return found if isinstance(found, dict) else {}

    def found(self, path: str) -> dict[str, Any] | None:
        """What is at a path; None where nothing is."""
        try:
            return self.json("GET", path)
        except Refused as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def removed(self, path: str, *, query: Mapping[str, str] | None = None) -> None:
        """Remove what is at a path; what is gone already is no error."""
        try:
            self.call("DELETE", path, query=query)
        except Refused as error:
            if error.status != NOT_FOUND:
                raise


@dataclass(frozen=True, slots=True)
class StorageRest(Rest):
    """Cloud Storage. Source: https://cloud.google.com/storage/docs/json_api/v1"""

    def bucket_exists(self, bucket: str) -> bool:
        """Whether there is a bucket."""
        return self.found(f"/storage/v1/b/{quote(bucket, safe='')}") is not None

    def make_bucket(self, project: str, bucket: str, location: str) -> None:
        """Make a bucket. Refused with 409 where there is one."""
        self.json("POST", "/storage/v1/b", {"name": bucket, "location": location}, query={"project": project})

    def remove_bucket(self, bucket: str) -> None:
        """Remove an empty bucket."""
        self.removed(f"/storage/v1/b/{quote(bucket, safe='')}")

    def objects(self, bucket: str) -> Iterator[str]:
        """Names of the objects in a bucket."""
        token = ""
        while True:
            query = {"pageToken": token} if token else {}
            page = self.json("GET", f"/storage/v1/b/{quote(bucket, safe='')}/o", query=query)
            for item in page.get("items") or ():
                yield str(item["name"])
            token = page.get("nextPageToken") or ""
            if not token:
                return

    def write(self, bucket: str, name: str, content: bytes, content_type: str = "text/plain") -> None:
        """Write an object."""
        path = f"/upload/storage/v1/b/{quote(bucket, safe='')}/o"
        self.call("POST", path, content, query={"uploadType": "media", "name": name}, content_type=content_type)

    def read(self, bucket: str, name: str) -> bytes | None:
        """Content of an object; None where there is none."""
        try:
            return self.call("GET", _object(bucket, name), query={"alt": "media"})
        except Refused as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def remove(self, bucket: str, name: str) -> None:
        """Remove an object."""
        self.removed(_object(bucket, name))


def _object(bucket: str, name: str) -> str:
    return f"/storage/v1/b/{quote(bucket, safe='')}/o/{quote(name, safe='')}"


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace").strip()[:500]
