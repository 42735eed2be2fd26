"""Without the CEL library, policies have no result: commands show this, and deploy nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alchemesh_platform.deployment.checks import governance, verdict
from alchemesh_platform.deployment.checks.verdict import before_engine
from alchemesh_platform.policies import evaluate as evaluating
from alchemesh_platform.policies import expression
from alchemesh_platform.policies.evaluate import evaluate
from alchemesh_platform.policies.expression import CEL_MISSING, CelMissing, compiled
from alchemesh_platform.policies.models import Outcome, Scope
from alchemesh_platform.policies.results import unanswered
from alchemesh_platform.registry.store import Registry
from tests.compose.specs import SPECS
from tests.compose.test_compose import PLATFORM, manifest
from tests.policies.writing import facts, policy


@pytest.fixture(autouse=True)
def without_cel(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (governance, verdict, evaluating):
        monkeypatch.setattr(module, "cel_is_installed", lambda: False)
    monkeypatch.setitem(__import__("sys").modules, "cel_expr_python", None)
    expression._environment.cache_clear()
    compiled.cache_clear()


def test_no_policy_is_evaluated_and_each_says_why() -> None:
    (result,) = evaluate([policy("false", effect="deny")], facts())
    assert result.outcome is Outcome.NOT_EVALUATED
    assert not result.forbids
    ((reason, policies),) = unanswered([result]).items()
    assert reason.startswith("policies need alchemesh-platform[policies], which is not installed: run `")
    assert policies == (result.policy,)


def test_an_expression_is_not_compiled_and_the_extra_is_named() -> None:
    with pytest.raises(CelMissing, match=r"alchemesh-platform\[policies\], which is not installed") as missing:
        compiled("true && true", Scope.PRODUCT)
    assert "alchemesh-platform[policies]" in (missing.value.hint or "")


def test_a_preview_warns_and_a_deployment_is_refused(tmp_path: Path) -> None:
    from alchemesh_platform.compose.compose import compose

    loaded = manifest(tmp_path)
    plan = compose(loaded, PLATFORM, SPECS)
    with Registry.open(f"sqlite:///{tmp_path}/registry.db") as registry:
        seen = before_engine(registry, loaded, plan, "preview", datetime.now(UTC))
        assert CEL_MISSING in [problem.message for problem in seen.warnings]
        with pytest.raises(CelMissing):
            before_engine(registry, loaded, plan, "up", datetime.now(UTC))
