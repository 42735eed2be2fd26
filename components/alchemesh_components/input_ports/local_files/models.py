"""Arguments of local-files."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from alchemesh_platform.sdk.models import Strict


class Args(Strict):
    """Arguments of file ingestion."""

    path: str = Field(
        min_length=1, description="File or glob that the data is read from, relative to the manifest's folder."
    )
    format: Literal["csv", "json", "parquet"] = Field(
        description="Format of the files; json is one object for each line."
    )
    null_values: tuple[str, ...] = Field(default=("", "NA"), description="CSV: texts that mean *no value*.")
    keep_on_destroy: bool = Field(default=True, description="Whether the ingested files stay when the port is removed.")
