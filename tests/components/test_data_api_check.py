"""Checks of a data API of this machine."""

from __future__ import annotations

from alchemesh_components.local.settings import LocalSettings, Settings
from alchemesh_components.output_ports.roapi.check import check
from alchemesh_components.output_ports.roapi.models import Args
from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.sdk.wiring import Wiring


def test_a_column_that_postgresql_cannot_have_is_refused_at_its_line() -> None:
    models = {
        "sale": SemanticModel.model_validate({"properties": {"id": {"type": "integer"}, "xmin": {"type": "number"}}})
    }
    settings = Settings(local=LocalSettings(root="/data", run="/run"))
    (found,) = check(Args(), settings, Wiring(models=models))
    assert (found.at, found.path) == ("models", ("sale", "properties", "xmin"))
    assert found.message == (
        "the data API cannot serve a column 'xmin': each table of PostgreSQL has a column xmin of its own"
    )
