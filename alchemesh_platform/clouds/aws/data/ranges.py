"""An object of S3 as a file that can be read at any place, so that a reader of Parquet fetches what it needs."""

from __future__ import annotations

import io
from typing import Any

CHUNK_BYTES = 8 * 1024**2


class _Ranges(io.RawIOBase):
    """One version of an object, read by ranges."""

    def __init__(self, client: Any, bucket: str, key: str, etag: str, size: int) -> None:
        self._client, self._bucket, self._key, self._etag, self._size = client, bucket, key, etag, size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        answer = self._client.get_object(
            Bucket=self._bucket,
            Key=self._key,
            IfMatch=self._etag,
            Range=f"bytes={self._at}-{self._at + wanted - 1}",
        )
        content = answer["Body"].read()
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


def opened(client: Any, bucket: str, key: str) -> io.BufferedReader:
    """An object, as it is now. A later version of it is an error of the client, and is not mixed in.

    Raises:
        botocore.exceptions.ClientError: when there is no such object, or it cannot be read.
    """
    found = client.head_object(Bucket=bucket, Key=key)
    return io.BufferedReader(_Ranges(client, bucket, key, found["ETag"], found["ContentLength"]), CHUNK_BYTES)
