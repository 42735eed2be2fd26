"""The part of Cloud Storage's JSON interface that the emulated provider calls.

Source: https://cloud.google.com/storage/docs/json_api/v1
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from alchemesh_platform.clouds.gcp.emulation.api.rest import NOT_FOUND, Rest
from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused


@dataclass(frozen=True, slots=True)
class StorageRest(Rest):
    """Cloud Storage."""

    def bucket_exists(self, bucket: str) -> bool:
        """Whether a bucket exists."""
        return self.found(f"/storage/v1/b/{quote(bucket, safe='')}") is not None

    def make_bucket(self, project: str, bucket: str, location: str) -> None:
        """Create a bucket. Raises Refused with 409 if it exists."""
        self.json("POST", "/storage/v1/b", {"name": bucket, "location": location}, query={"project": project})

    def remove_bucket(self, bucket: str) -> None:
        """Delete an empty bucket."""
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
        """Content of an object; None if it does not exist."""
        try:
            return self.call("GET", _object(bucket, name), query={"alt": "media"})
        except Refused as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def remove(self, bucket: str, name: str) -> None:
        """Delete an object."""
        self.removed(_object(bucket, name))


def _object(bucket: str, name: str) -> str:
    return f"/storage/v1/b/{quote(bucket, safe='')}/o/{quote(name, safe='')}"
