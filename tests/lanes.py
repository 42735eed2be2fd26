"""The fast lane, ``make check``: pure tests and short ones. ``make test`` runs every test in full.

The fast lane leaves out tests that are marked ``engine`` or ``slow``. Tests of a real server are slow by their fixture
or folder, so that a new one cannot forget its mark. Property-based tests try fewer examples.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import settings

from tests.order import FIXTURES

FAST = "not engine and not slow"  # as the Makefile writes it
FEW = 5  # examples of a property-based test in the fast lane

# Fixtures of real servers: they take seconds to start, or to answer a test.
SERVERS = {"postgresql", *FIXTURES}
# Files by the beginning of their path. Most of their tests start processes, speak to a simulated server, or write much
# data; or the file as a whole takes seconds, where other files check the same parts with fewer of them.
SLOW = (
    "tests/access/test_access_command.py",
    "tests/access/test_credential.py",
    "tests/app/test_ports.py",
    "tests/cli/test_context_options.py",
    "tests/cli/test_documents.py",
    "tests/cli/test_offline_commands.py",
    "tests/clouds/gcp/test_erasure_of_files.py",
    "tests/components/test_members.py",
    "tests/components/test_roapi_grant.py",
    "tests/contracts/test_contract_command.py",
    "tests/data/test_conditions.py",
    "tests/data/test_writers.py",
    "tests/data/test_writing.py",
    "tests/deployment/test_importing.py",
    "tests/deployment/test_providers.py",
    "tests/engine/test_install.py",
    "tests/engine/test_lock.py",
    "tests/engine/test_plugins.py",
    "tests/examples/",
    "tests/mesh_repo/test_mesh_at_once.py",
    "tests/mesh_repo/test_mesh_policies.py",
    "tests/observed/status/",
    "tests/parts/",
    "tests/provider/test_own_process.py",
    "tests/registry/test_registry_concurrency.py",
    "tests/registry/test_registry_migrations.py",
    "tests/registry/test_registry_unavailable.py",
    "tests/registry/test_registry_writes.py",
    "tests/stacks/test_admitted_code.py",
    "tests/stacks/test_declared.py",
    "tests/stacks/test_imports.py",
    "tests/systems/kafka/test_declared_schema.py",
    "tests/systems/kafka/test_landing.py",
    "tests/systems/local/gateway/",
    "tests/systems/local/handlers/",
    "tests/systems/local/test_ingestion.py",
    "tests/systems/local/test_job.py",
    "tests/systems/local/test_landing_values.py",
    "tests/systems/local/test_processes.py",
    "tests/systems/nifi/test_deviation_laws.py",
    "tests/systems/nifi/test_server_faults.py",
    "tests/systems/nifi/test_versions.py",
)

_MARKED = re.compile(r"^pytestmark = .*pytest\.mark\.(?:engine|slow)\b", re.MULTILINE)


def is_fast(config: pytest.Config) -> bool:
    """Whether this run is the fast lane."""
    return bool(config.getoption("markexpr") == FAST)


def use_profile(config: pytest.Config) -> None:
    """Try few examples in the fast lane, unless the command line names a profile."""
    if is_fast(config) and not config.getoption("hypothesis_profile", None):
        settings.load_profile("few")


def examples(number: int) -> int:
    """The number of examples of a test that needs more or fewer than the profile's, in this run."""
    return min(number, FEW) if settings.get_current_profile_name() == "few" else number


def is_left_out(path: Path, config: pytest.Config) -> bool:
    """Whether the fast lane leaves out every test of a file, so that it need not be imported."""
    if not is_fast(config) or not (path.name.startswith("test_") and path.suffix == ".py"):
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
