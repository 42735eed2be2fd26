"""Several use cases run at the same time in one process, with the real engine."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from alchemesh_platform.app.events import Event, Listener, RunStarted
from alchemesh_platform.app.product.deploy import destroy, up
from alchemesh_platform.app.where import Composed
from alchemesh_platform.base.files.home import HOME_VARIABLE
from alchemesh_platform.deployment.operator import stack_of
from alchemesh_platform.deployment.report.outcome import Outcome
from alchemesh_platform.engine.install.find import find_engine
from alchemesh_platform.engine.state.deployed import deployed_urns
from alchemesh_platform.engine.state.lock import StackLocked
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.registry.audit import acts_of, broken_links
from alchemesh_platform.registry.records import ProductRecord
from alchemesh_platform.registry.store import Registry

from .small import small_product

pytestmark = [pytest.mark.engine, pytest.mark.slow]

ADA, BO = Identity("ada@shop.example", "tests"), Identity("bo@shop.example", "tests")
LONGEST = 300.0


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A separate platform home for both products."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


def when_it_starts(act: object) -> Listener:
    """A listener that does something when the engine is about to start, with the stack's lock held."""

    def listen(event: Event) -> None:
        if isinstance(event, RunStarted) and callable(act):
            act()

    return listen


def urns(product: Composed) -> list[str]:
    return deployed_urns(find_engine(), stack_of(product.plan.project, product.platform))


def test_two_products_are_deployed_at_the_same_time(tmp_path: Path) -> None:
    """Each run has its own program, provider and actor, and none affects the other."""
    products = {ADA: small_product(tmp_path, "orders"), BO: small_product(tmp_path, "returns")}
    both = threading.Barrier(2, timeout=LONGEST)

    def deploy(actor: Identity) -> Outcome:
        return up(products[actor], actor, listen=when_it_starts(both.wait))

    with ThreadPoolExecutor(2) as pool:
        outcomes = dict(zip(products, pool.map(deploy, products), strict=True))

    for actor, product in products.items():
        address, other = product.plan.product.address, {"orders": "returns", "returns": "orders"}
        outcome = outcomes[actor]
        assert (outcome.outcome, outcome.product, outcome.problems) == ("succeeded", address, ())
        name = product.plan.product.name
        deployed = urns(product)
        assert any(urn.endswith(f"::{name}-record") for urn in deployed)
        assert [urn for urn in deployed if other[name] in urn] == []
    with Registry.open(products[ADA].platform.registry) as registry:
        assert sorted(record.address for record in registry.all(ProductRecord, "local")) == [
            "shop/orders",
            "shop/returns",
        ]
        acts = {(act.product, act.operation, act.actor) for act in acts_of(registry, "local")}
        assert acts == {("shop/orders", "up", ADA.subject), ("shop/returns", "up", BO.subject)}
        assert list(broken_links(registry)) == []
        for actor, product in products.items():
            [deployment] = registry.deployments(product.plan.product.address, "local")
            assert (deployment.operation, deployment.outcome, deployment.actor) == ("up", "succeeded", actor.subject)
    for actor, product in products.items():
        assert destroy(product, actor).succeeded


def test_of_two_runs_on_one_product_the_second_finds_the_stack_locked(tmp_path: Path) -> None:
    product = small_product(tmp_path, "orders")
    held, tried = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        assert tried.wait(LONGEST)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(up, product, ADA, listen=when_it_starts(hold))
        assert held.wait(LONGEST)
        try:
            with pytest.raises(StackLocked):
                up(product, BO)
        finally:
            tried.set()
        assert first.result(LONGEST).outcome == "succeeded"
    with Registry.open(product.platform.registry) as registry:
        assert [(act.operation, act.actor) for act in acts_of(registry, "local")] == [("up", ADA.subject)]
        [deployment] = registry.deployments("shop/orders", "local")
        assert (deployment.outcome, deployment.actor) == ("succeeded", ADA.subject)
    assert destroy(product, ADA).succeeded
