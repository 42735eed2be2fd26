"""Settings for Iceberg: the group ``iceberg`` of the platform file's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from alchemesh_components.local.settings import LocalSettings, without_password
from alchemesh_platform.sdk.models import Strict


class IcebergSettings(Strict):
    """The catalog that knows the current version of each Iceberg table."""

    catalog: Annotated[str, AfterValidator(without_password)] | None = Field(
        default=None,
        description="Address of a PostgreSQL that holds the catalog: "
        "`postgresql://iceberg@host/catalog?sslmode=verify-full&passfile=/etc/alchemesh/pgpass`. By default, a file of "
        "SQLite in `local.root`.",
    )


class Settings(Strict):
    """Settings groups of the components on Iceberg."""

    local: LocalSettings = Field(description="The embedded local platform.")
    iceberg: IcebergSettings = Field(default_factory=IcebergSettings, description="Iceberg.")

    @property
    def catalog(self) -> str:
        """Address of the catalog."""
        return self.iceberg.catalog or f"sqlite:///{Path(self.local.root, '.iceberg', 'catalog.db')}"
