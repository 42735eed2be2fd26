"""A bucket of an emulated Cloud Storage, created and read over HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen


@dataclass(frozen=True)
class Bucket:
    """A bucket.

    Args:
        url: Address of the storage.
        name: Name of the bucket.
    """

    url: str
    name: str

    def make(self) -> None:
        """Create it."""
        body = json.dumps({"name": self.name}).encode()
        request = Request(f"{self.url}/storage/v1/b?project=tests", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as answer:
            assert answer.status == 200

    def names(self) -> list[str]:
        """Names of its objects."""
        found: dict[str, Any] = {"nextPageToken": ""}
        names: list[str] = []
        while "nextPageToken" in found:
            token = quote(found["nextPageToken"])
            with urlopen(f"{self.url}/storage/v1/b/{self.name}/o?pageToken={token}", timeout=30) as answer:
                found = json.load(answer)
            names += [item["name"] for item in found.get("items", ())]
        return sorted(names)

    def read(self, name: str) -> bytes:
        """Content of an object."""
        with urlopen(f"{self.url}/storage/v1/b/{self.name}/o/{quote(name, safe='')}?alt=media", timeout=30) as answer:
            return bytes(answer.read())

    def lines(self, name: str) -> list[str]:
        """Lines of an object, which ends with a line break."""
        text = self.read(name).decode()
        assert text.endswith("\n") or name.startswith("dead-letter/")
        return text.splitlines()
