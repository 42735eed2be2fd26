"""A question can stay open for hours: the checks run again after the answer, and the run follows the second result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.access.requester import Requester
from alchemesh_platform.app.mesh import access
from alchemesh_platform.app.product.deploy import destroy, up
from alchemesh_platform.app.where import Composed, Where, read_product
from alchemesh_platform.base.files.home import HOME_VARIABLE
from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.deployment.report.outcome import Outcome
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.registry.records import DomainRecord, GrantRecord
from alchemesh_platform.registry.store import Registry

from .small import small_product

pytestmark = [pytest.mark.engine, pytest.mark.slow]

ADA, ZOE = Identity("ada@shop.example", "tests"), Identity("zoe@shop.example", "tests")


def changed(product: Composed) -> Composed:
    """The same product with another description."""
    file = product.manifest.root / "alchemesh.yaml"
    file.write_text(file.read_text("utf-8").replace("One order.", "One order of the shop."), "utf-8")
    return read_product(Where(product.manifest.root))


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Composed]:
    """A deployed product with a later change."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    first = small_product(tmp_path, "orders")
    assert up(first, ADA).succeeded
    yield changed(first)
    with Registry.open(first.platform.registry) as registry:
        for grant in registry.all(GrantRecord, "local"):
            registry.remove(GrantRecord, "local", grant.address)
    assert destroy(first, ADA).succeeded


def test_access_that_was_approved_meanwhile_is_granted(product: Composed) -> None:
    """The run once ignored the result of the checks after the question."""

    def approve_meanwhile(preview: Outcome) -> bool:
        assert preview.progress.has_changes
        requester = Requester("user", ZOE.subject)
        asked = access.request(product.platform, ZOE, "shop/orders/orders-table", requester, "a study")
        assert asked.state == "approved"
        return True

    assert up(product, ADA, confirm=approve_meanwhile).succeeded
    with Registry.open(product.platform.registry) as registry:
        [grant] = registry.all(GrantRecord, "local")
        assert grant.requester == ZOE.subject


def test_a_product_that_the_mesh_refuses_meanwhile_is_not_deployed(product: Composed) -> None:
    bank = DomainRecord(environment="local", address="bank", type="source_aligned", owner="bo@bank.example")
    with Registry.open(product.platform.registry) as registry:

        def record_another_mesh_meanwhile(_preview: Outcome) -> bool:
            registry.put(bank)
            return True

        with pytest.raises(ProblemsFound) as refused:
            up(product, ADA, confirm=record_another_mesh_meanwhile)
        registry.remove(DomainRecord, "local", "bank")
        assert "domain" in [problem.path for problem in refused.value.problems]
        assert [done.operation for done in registry.deployments("shop/orders", "local")] == ["up"]
