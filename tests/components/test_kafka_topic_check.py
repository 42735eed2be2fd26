"""Names of topics follow Kafka's rules, and errors point to the port or the argument."""

from __future__ import annotations

from typing import Any

from alchemesh_components.kafka.settings import Settings
from alchemesh_components.output_ports.kafka_topic.check import check
from alchemesh_components.output_ports.kafka_topic.models import Args
from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring

MODEL = SemanticModel.model_validate({"properties": {"id": {"type": "string"}}})


def objections(args: dict[str, Any], *models: str, prefix: str = "") -> list[Objection]:
    kafka = {"bootstrap_servers": "localhost:9092", "topic_prefix": prefix}
    wiring = Wiring(domain="a", product="b", port="c", models=dict.fromkeys(models or ("flight",), MODEL))
    return list(check(Args.model_validate(args), Settings.model_validate({"kafka": kafka}), wiring))


def test_a_name_over_the_limit_is_reported_at_the_port() -> None:
    rest = len("a.b.c.flight")
    assert objections({}, prefix="x" * (249 - rest)) == []
    (found,) = objections({}, prefix="x" * (250 - rest))
    assert found.at == "name"
    assert "expected at most 249 characters, not 250" in found.message
    assert found.hint == "name it yourself: storage.args.topics.flight"


def test_an_explicit_name_is_checked_at_its_line() -> None:
    (found,) = objections({"topics": {"flight": "flights of today"}})
    assert (found.at, found.path) == ("args", ("topics", "flight"))
    assert "expected letters, digits, '.', '_' and '-'" in found.message
    assert len(objections({"topics": {"flight": ".."}})) == 1


def test_a_model_that_the_port_lacks_is_named_with_the_closest() -> None:
    (found,) = objections({"topics": {"fligth": "t"}})
    assert found.message == "found 'fligth', expected a model of the port"
    assert found.hint == "did you mean 'flight'?"


def test_two_models_do_not_share_a_topic() -> None:
    (found,) = objections({"topics": {"flight": "t", "airline": "t"}}, "flight", "airline")
    assert "expected one for each model" in found.message


def test_topic_settings_that_have_an_argument_are_refused() -> None:
    (found,) = objections({"config": {"retention.ms": "1", "max.message.bytes": "1"}})
    assert (found.message, found.path) == (
        "found 'retention.ms', expected the argument 'retention'",
        ("config", "retention.ms"),
    )
