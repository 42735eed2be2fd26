"""Policies that approve access requests for the owner: only a passing policy approves."""

from __future__ import annotations

from typing import Any

import pytest

from alchemesh_platform.policies.evaluate import evaluate_request
from alchemesh_platform.policies.given import GivenRequest
from alchemesh_platform.policies.models import Outcome
from tests.policies.writing import facts, one, policy

REQUEST = GivenRequest(
    requester_kind="data_product",
    requester="operations/punctuality",
    requester_domains=("operations",),
    purpose="Which airlines are late",
    days=30,
    port="aviation/flights/flights-table",
    access="internal",
    classifications=("internal", "public"),
)


def asked(require: str, environment: str | None = "local", **more: Any) -> Outcome:
    approving = policy(require, applies_to="request", effect="approve", **more)
    return evaluate_request(approving, REQUEST, environment).outcome


@pytest.mark.parametrize(
    "require",
    [
        "request.requester_kind == 'data_product' && request.requester.startsWith('operations/')",
        "'operations' in request.requester_domains",
        "request.purpose.contains('late')",
        "request.days < 31",
        "request.port == request.product + '/flights-table'",
        "request.product == request.domain + '/flights'",
        "request.domain == 'aviation' && request.access != 'restricted'",
        "request.classifications.all(each, each in ['internal', 'public'])",
        "environment == 'local'",
    ],
)
def test_a_rule_sees_requester_purpose_and_classification(require: str) -> None:
    assert asked(require) is Outcome.PASSED
    assert asked(f"!({require})") is Outcome.VIOLATED


def test_a_policy_approves_only_requests_in_its_scope() -> None:
    assert asked("true", when="request.domain == 'geography'") is Outcome.NOT_APPLICABLE


def test_an_unknown_value_approves_no_request() -> None:
    assert asked("environment == 'local'", environment=None) is Outcome.NOT_EVALUATED
    endless = REQUEST.model_copy(update={"days": None})
    assert evaluate_request(
        policy("request.days < 31", applies_to="request", effect="approve"), endless, "local"
    ).outcome is (Outcome.NOT_EVALUATED)


def test_a_failing_expression_approves_no_request_and_gives_the_reason() -> None:
    failing = policy("request.classifications[9] == 'public'", applies_to="request", effect="approve")
    result = evaluate_request(failing, REQUEST, "local")
    assert result.outcome is Outcome.ERROR
    assert result.message.startswith("require: ")


def test_an_approving_policy_does_not_apply_to_a_product() -> None:
    approving = policy("true", applies_to="request", effect="approve")
    assert one(approving, facts()).outcome is Outcome.NOT_APPLICABLE
