"""The addresses of engines in the platform file. The history, errors and pages name them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from alchemesh_components.airflow.settings import AirflowSettings
from alchemesh_components.dagster.settings import DagsterSettings
from alchemesh_components.kestra.settings import KestraSettings
from alchemesh_platform.sdk.models import Strict

MORE: dict[type[Strict], dict[str, Any]] = {
    AirflowSettings: {"dags": "/dags", "token": {"secret": "T"}},
    DagsterSettings: {"workspace": "/etc/dagster/workspace.yaml"},
    KestraSettings: {},
}


@pytest.mark.parametrize("settings", MORE)
def test_an_address_holds_no_password(settings: type[Strict]) -> None:
    for address in ("https://engine.acme.example", "http://127.0.0.1:8080/team/prod", "https://engine.acme.example/@a"):
        assert settings.model_validate({"address": address, **MORE[settings]}).model_dump()["address"] == address
    for address in ("https://ada:pass@engine.acme.example", "https://engine.acme.example?token=t"):
        with pytest.raises(ValidationError, match="address"):
            settings.model_validate({"address": address, **MORE[settings]})
