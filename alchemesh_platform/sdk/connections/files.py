"""Files: the connection of folders and buckets."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from alchemesh_platform.sdk.connections.base import Connection, local_path


class FilesConnection(Connection):
    """Files under one address: a directory, a bucket or a prefix of one."""

    not_variables: ClassVar[frozenset[str]] = frozenset({"kind", "fed_by", "reading"})

    kind: Literal["files"] = "files"
    url: str = Field(description="Address of the folder, as a URL: file:///…, gs://…, s3://…")
    format: str | None = Field(default=None, description="Format of the files, if all have the same: parquet, …")
    fed_by: dict[str, Any] | None = Field(
        default=None, description="The dataflow that writes the files, if there is one: its server, group and sign-in."
    )

    reading: dict[str, Any] | None = Field(
        default=None, description="Options of reading the files that the port sets: delimiter, time zone and so on."
    )

    @property
    def path(self) -> Path:
        """The folder on this machine.

        Raises:
            WrongConnection: when the files are not on this machine.
        """
        return local_path(self.url)
