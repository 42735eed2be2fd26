"""Files of this machine, landed as Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alchemesh_components.input_ports.local_files.models import Args
from alchemesh_components.input_ports.local_files.spec import SPEC
from alchemesh_components.local.settings import Settings
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.models import SourceProperty
from alchemesh_platform.systems.local.resources import Ingestion


class LocalFiles(Component[Args, Settings]):
    """Reads new and changed files, checks them and lands them as Parquet: ``<root>/<domain>/<product>/<port>``."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One landing area."""
        landing = self.landing()
        return {"kind": "files", "url": landing.url, "format": "parquet"}

    def landing(self) -> Ingestion:
        """The landing area with its files."""
        wiring = self.wiring
        schema = wiring.schema
        return Ingestion(
            f"{self.name}-landing",
            source=self.args.path,
            root=wiring.product_root,
            columns=None if schema is None else [_column(name, declared) for name, declared in schema.items()],
            target=str(Path(self.settings.local.root, wiring.domain, wiring.product, wiring.port)),
            owner=wiring.address,
            keep_on_delete=self.args.keep_on_destroy,
            opts=self.child_options,
            **self.args.model_dump(exclude={"path", "keep_on_destroy"}),
        )


def _column(name: str, declared: SourceProperty) -> dict[str, Any]:
    return {"name": name, **declared.model_dump(mode="json", exclude_none=True, exclude_defaults=True)}
