"""The fast lane, ``make check``: pure tests and short ones. ``make test`` runs every test in full.

The fast lane leaves out tests that are marked ``engine`` or ``slow``. Tests of a real server are slow by their fixture
or folder, so that a new one cannot forget its mark. Property-based tests try fewer examples. The migrations run once
for each process, and further SQLite registries get the same schema at once.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.order import FIXTURES

if TYPE_CHECKING:
    from sqlalchemy import Connection

FAST = "not engine and not slow"  # as the Makefile writes it
FEW = 5  # examples of a property-based test in the fast lane

# Fixtures of real servers: they take seconds to start, or to answer a test.
SERVERS = {"postgresql", *FIXTURES}
# Files by the beginning of their path. Most of their tests start processes, speak to a simulated server, or write much
# data; or the file as a whole takes seconds, where other files check the same parts with fewer of them.
SLOW = (
    "components/",  # the conformance kit; `alchemesh components test FOLDER` runs it for one component
    "tests/access/test_access_command.py",
    "tests/access/test_credential.py",
    "tests/access/test_requests.py",
    "tests/app/clock/test_deployment.py",
    "tests/app/clock/test_supervised.py",
    "tests/app/probing/",
    "tests/app/review/test_affected.py",
    "tests/app/review/test_offline.py",
    "tests/app/runs/test_attempts.py",
    "tests/app/runs/test_engines.py",
    "tests/app/runs/test_history.py",
    "tests/app/runs/test_lineage.py",
    "tests/app/runs/test_one_run.py",
    "tests/app/runs/test_started.py",
    "tests/app/test_ports.py",
    "tests/app/test_without_click.py",
    "tests/billing/test_bill_command.py",
    "tests/catalog/test_commands_of_the_catalogue.py",
    "tests/catalog/test_programs.py",
    "tests/catalog/test_strangers.py",
    "tests/channels/test_hostile_receivers.py",
    "tests/cli/review/test_commands.py",
    "tests/cli/review/test_comment.py",
    "tests/cli/review/test_formats.py",
    "tests/cli/terminal/test_printing.py",
    "tests/cli/test_context_options.py",
    "tests/cli/test_documents.py",
    "tests/cli/test_offline_commands.py",
    "tests/clouds/aws/functions/",
    "tests/clouds/aws/test_objects.py",
    "tests/clouds/aws/test_rows_of_s3.py",
    "tests/clouds/gcp/data_api/test_image.py",
    "tests/clouds/gcp/drift/test_audit_log.py",
    "tests/clouds/gcp/emulation/test_catalog.py",
    "tests/clouds/gcp/erasure/test_erasure_of_files.py",
    "tests/components/test_members.py",
    "tests/components/test_roapi_grant.py",
    "tests/conformance/test_liars.py",
    "tests/contracts/test_contract_command.py",
    "tests/contracts/test_diff_laws.py",
    "tests/contracts/test_odcs_round_trip.py",
    "tests/data/test_conditions.py",
    "tests/data/test_keys.py",
    "tests/data/test_writers.py",
    "tests/data/test_writing.py",
    "tests/deployment/test_importing.py",
    "tests/deployment/test_new_data.py",
    "tests/deployment/test_providers.py",
    "tests/end_to_end/",
    "tests/engine/install/test_install.py",
    "tests/engine/install/test_plugins.py",
    "tests/engine/state/test_lock.py",
    "tests/examples/",
    "tests/exports/test_prometheus.py",
    "tests/forges/test_comment.py",
    "tests/identity/test_token.py",
    "tests/incidents/test_evaluation.py",
    "tests/incidents/test_incidents_command.py",
    "tests/incidents/test_outbox.py",
    "tests/levels/test_answers.py",
    "tests/machine/test_environments.py",
    "tests/machine/test_processes.py",
    "tests/manifest/test_starter.py",
    "tests/measures/test_spool.py",
    "tests/mesh_repo/test_mesh_at_once.py",
    "tests/mesh_repo/test_mesh_policies.py",
    "tests/observed/observe/",
    "tests/observed/status/",
    "tests/parts/",
    "tests/pipelines/test_scripts.py",
    "tests/provider/components/test_every_component.py",
    "tests/provider/components/test_schema.py",
    "tests/provider/test_own_process.py",
    "tests/quality/test_delta_tables.py",
    "tests/quality/test_measure_rows.py",
    "tests/quality/test_rules.py",
    "tests/quality/test_second_opinion.py",
    "tests/quality/test_times.py",
    "tests/registry/database/test_concurrency.py",
    "tests/registry/database/test_migrations.py",
    "tests/registry/database/test_unavailable.py",
    "tests/registry/database/test_writes.py",
    "tests/registry/promises/test_promises.py",
    "tests/scaffold/",
    "tests/server/test_slow_clients.py",
    "tests/stacks/test_admitted_code.py",
    "tests/stacks/test_component_faults.py",
    "tests/stacks/test_declared.py",
    "tests/stacks/test_imports.py",
    "tests/systems/airflow/test_client.py",
    "tests/systems/airflow/test_delivery.py",
    "tests/systems/bigquery/test_columns.py",
    "tests/systems/kafka/test_declared_schema.py",
    "tests/systems/kafka/test_landing.py",
    "tests/systems/kafka/test_rows.py",
    "tests/systems/local/gateway/",
    "tests/systems/local/handlers/",
    "tests/systems/local/iceberg/",
    "tests/systems/local/landing/test_ingestion.py",
    "tests/systems/local/landing/test_landing_values.py",
    "tests/systems/local/tables/test_delta.py",
    "tests/systems/local/test_job.py",
    "tests/systems/nifi/",
    "tests/usage/",
)

_MARKED = re.compile(r"^pytestmark = .*pytest\.mark\.(?:engine|slow)\b", re.MULTILINE)


def is_fast(config: pytest.Config) -> bool:
    """Whether this run is the fast lane."""
    return bool(config.getoption("markexpr") == FAST)


def use_profile(config: pytest.Config) -> None:
    """Try few examples in the fast lane, unless the command line names a profile."""
    if is_fast(config) and not config.getoption("hypothesis_profile", None):
        settings.load_profile("few")


def use_one_schema(config: pytest.Config) -> None:
    """Create each new SQLite registry in the fast lane from the schema that the migrations made first."""
    if not is_fast(config):
        return
    from alchemesh_platform.registry import migrations

    migrate, schema = migrations._upgrade, list[str]()

    def create(connection: Connection) -> None:
        sqlite = connection.connection.dbapi_connection
        if not isinstance(sqlite, sqlite3.Connection) or sqlite.execute("SELECT 1 FROM sqlite_master").fetchone():
            migrate(connection)
        elif schema:
            for statement in schema:
                connection.exec_driver_sql(statement)
        else:
            migrate(connection)
            schema.extend(each for each in sqlite.iterdump() if each not in ("BEGIN TRANSACTION;", "COMMIT;"))

    migrations._upgrade = create


def examples(number: int) -> int:
    """The number of examples of a test that needs more or fewer than the profile's, in this run."""
    return min(number, FEW) if settings.get_current_profile_name() == "few" else number


def is_left_out(path: Path, config: pytest.Config) -> bool:
    """Whether the fast lane leaves out every test of a file or folder, so that it need not be imported."""
    if not is_fast(config):
        return False
    if path.is_dir():
        return f"{path.relative_to(config.rootpath).as_posix()}/" in SLOW
    if not (path.name.startswith("test_") and path.suffix == ".py"):
        return False
    return _is_below(path.relative_to(config.rootpath)) or _MARKED.search(path.read_text("utf-8")) is not None


def mark_slow(items: list[pytest.Item]) -> None:
    """Mark the tests of real servers, before pytest selects tests by their marks."""
    for item in items:
        if item.get_closest_marker("slow") is not None:
            continue
        if SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow("it uses a server"))
        elif _is_below(Path(item.nodeid.partition("::")[0])):
            item.add_marker(pytest.mark.slow("it takes long, as most of its file"))


def _is_below(path: Path) -> bool:
    return path.as_posix().startswith(SLOW)
