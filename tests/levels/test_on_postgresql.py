"""Verdicts from a registry on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alchemesh_platform.levels.announce import announce
from alchemesh_platform.levels.read import read_commitments
from alchemesh_platform.registry.observations.roll_up import Keeping, roll_up
from alchemesh_platform.registry.records import ContractRecord
from alchemesh_platform.registry.store import Registry
from parts.postgresql import PostgresqlServer
from tests.levels.promised import ENVIRONMENT, NOW, PORT, PRODUCT, add, measured, promise
from tests.levels.test_maintenance import AMELIA

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.slow("it uses a server")
def test_probes_summaries_and_maintenance_have_the_same_verdicts_on_postgresql(postgresql: PostgresqlServer) -> None:
    levels = {
        "uptime": "95%",
        "response_time": "1s",
        "update_frequency": "1d",
        "freshness": "1h",
        "window": "4h",
        "maintenance": "1h",
    }
    with Registry.open(postgresql.url(postgresql.create_database())) as registry:
        promise(registry, service_levels=levels)
        contract = registry.get(ContractRecord, ENVIRONMENT, PORT)
        assert contract is not None
        registry.put(contract.model_copy(update={"protocols": ("rest", "sql")}))
        announce(registry, ENVIRONMENT, PORT, NOW - 2 * HOUR, NOW - HOUR, AMELIA, NOW - 9 * HOUR)
        probes = []
        for minute in range(240):
            at, up = NOW - minute * MINUTE, not 60 < minute <= 120
            for protocol in ("rest", "sql"):
                probes.append(measured(f"uptime:{protocol}", at, PORT, good=int(up or protocol == "sql"), total=1))
            if minute % 60 == 0:
                probes += [measured(f"response_time:{each}", at, PORT, value=0.25) for each in ("rest", "sql")]
        add(registry, *probes, measured("change_age", value=3600), measured("lag", value=3600))
        expected = {
            "freshness": ("kept", "60 min"),
            "update_frequency": ("kept", "3 h"),
            "uptime": ("kept", "100% (75% with maintenance)"),
            "response_time": ("kept", "250 ms (rest)"),
        }
        found = read_commitments(registry, ENVIRONMENT, PRODUCT, NOW)
        assert {each.name: (each.verdict, each.value) for each in found} == expected

        assert roll_up(registry, ENVIRONMENT, NOW, Keeping(raw=HOUR, hourly=99 * HOUR)).observations > 300
        assert read_commitments(registry, ENVIRONMENT, PRODUCT, NOW) == found
        roll_up(registry, ENVIRONMENT, NOW + 48 * HOUR, Keeping(raw=HOUR, hourly=HOUR))
        later = {each.name: each.verdict for each in read_commitments(registry, ENVIRONMENT, PRODUCT, NOW)}
        assert later == {**dict.fromkeys(expected, "kept"), "uptime": "unknown"}
