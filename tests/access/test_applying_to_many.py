"""`access apply` on a timer: a failing product does not delay the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from alchemesh_cli.render.run.events import showing
from alchemesh_platform.app.mesh import access
from alchemesh_platform.app.where import Where
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import Location, Problem, ProblemsFound

NOTHING = cast("Any", None)  # no registry or actor is used
PLATFORM = cast("Any", SimpleNamespace(environment="local"))


class Locked(Failure):
    """Another user works on the product."""

    exit_code = ExitCode.LOCKED


BROKEN = ProblemsFound([Problem(Location("platform.yaml"), "components", "found 'gone'")])


@pytest.fixture(autouse=True)
def metered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The products whose usage was read, in order."""
    read: list[str] = []

    def note(_registry: Any, _environment: str, product: str, _report: Any, *, platform: Any) -> None:
        read.append(product)

    monkeypatch.setattr(access, "meter_before", note)
    return read


def failing(**failures: Exception) -> Callable[..., None]:
    def apply(_registry: Any, _platform: Any, product: str, **_rest: Any) -> None:
        if product in failures:
            raise failures[product]

    return apply


def apply_to(*products: str) -> access.Applied:
    with showing(Where(Path()), "apply", as_json=False) as shown:
        return access.apply_to(NOTHING, PLATFORM, NOTHING, products, listen=shown)


def test_a_locked_product_is_reported_and_the_next_one_is_applied(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], metered: list[str]
) -> None:
    """A locked product once stopped the timer: access to later products did not expire."""
    monkeypatch.setattr(access, "apply_grants", failing(a=Locked("bo works on it", hint="wait")))
    applied = apply_to("a", "b")
    assert list(applied.outcomes) == ["b"]
    assert list(applied.failures) == ["a"]
    assert metered == ["a", "b"], "the usage of both was read before their grants changed"
    assert applied.exit_code == ExitCode.LOCKED
    assert "error: a: bo works on it\n\nhint: wait\n" in capsys.readouterr().err


def test_failures_of_several_kinds_fail_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "apply_grants", failing(a=Locked("…"), b=BROKEN))
    assert apply_to("a", "b").exit_code == ExitCode.FAILED


def test_a_single_product_raises_its_own_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "apply_grants", failing(a=Locked("…")))
    with pytest.raises(Locked):
        apply_to("a")
