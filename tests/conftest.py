"""Fixtures and options of all tests."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from alchemesh_platform.engine.install.find import Engine, find_engine
from tests.servers import emulators, kafka_server, nifi_server, postgresql, secured_nifi_server

__all__ = ["emulators", "kafka_server", "nifi_server", "postgresql", "secured_nifi_server"]

# How long an example takes says more of the machine, and of what else runs on it, than of the code. The same examples
# each time: a commit is right or wrong by itself, and not by chance. `--hypothesis-profile=search` tries others.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("any machine", settings.get_profile("search"), derandomize=True, database=None)
settings.load_profile("any machine")

# Thousands of processes of these tests import the same modules: Python compiles them once, even where the environment
# asks it not to keep what it compiles.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Where they are started in a shell's background they ignore interrupts, and so would all that they start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="Write what the code says now into case and golden files.")


@pytest.hookimpl(optionalhook=True)  # from pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    if config.getoption("dist") == "loadgroup":
        from tests.order import GroupScheduling

        return GroupScheduling(config, log)
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    from tests.order import check_groups, longest_first

    check_groups(items)
    if getattr(config.option, "loadgroup", False):  # in a worker
        longest_first(items)


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether to write expectations instead of comparing them."""
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The real engine; `make engine` gets it."""
    return find_engine()
