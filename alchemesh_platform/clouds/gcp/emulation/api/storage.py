"""The part of Cloud Storage's JSON interface that the platform calls.

Source: https://cloud.google.com/storage/docs/json_api/v1
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from alchemesh_platform.clouds.gcp.emulation.api.rest import NOT_FOUND, Rest
from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused


@dataclass(frozen=True, slots=True)
class StorageRest(Rest):
    """Cloud Storage."""

    def bucket_exists(self, bucket: str) -> bool:
        """Whether a bucket exists."""
        return self.found(f"/storage/v1/b/{quote(bucket, safe='')}") is not None

    def bucket(self, bucket: str) -> dict[str, Any] | None:
        """A bucket; None if it does not exist."""
        return self.found(f"/storage/v1/b/{quote(bucket, safe='')}")

    def make_bucket(self, project: str, bucket: str, location: str) -> None:
        """Create a bucket. Raises Refused with 409 if it exists."""
        self.json("POST", "/storage/v1/b", {"name": bucket, "location": location}, query={"project": project})

    def remove_bucket(self, bucket: str) -> None:
        """Delete an empty bucket."""
        self.removed(f"/storage/v1/b/{quote(bucket, safe='')}")

    def objects(self, bucket: str) -> Iterator[str]:
        """Names of the objects in a bucket."""
        return (str(item["name"]) for item in self.listed(bucket))

    def listed(self, bucket: str, **query: str) -> Iterator[dict[str, Any]]:
        """The objects in a bucket, as the service describes them.

        Args:
            query: Parameters of the list: ``prefix``, ``versions``.
        """
        token = ""
        while True:
            paging = {"pageToken": token} if token else {}
            page = self.json("GET", f"/storage/v1/b/{quote(bucket, safe='')}/o", query={**query, **paging})
            yield from page.get("items") or ()
            token = page.get("nextPageToken") or ""
            if not token:
                return

    def versions(self, bucket: str) -> Iterator[tuple[str, str]]:
        """Name and generation of every version of every object in a bucket."""
        return ((str(item["name"]), str(item["generation"])) for item in self.listed(bucket, versions="true"))

    def remove_version(self, bucket: str, name: str, generation: str) -> None:
        """Delete one version of an object."""
        self.removed(_object(bucket, name), query={"generation": generation})

    def described(self, bucket: str, name: str) -> dict[str, Any] | None:
        """An object as the service describes it; None if it does not exist."""
        return self.found(_object(bucket, name))

    def write(
        self, bucket: str, name: str, content: bytes, content_type: str = "text/plain", **preconditions: str
    ) -> None:
        """Write an object.

        Args:
            preconditions: Preconditions of the service: ``ifGenerationMatch``. It refuses with 412 if one fails.
        """
        path = f"/upload/storage/v1/b/{quote(bucket, safe='')}/o"
        query = {"uploadType": "media", "name": name, **preconditions}
        self.call("POST", path, content, query=query, content_type=content_type)

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
