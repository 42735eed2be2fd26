"""Arguments and settings."""

from __future__ import annotations

from pydantic import Field

from alchemesh_platform.sdk.models import Strict


class Args(Strict):
    """Arguments of a store."""

    keep_on_destroy: bool = Field(default=True, description="Whether the file is kept when the store is removed.")


class KeyValueSettings(Strict):
    """Settings of the system."""

    folder: str = Field(description="Folder of the files.")


class Settings(Strict):
    """Settings groups of the components."""

    keyvalue: KeyValueSettings = Field(description="Key-value stores.")
