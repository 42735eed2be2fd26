"""A product is approved before it has an identity: nothing fails, and its own deployment applies the grant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.lock import StackLock
from alchemesh_platform.registry.records import AccessRequestRecord, GrantRecord, ProductRecord

from .repo import Repo, platform_file, repo_in

pytestmark = [pytest.mark.engine, pytest.mark.slow]

MEMBER = "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember"
TOPIC = "gcp:pubsub/topic:Topic"
PORT = "aviation/gates/events"
PLATFORM = platform_file(
    "streaming-topic: pubsub-topic", "data-product-input: data-product-input", "python-job: cloud-run-job"
)
PROVIDER = """\
kind: DataProduct
name: gates
domain: aviation
team: flight-data
owner: amelia@airport.example
version: 1.2.0
lifecycle: development
models:
  gate:
    description: One gate.
    properties:
      gate_id: {type: string, key: true, required: true, description: Letter and number}
output_ports:
  - name: events
    models: [gate]
    storage: {component: streaming-topic}
    contract: {version: 1.0.0, lifecycle: active, access: restricted, terms: {notice_period: 30d}}
"""
CONSUMER = """\
kind: DataProduct
name: boards
domain: operations
team: punctuality-desk
owner: bessie@airport.example
version: 0.1.0
lifecycle: development
input_ports:
  - name: gates
    description: what the boards show
    from: {data_product: aviation/gates, output_port: events}
code:
  component: python-job
  args: {entrypoint: "boards.show:main", image: "europe-west1-docker.pkg.dev/acme-mesh/products/boards:0.1.0"}
"""


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Repo]:
    with repo_in(tmp_path / "gates", PROVIDER, PLATFORM) as made:
        yield made


@pytest.fixture
def consumer(provider: Repo) -> Repo:
    return Repo.made(provider.folder.parent / "boards", CONSUMER, PLATFORM)


def state_of(repo: Repo, request: str) -> tuple[str, bool]:
    """The state of the request, and whether the registry has a grant."""
    with repo.registry() as registry:
        found = registry.get(AccessRequestRecord, "prod", request)
        grant = registry.get(GrantRecord, "prod", request)
    assert found is not None
    return found.state, grant is not None


def warned(document: dict[str, Any]) -> list[str]:
    return [each["message"] for each in document["warnings"] if "has no access yet" in each["message"]]


def test_the_first_deployment_of_an_approved_product_applies_its_grant(provider: Repo, consumer: Repo) -> None:
    provider.done("up", "--yes")
    asked = provider.done(
        "access", "request", PORT, "--as", "data_product:operations/boards", "--purpose", "what the boards show"
    )
    request = asked["request"]
    provider.done("access", "approve", request)

    # The provider's runs deploy everything else, and name the next step and its owner.
    reason = (
        f"operations/boards is approved ({request}) and has no access yet in prod: it is not deployed there, so it "
        "has no identity"
    )
    preview = provider.run("preview")
    assert preview.returncode == 0, preview.stderr
    assert f"alchemesh.yaml:14:5  warning: {reason}" in preview.stderr
    assert "`alchemesh up -e prod --emulate` in the repo of operations/boards creates its identity" in preview.stderr
    changed = PROVIDER.replace("streaming-topic}", "streaming-topic, args: {retention: 2d}}")
    (provider.folder / "alchemesh.yaml").write_text(changed)
    up = provider.done("up", "--yes")
    assert warned(up) == [reason]
    assert up["grants"] == {}
    (topic,) = provider.cloud.all(TOPIC)
    assert topic.inputs["messageRetentionDuration"] == "172800s"
    # While it waits no grant can be applied, so a timer that tries blocks no other command.
    stack = Stack("aviation.gates", "prod", f"file://{provider.here / 'state'}", provider.here)
    with StackLock(stack, report=lambda _line: None):
        assert provider.run("up", "--yes").returncode == ExitCode.LOCKED
        for named in (["aviation/gates"], []):
            apply = provider.run("access", "apply", *named)
            assert apply.returncode == 0, apply.stderr
            assert reason in apply.stderr
    assert state_of(provider, request) == ("approved", False)

    # The consumer's first deployment creates its identity, and applies the grant to it.
    done = consumer.run("up", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcome"] == "succeeded"
    assert state_of(provider, request) == ("granted", True)
    with provider.registry() as registry:
        record = registry.get(ProductRecord, "prod", "operations/boards")
    assert record is not None
    assert record.identity is not None
    (member,) = provider.cloud.all(MEMBER)
    assert member.inputs["member"] == f"serviceAccount:{record.identity['name']}"
    after = provider.run("preview", "--detailed-exitcode", "--json")
    assert (after.returncode, warned(json.loads(after.stdout))) == (0, [])
    unchanged = consumer.run("preview", "--detailed-exitcode", "--json")
    assert unchanged.returncode == 0, unchanged.stdout

    # Its identity is deleted with it: the grant is removed, and the decision stays.
    consumer.done("destroy", "--yes")
    gone = provider.done("up", "--yes")
    assert warned(gone) == [reason]
    assert list(gone["grants"]) == ["delete"]
    assert state_of(provider, request) == ("approved", False)
    assert provider.cloud.all(MEMBER) == []
