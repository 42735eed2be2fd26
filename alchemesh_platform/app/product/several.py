"""One act on several products: the failure of one does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from alchemesh_platform.base.failure import ExitCode, Failure

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform

ResultT = TypeVar("ResultT")


class SomeFailed(Failure):
    """Raised after all products were handled, when some failed."""


class NothingDeployed(Failure):
    """Raised when an environment has no product to act on: a job that checks nothing must not pass."""

    exit_code = ExitCode.UNRECORDED


@dataclass(frozen=True, slots=True)
class Several(Generic[ResultT]):
    """The results of an act on several products.

    Args:
        done: The results, in order.
        failures: Product: its failure.
    """

    done: tuple[ResultT, ...]
    failures: tuple[tuple[str, Failure], ...]

    def check(self) -> None:
        """Raise the failure of a single product, or one that names all products that failed."""
        if len(self.failures) == 1 and not self.done:
            raise self.failures[0][1]
        if self.failures:
            raise SomeFailed(
                "; ".join(f"{product}: {failure.message}" for product, failure in self.failures),
                hint=self.failures[0][1].hint,
            )


def on_each(products: Iterable[str], act: Callable[[str], ResultT]) -> Several[ResultT]:
    """Act on each product, and collect failures."""
    done: list[ResultT] = []
    failures: list[tuple[str, Failure]] = []
    for product in products:
        try:
            done.append(act(product))
        except Failure as failure:
            failures.append((product, failure))
    return Several(tuple(done), tuple(failures))


def deployed_products(platform: Platform) -> list[str]:
    """The addresses of all deployed products of an environment.

    Raises:
        NothingDeployed: when there are none.
    """
    from alchemesh_platform.registry.records import ProductRecord
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry, create=False) as registry:
        found = [product.address for product in registry.all(ProductRecord, platform.environment)]
    if not found:
        raise NothingDeployed(
            f"nothing is deployed in {platform.environment}", hint="check the registry of the platform file"
        )
    return found
