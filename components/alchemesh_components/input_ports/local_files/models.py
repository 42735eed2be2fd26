"""Arguments of local-files."""

from __future__ import annotations

from pydantic import Field

from alchemesh_components.files.reading import TextArgs, ValueArgs


class Args(ValueArgs, TextArgs):
    """Arguments of file ingestion."""

    mirror: bool = Field(default=False, description="Whether rows whose source file was removed are removed too.")
    keep_on_destroy: bool = Field(default=True, description="Whether the ingested files stay when the port is removed.")
