"""The fast lane leaves out every test of a real server, and nothing that does not exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import lanes, servers

ROOT = Path(__file__).parents[2]


def test_every_fixture_of_a_server_makes_a_test_slow() -> None:
    assert set(servers.__all__) <= lanes.SERVERS


@pytest.mark.parametrize("path", lanes.SLOW)
def test_a_slow_path_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_makefile_selects_the_fast_lane() -> None:
    """The lane's examples and its collection depend on this exact selection."""
    fast = (ROOT / "Makefile").read_text("utf-8").partition("\nfast:")[2].partition("\n\n")[0]
    assert f'-m "{lanes.FAST}"' in fast


def test_a_file_of_slow_tests_is_not_imported_in_the_fast_lane(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ROOT / "tests" / "end_to_end" / "test_journey.py"
    monkeypatch.setattr(request.config.option, "markexpr", lanes.FAST)
    assert lanes.is_left_out(engine, request.config)
    assert lanes.is_left_out(ROOT / "tests" / "systems" / "nifi", request.config)
    assert not lanes.is_left_out(Path(__file__).parent, request.config)
    assert not lanes.is_left_out(Path(__file__), request.config)
    monkeypatch.setattr(request.config.option, "markexpr", "")
    assert not lanes.is_left_out(engine, request.config)
