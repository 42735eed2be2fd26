"""The effect of a run on the contracts of a product's ports, and the notice given to consumers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.access.requester import Requester
from alchemesh_platform.access.requests.states import GRANTING_STATES
from alchemesh_platform.base.problems import Problem, Severity
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.contracts.compatibility.rules import problems_of
from alchemesh_platform.contracts.compatibility.step import PortStep, step_of
from alchemesh_platform.contracts.notices.period import NoticeOf, held
from alchemesh_platform.contracts.notices.recorded import notices_of
from alchemesh_platform.contracts.port import PromisedPort, place_in_manifest, promised_ports
from alchemesh_platform.contracts.recorded import kept_promise, recorded_ports
from alchemesh_platform.contracts.versions import kept_versions
from alchemesh_platform.deployment.grants.remaining import destroyed_products
from alchemesh_platform.documents.document import Path, written
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.manifest.models import ContractLifecycle, Lifecycle
from alchemesh_platform.registry.audit import OVERRIDE, Act, record_act
from alchemesh_platform.registry.records import AccessRequestRecord, GrantRecord, ProductRecord

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.deployment.report.outcome import OperationName
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.registry.store import Registry

DECOMMISSIONING = "the decommissioning of the product"


@dataclass(frozen=True, slots=True)
class Override:
    """A user's override of a notice period.

    Args:
        reason: The reason for the override.
        identity: The user that overrides.
    """

    reason: str
    identity: Identity


def steps_of(
    registry: Registry,
    environment: str,
    manifest: LoadedManifest,
    operation: OperationName,
    now: datetime,
    *,
    targets: Collection[str] = (),
) -> list[PortStep]:
    """The contract step of each port that has or had a contract; declared ports first, then removed ones.

    Args:
        registry: The registry.
        environment: Name of the environment.
        manifest: The manifest.
        operation: The operation; ``destroy`` removes every port.
        now: The time, with its time zone.
        targets: Names of ports that the run is limited to; none for all.
    """
    product = manifest.product
    recorded = recorded_ports(registry, environment, product.address)
    declared = {} if operation == "destroy" else promised_ports(product)
    kept = _highest_promised(registry, environment, product.address) if declared.keys() - recorded.keys() else {}
    steps = []
    for name in dict.fromkeys((*declared, *recorded)):
        address = f"{product.address}/{name}"
        step = step_of(address, recorded.get(name), declared.get(name), kept=kept.get(address))
        if step.promises and (not targets or name in targets):
            steps.append(step)
    ends = _ends(registry, environment, manifest, operation)
    return _held(registry, environment, product.address, steps, now, ends=ends)


def rule_problems(steps: Sequence[PortStep], manifest: LoadedManifest) -> dict[str, list[Problem]]:
    """The contract rules that the steps break, each with its line, by the name of the port."""
    return {step.port: problems_of(step.findings, manifest.tree, step.port) for step in steps if step.findings}


def held_problems(steps: Sequence[PortStep], manifest: LoadedManifest, severity: Severity) -> dict[str, list[Problem]]:
    """The steps that must wait for consumers, each with its line, by the name of the port."""
    problems = {}
    for step in steps:
        if step.held is not None:
            place = _place(step, manifest)
            problems[step.port] = [
                Problem(manifest.locate(place), written(place), step.held.message, step.held.hint, severity=severity)
            ]
    return problems


def notice_problems(registry: Registry, plan: Plan, now: datetime) -> list[Problem]:
    """The notices on the ports that a product reads, each as a warning at the line of the input port."""
    inputs = [planned for planned in plan.inputs if planned.from_product]
    notices = notices_of(registry, plan.environment, {planned.origin for planned in inputs})
    return [
        Problem(
            planned.component.location,
            planned.component.path,
            f"{planned.origin}: {given.in_words(now)}",
            remedy(
                "{} shows its contract and its notices",
                command("contract", "show", planned.origin, environment=plan.environment),
            ),
            severity="warning",
        )
        for planned in inputs
        for given in notices.get(planned.origin, ())
    ]


def record_override(
    registry: Registry, plan: Plan, steps: Iterable[PortStep], override: Override, now: datetime
) -> None:
    """Record an override of notice periods and its reason, as one act for each port."""
    for step in steps:
        if step.held is None:
            continue
        record_act(
            registry,
            Act(
                environment=plan.environment,
                product=plan.product.address,
                operation=OVERRIDE,
                address=step.address,
                actor=override.identity.subject,
                issuer=override.identity.issuer,
                reason=override.reason,
                detail=step.held.as_json(),
                at=now,
            ),
        )


def consumers_of(registry: Registry, environment: str, product: str, now: datetime) -> Mapping[str, Collection[str]]:
    """The consumers with a grant of each port, by the port's address, such as ``technical_team:marketing/web``.

    An expired or revoked grant that is not yet removed protects no consumer, and neither does the grant of a product
    that was destroyed.
    """
    ended = {
        request.address
        for request in registry.all(AccessRequestRecord, environment, product)
        if request.state not in GRANTING_STATES
    }
    found: dict[str, dict[str, None]] = {}
    grants = registry.all(GrantRecord, environment, product)
    consuming = {grant.requester for grant in grants if grant.requester_kind == "data_product"}
    destroyed = destroyed_products(registry, environment, consuming)
    for grant in grants:
        if grant.address in ended or (grant.ends_at is not None and grant.ends_at <= now):
            continue
        if grant.requester_kind != "data_product" or grant.requester not in destroyed:
            found.setdefault(grant.port, {})[str(Requester(grant.requester_kind, grant.requester))] = None
    return found


def _held(
    registry: Registry, environment: str, product: str, steps: Sequence[PortStep], now: datetime, *, ends: bool
) -> list[PortStep]:
    """The steps, with the changes that must wait."""
    consumers = consumers_of(registry, environment, product, now)
    needing = [
        replace(step, notice=_notice(step, ends=ends), consumers=tuple(sorted(consumers.get(step.address, ()))))
        for step in steps
    ]
    if not any(step.notice is not None and step.period for step in needing):
        return needing
    notices = notices_of(registry, environment, [step.address for step in needing])
    return [
        replace(
            step,
            held=held(
                step.notice,
                [reported.notice for reported in notices.get(step.address, ())],
                step.period,
                step.consumers,
                now,
                port=step.address,
                version=step.before.contract.version,
                words=DECOMMISSIONING if ends else None,
            ),
        )
        if step.before is not None and step.before.contract is not None
        else step
        for step in needing
    ]


def _notice(step: PortStep, *, ends: bool) -> NoticeOf | None:
    """The required notice. For a decommissioned product, it is the notice to remove the port."""
    contract = step.before.contract if step.before is not None else None
    promised = contract is not None and contract.lifecycle in {ContractLifecycle.ACTIVE, ContractLifecycle.DEPRECATED}
    return "removal" if ends and promised else step.notice


def _ends(registry: Registry, environment: str, manifest: LoadedManifest, operation: OperationName) -> bool:
    """Whether the run decommissions the product."""
    product = manifest.product
    if operation == "destroy" or product.lifecycle is not Lifecycle.DECOMMISSIONED:
        return False
    record = registry.get(ProductRecord, environment, product.address)
    return record is not None and record.lifecycle != Lifecycle.DECOMMISSIONED


def _highest_promised(registry: Registry, environment: str, product: str) -> dict[str, PromisedPort]:
    """The highest version of each port's contract that was ever more than a draft, by the port's address."""
    return {
        port: kept_promise(promised[0])
        for port, versions in kept_versions(registry, environment, product).items()
        if (promised := [version for version in versions if version.lifecycle != ContractLifecycle.DRAFT])
    }


def _place(step: PortStep, manifest: LoadedManifest) -> Path:
    """The place in the manifest of the change that must wait."""
    if step.notice == "removal" and step.after is not None and step.after.contract is not None:
        return ("lifecycle",)  # the port remains, and the product is decommissioned
    return place_in_manifest(next(_paths(step), ()), manifest.tree, step.port)


def _paths(step: PortStep) -> Iterator[Path]:
    if step.notice == "retirement":
        yield ("contract", "lifecycle")
    for change in step.diff.of("breaking"):
        yield change.path
