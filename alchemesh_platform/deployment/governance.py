"""What the mesh asks of a product before it is deployed: known names, and the policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_platform.failure import ExitCode, Failure
from alchemesh_platform.problems import Problem, ProblemsFound, errors_of

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.registry.store import Registry


class Forbidden(Failure):
    """Raised when a policy forbids a deployment; each reason is told at its line."""

    exit_code = ExitCode.FORBIDDEN

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        told = "\n\n".join(str(problem) for problem in problems)
        super().__init__(
            f"a policy forbids it\n\n{told}", hint="`alchemesh policy show NAME` says what a policy asks for"
        )


def govern(registry: Registry, manifest: LoadedManifest, plan: Plan) -> list[Problem]:
    """Hold a product against the mesh that is recorded in its environment; without a mesh, nothing is asked of it.

    Returns:
        Warnings, at their lines.

    Raises:
        ProblemsFound: when domain, team, owner or source systems are not those of the mesh.
        Forbidden: when a policy forbids the deployment.
    """
    from alchemesh_platform.mesh_repo.mesh import mesh_around
    from alchemesh_platform.mesh_repo.product_check import check_product

    product = manifest.product
    mesh = mesh_around(registry, plan.environment, product)
    problems = check_product(product, manifest.locate, mesh)
    if errors_of(problems):
        raise ProblemsFound(problems)
    if mesh is None or product.domain not in mesh.domains:
        return problems

    from alchemesh_platform.policies.evaluate import policies_for
    from alchemesh_platform.policies.load import shipped_policies

    results = policies_for(manifest, shipped_policies(), plan=plan, domain_type=mesh.domains[product.domain].type)
    found = [problem for result in results for problem in result.problems()]
    if any(result.forbids for result in results):
        raise Forbidden(errors_of(found))
    return [*problems, *found]
