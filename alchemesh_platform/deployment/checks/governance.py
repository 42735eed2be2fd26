"""The mesh's checks of a product before its deployment: names and policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import Problem, ProblemsFound, errors_of
from alchemesh_platform.base.remedy import command, joined, remedy
from alchemesh_platform.policies.expression import CelMissing, cel_is_installed

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.policies.models import Policy
    from alchemesh_platform.policies.results import PolicyResult
    from alchemesh_platform.registry.store import Registry


class Forbidden(Failure):
    """Raised when a policy forbids a deployment; each reason is reported at its line."""

    exit_code = ExitCode.FORBIDDEN

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        texts = joined("\n\n", (problem.as_text() for problem in problems))
        super().__init__(
            remedy("a policy forbids it\n\n{}", texts),
            hint=remedy("{} shows what a policy asks for", command("policy", "show", "NAME")),
        )


class Governed(NamedTuple):
    """The warnings of a product that the mesh and its policies allow, and the results of all policies."""

    warnings: list[Problem]
    results: tuple[PolicyResult, ...]


def govern(registry: Registry, manifest: LoadedManifest, plan: Plan) -> Governed:
    """Check a product against the mesh that its environment records, and against the policies.

    If no mesh repo was applied, only the platform's own policies apply.

    Returns:
        Warnings, each with its line, and the results of the policies.

    Raises:
        ProblemsFound: when the mesh lacks the product's domain, team, owner or source systems.
        Forbidden: when a policy forbids the deployment.
    """
    problems, results = checked_against_mesh(registry, manifest, plan.environment, plan)
    if errors_of(problems):
        raise ProblemsFound(problems)
    found = [problem for result in results for problem in result.problems()]
    if not cel_is_installed():
        found.append(unevaluated(plan))
    if any(result.forbids for result in results):
        raise Forbidden(errors_of(found))
    return Governed([*problems, *found], tuple(results))


def unevaluated(plan: Plan) -> Problem:
    """The warning that policies were not evaluated because the CEL library is not installed."""
    missing = CelMissing()
    return Problem(plan.location, "", missing.message, missing.hint, "warning")


def checked_against_mesh(
    registry: Registry, manifest: LoadedManifest, environment: str, plan: Plan | None = None
) -> tuple[list[Problem], list[PolicyResult]]:
    """The references of a product that the mesh lacks, and the results of its policies.

    The number of look-ups does not depend on the size of the mesh.
    """
    from alchemesh_platform.mesh_repo.mesh import mesh_around
    from alchemesh_platform.mesh_repo.product_check import check_product
    from alchemesh_platform.policies.evaluate import policies_for

    product = manifest.product
    mesh = mesh_around(registry, environment, product)
    domain = mesh.domains.get(product.domain) if mesh is not None else None
    results = policies_for(
        manifest,
        mesh_policies(registry, environment),
        plan=plan,
        environment=environment,
        domain_type=domain.type if domain is not None else None,
    )
    return check_product(product, manifest.locate, mesh), results


def mesh_policies(registry: Registry, environment: str) -> tuple[Policy, ...]:
    """The policies of a mesh: the platform's own, and the mesh's, which replace policies of the same name."""
    from alchemesh_platform.policies.load import with_shipped
    from alchemesh_platform.policies.models import Policy
    from alchemesh_platform.registry.records import PolicyRecord

    own = [Policy.model_validate(record.document) for record in registry.all(PolicyRecord, environment)]
    return with_shipped(own)


def record_value(registry: Registry, manifest: LoadedManifest, plan: Plan) -> None:
    """Record the value score of a deployed product, with its explanation."""
    from alchemesh_platform.policies.load import digest_of
    from alchemesh_platform.policies.results import value_score
    from alchemesh_platform.registry.records import ScoreDeduction, ValueScoreRecord

    _, results = checked_against_mesh(registry, manifest, plan.environment, plan)
    score = value_score(results)
    registry.put(
        ValueScoreRecord(
            environment=plan.environment,
            address=plan.product.address,
            product=plan.product.address,
            value=score.value,
            deductions=tuple(
                ScoreDeduction(policy=each.policy, points=each.points, message=each.message)
                for each in score.deductions
            ),
            open=score.open,
            policies=digest_of(mesh_policies(registry, plan.environment)),
        )
    )


def forget_value(registry: Registry, plan: Plan) -> None:
    """Delete the value score of a destroyed product."""
    from alchemesh_platform.registry.records import ValueScoreRecord

    registry.remove(ValueScoreRecord, plan.environment, plan.product.address)
