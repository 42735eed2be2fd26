"""The acting user, and the issuer that authenticated the user."""

from __future__ import annotations

from dataclasses import dataclass

LOCAL_ISSUER = "local"


@dataclass(frozen=True, slots=True)
class Mapped:
    """Targets and operations that the platform file maps a pipeline to.

    Args:
        products: Products, each as ``domain/product``, or ``domain/*`` for all products of a domain.
        domains: Domains whose stack the pipeline may deploy.
        platform: Whether it may deploy the platform's stack.
        mesh: Whether it may apply the mesh repo.
        operations: Names of the operations; empty for all.
    """

    products: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    platform: bool = False
    mesh: bool = False
    operations: tuple[str, ...] = ()

    def covers(self, operation: str, kind: str, address: str) -> bool:
        """Whether an operation on a target is mapped."""
        if self.operations and operation not in self.operations:
            return False
        every = f"{address.partition('/')[0]}/*"
        return {
            "product": address in self.products or every in self.products,
            "domain": address in self.domains,
            "platform": self.platform,
            "mesh": self.mesh,
        }.get(kind, False)


@dataclass(frozen=True, slots=True)
class Identity:
    """An acting user.

    Args:
        subject: The user's email, as in the mesh; ``user@host`` if no user is configured; the ``sub`` of a pipeline.
        issuer: The issuer of the identity: ``local``, or the address of an OIDC issuer.
        pipeline: Name of the pipeline in the platform file; empty for a person.
        mapped: The targets and operations that the platform file maps the pipeline to.
    """

    subject: str
    issuer: str
    pipeline: str = ""
    mapped: tuple[Mapped, ...] = ()

    @property
    def is_proven(self) -> bool:
        """Whether an issuer other than this machine authenticated the user."""
        return self.issuer != LOCAL_ISSUER

    def may(self, operation: str, kind: str, address: str) -> bool:
        """Whether the platform file maps this pipeline to an operation on a target.

        Args:
            operation: Name of the operation.
            kind: Kind of the target: product, domain, platform or mesh.
            address: Address of the target.
        """
        return any(each.covers(operation, kind, address) for each in self.mapped)
