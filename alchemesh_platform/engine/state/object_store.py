"""The object storage of a state backend's address, opened with the same settings as Pulumi.

Each cloud's own library finds the credentials, in the same places as the cloud's other tools.

Source: https://www.pulumi.com/docs/iac/concepts/state-and-backends/, gocloud.dev aws (V2Config), blob/gcsblob
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.base.remedy import command, remedy

SCHEMES = ("s3", "gs")
EXTRA = "alchemesh-platform[object-state]"
# https://cloud.google.com/docs/authentication/provide-credentials-adc
GOOGLE_SIGN_IN = (
    "sign in to Google Cloud: `gcloud auth application-default login`, or GOOGLE_APPLICATION_CREDENTIALS in CI"
)
BUCKET_WANTED = remedy(
    "is the bucket there, and do the credentials of this shell reach it? {} makes it where the platform file names a "
    "platform-foundation",
    command("platform", "up"),
)
TIMEOUT_SECONDS = 30  # of one request
ATTEMPTS = 6  # more attempts than usual: losing a state is expensive
NEW: str = ""  # the version of an object that does not exist yet
_YES = ("1", "t", "true")
_PATH_STYLES = ("s3ForcePathStyle", "use_path_style")  # spellings of both Pulumi generations
_PLAIN_HTTP = ("disableSSL", "disable_https")
GCS = "https://storage.googleapis.com"
GCS_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_NOT_FOUND, _PRECONDITION_FAILED = 404, 412
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")
_ABSENT = ("NoSuchKey", "404")


class StoreUnusable(Failure):
    """Raised when the object storage of the state cannot be opened or used; names the storage and the reason."""


class Conflict(Exception):
    """Raised when an object does not have the version that a write expects."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object: its content and the version of that content."""

    content: bytes
    version: str


class ObjectStore(Protocol):
    """Objects below one folder of a bucket, by name."""

    def read(self, name: str) -> Found | None:
        """Read an object; None if it does not exist."""
        ...

    def write(self, name: str, content: bytes, *, replaces: str | None = None) -> str:
        """Write an object, completely or not at all.

        Args:
            replaces: Version that the object must have now, :data:`NEW` for a new object, None for any version.

        Returns:
            The new version of the object.

        Raises:
            Conflict: when the object has another version.
        """
        ...

    def delete(self, name: str) -> None:
        """Delete an object. Deleting a missing object does nothing."""
        ...

    def names(self, folder: str) -> list[str]:
        """Names of the objects in a folder."""
        ...


def is_object_storage(backend: str) -> bool:
    """Whether a backend keeps state as objects that this module can read and write."""
    return backend.partition("://")[0] in SCHEMES


def open_store(backend: str) -> ObjectStore:
    """Open the bucket of an address, or a folder in it: ``s3://bucket/folder?region=…``, ``gs://bucket``.

    Raises:
        StoreUnusable: when its package is not installed, or the address or the credentials are unusable.
    """
    address = urlsplit(backend)
    prefix = f"{address.path.strip('/')}/".lstrip("/")
    with using(backend):
        if address.scheme == "s3":
            return _S3(_s3_client(address), address.netloc, prefix)
        return _Gcs(*_gcs_session(), address.netloc, prefix)


@contextmanager
def using(backend: str) -> Iterator[None]:
    """Convert the exceptions of a cloud's library to :class:`StoreUnusable`; other exceptions pass unchanged."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise StoreUnusable(
            f"state in {shown(backend)} needs the package {error.name}", hint=install_command(EXTRA)
        ) from error
    except Exception as error:
        if not type(error).__module__.startswith(("botocore.", "boto3.", "google.", "requests.", "urllib3.")):
            raise
        raise StoreUnusable(
            f"the state in {shown(backend)} cannot be used: {_first_line(error)}",
            hint=GOOGLE_SIGN_IN if "default credentials" in str(error) else BUCKET_WANTED,
        ) from error


def shown(backend: str) -> str:
    """The address without its query parameters."""
    return backend.partition("?")[0]


class _S3:
    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client, self._bucket, self._prefix = client, bucket, prefix

    def read(self, name: str) -> Found | None:
        from botocore.exceptions import ClientError

        try:
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
        return Found(found["Body"].read(), found["ETag"])

    def write(self, name: str, content: bytes, *, replaces: str | None = None) -> str:
        from botocore.exceptions import ClientError

        condition = {} if replaces is None else {"IfNoneMatch": "*"} if replaces == NEW else {"IfMatch": replaces}
        try:
            done = self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in _TAKEN or (replaces and error.response["Error"]["Code"] in _ABSENT):
                raise Conflict(name) from error
            raise
        return str(done["ETag"])

    def delete(self, name: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def names(self, folder: str) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + folder
        )
        return [found["Key"].removeprefix(self._prefix) for page in pages for found in page.get("Contents", ())]


class _Gcs:
    """Cloud Storage by its JSON API: https://cloud.google.com/storage/docs/json_api/v1.

    Google's own client cannot be imported together with Pulumi's provider protocol: both define ``google.rpc.Status``.
    """

    def __init__(self, session: Any, endpoint: str, bucket: str, prefix: str) -> None:
        self._session, self._prefix = session, prefix
        self._objects = f"{endpoint}/storage/v1/b/{bucket}/o"
        self._uploads = f"{endpoint}/upload/storage/v1/b/{bucket}/o"
        self._bucket = f"{endpoint}/storage/v1/b/{bucket}"

    def read(self, name: str) -> Found | None:
        found = self._session.get(self._object(name), params={"alt": "media"}, timeout=TIMEOUT_SECONDS)
        if found.status_code == _NOT_FOUND:
            # Either the object is missing or the bucket is. The second one is an error.
            self._session.get(self._bucket, timeout=TIMEOUT_SECONDS).raise_for_status()
            return None
        found.raise_for_status()
        return Found(found.content, found.headers["X-Goog-Generation"])

    def write(self, name: str, content: bytes, *, replaces: str | None = None) -> str:
        parameters = {"uploadType": "media", "name": self._prefix + name}
        if replaces is not None:
            parameters["ifGenerationMatch"] = replaces or "0"
        done = self._session.post(self._uploads, params=parameters, data=content, timeout=TIMEOUT_SECONDS)
        if done.status_code == _PRECONDITION_FAILED:
            raise Conflict(name)
        done.raise_for_status()
        return str(done.json()["generation"])

    def delete(self, name: str) -> None:
        done = self._session.delete(self._object(name), timeout=TIMEOUT_SECONDS)
        if done.status_code != _NOT_FOUND:
            done.raise_for_status()

    def names(self, folder: str) -> list[str]:
        found: list[str] = []
        page: dict[str, str] = {}
        while True:
            parameters = {"prefix": self._prefix + folder, "fields": "items(name),nextPageToken", **page}
            answer = self._session.get(self._objects, params=parameters, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            listing = answer.json()
            found += [each["name"].removeprefix(self._prefix) for each in listing.get("items", ())]
            if "nextPageToken" not in listing:
                return found
            page = {"pageToken": listing["nextPageToken"]}

    def _object(self, name: str) -> str:
        return f"{self._objects}/{quote(self._prefix + name, safe='')}"


def _s3_client(address: SplitResult) -> Any:
    import boto3
    from botocore.config import Config

    options = dict(parse_qsl(address.query))
    endpoint = options.get("endpoint")
    if endpoint and "://" not in endpoint:
        endpoint = f"{'http' if _yes(options, _PLAIN_HTTP) else 'https'}://{endpoint}"
    return boto3.Session(profile_name=options.get("profile"), region_name=options.get("region")).client(
        "s3",
        endpoint_url=endpoint,
        config=Config(
            connect_timeout=TIMEOUT_SECONDS,
            read_timeout=TIMEOUT_SECONDS,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            s3={"addressing_style": "path"} if _yes(options, _PATH_STYLES) else {},
        ),
    )


def _gcs_session() -> tuple[Any, str]:
    """A session that signs and retries its requests, and the address of the service."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    emulator = os.environ.get("STORAGE_EMULATOR_HOST")  # the same variable as in Google's own libraries and Pulumi
    session: Any
    if emulator:
        endpoint = emulator if "://" in emulator else f"http://{emulator}"
        session = requests.Session()  # an emulator needs no credentials
    else:
        import google.auth
        from google.auth.transport.requests import AuthorizedSession

        endpoint = GCS
        session = AuthorizedSession(google.auth.default(scopes=[GCS_SCOPE])[0])  # type: ignore[no-untyped-call]
    # Retries uploads too, which the library does not by default. Google accepts one upload a second to the same object
    # and rejects more with 429. Writing the same content twice is harmless, and a conditional write reports an existing
    # object.
    # https://cloud.google.com/storage/docs/retry-strategy, https://cloud.google.com/storage/quotas#objects
    patience = Retry(
        total=ATTEMPTS, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), allowed_methods=None
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=patience))
    return session, endpoint


def _yes(options: Mapping[str, str], names: tuple[str, ...]) -> bool:
    return any(options.get(name, "").lower() in _YES for name in names)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
