"""Fixtures and options of all tests."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from alchemesh_platform.engine.install.find import Engine, find_engine
from tests import lanes
from tests.servers import (
    amazon,
    emulators,
    kafka_server,
    kestra_server,
    nifi_2_server,
    nifi_server,
    postgresql,
    secured_nifi_2_server,
    secured_nifi_server,
)

collect_ignore = ["example_system"]  # a package of its own: test_example_system.py tests its cases

__all__ = [
    "amazon",
    "emulators",
    "kafka_server",
    "kestra_server",
    "nifi_2_server",
    "nifi_server",
    "postgresql",
    "secured_nifi_2_server",
    "secured_nifi_server",
]

# How long an example takes says more of the machine, and of what else runs on it, than of the code. The same examples
# each time: a commit is right or wrong by itself, and not by chance. `--hypothesis-profile=search` tries others.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("any machine", settings.get_profile("search"), derandomize=True, database=None)
settings.register_profile("few", settings.get_profile("any machine"), max_examples=lanes.FEW)
settings.load_profile("any machine")

# Thousands of processes of these tests import the same modules: Python compiles them once, even where the environment
# asks it not to keep what it compiles.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A product with a schedule would leave a clock behind, and its runs. Tests of the clock set it on.
os.environ["ALCHEMESH_CLOCK"] = "off"

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


def pytest_configure(config: pytest.Config) -> None:
    from tests.strict import check_documents, refuse_text_of_remedies

    refuse_text_of_remedies()
    check_documents()
    lanes.use_profile(config)
    lanes.use_one_schema(config)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Collect without garbage collection: modules and tests live until the end, and looking for garbage takes long."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # nanobind reports what Python does not free at its end


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if lanes.is_left_out(collection_path, config) else None


@pytest.hookimpl(tryfirst=True)  # before pytest selects tests by their marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    from tests.order import check_groups, longest_first

    lanes.mark_slow(items)
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
