"""Hints on errors, as systems register them."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.deployment.report.errors import explained, hint_for
from alchemesh_platform.sdk.system.errors import ErrorHint
from tests.sdk.site import install

SYSTEM = """
from alchemesh_platform.sdk.system.system import System
SYSTEM = System(name={name!r}, summary="A queue.", errors={errors!r})
"""
ERRORS = """
from alchemesh_platform.sdk.system.errors import ErrorHint, SystemErrors
def shorter(message):
    return message.removeprefix("queue says: ")
ERRORS = SystemErrors(
    hints=(ErrorHint(r"Error 404: no queue (?P<queue>[a-z]+)", "create it: `queue new {queue}`"),),
    clean=shorter,
    unnamed="^queue is full",
)
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages, in addition to those of this project."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_third_party_hint_precedes_a_general_one(site: Path) -> None:
    system = SYSTEM.format(name="zz", errors="zz_errors:ERRORS")
    install(site, "zz", {"zz_system": system, "zz_errors": ERRORS}, {"zz": "zz_system:SYSTEM"})
    assert hint_for("Error 404: no queue orders") == "create it: `queue new orders`"
    assert hint_for("Error 404: no bucket") == (
        "was it removed by hand? `alchemesh refresh` records that; otherwise check the reference"
    )


def test_third_party_messages_are_cleaned_and_name_the_failure(site: Path) -> None:
    system = SYSTEM.format(name="yy", errors="yy_errors:ERRORS")
    install(site, "yy", {"yy_system": system, "yy_errors": ERRORS}, {"yy": "yy_system:SYSTEM"})
    assert explained("queue says: queue is full", about="orders").message == "orders: queue is full"


def test_errors_that_fail_to_load_hide_no_failure(site: Path) -> None:
    system = SYSTEM.format(name="xx", errors="no_such_module:ERRORS")
    install(site, "xx", {"xx_system": system}, {"xx": "xx_system:SYSTEM"})
    assert explained("kafka: client has run out of available brokers").hint is not None


def test_hint_of_a_function_may_be_none() -> None:
    hint = ErrorHint("full", lambda found: "empty it" if "orders" in found.string else None)
    assert (hint.hint_on("orders is full"), hint.hint_on("sales is full")) == ("empty it", None)
