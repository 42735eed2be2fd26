"""Report the state of a product, or the quality and freshness of its models, from a shell or a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.measures.report import Report
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry


@dataclass(frozen=True, slots=True)
class ReportResult:
    """The result of reporting.

    Args:
        accepted: Ids of the reports that are new.
        repeated: Ids of the reports that were accepted before.
        refused: Id and reason of each refused report.
        waiting: The number of reports that wait on this machine.
        reason: Why they wait.
    """

    environment: str
    product: str
    accepted: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    waiting: int = 0
    reason: str = ""

    def check(self) -> None:
        """Raise ReportRefused if a report was refused; the others are accepted."""
        from alchemesh_platform.measures.report import ReportRefused

        if self.refused:
            raise ReportRefused("; ".join(reason for _, reason in self.refused))

    def as_json(self) -> dict[str, Any]:
        """The result as one JSON object."""
        return {
            "environment": self.environment,
            "product": self.product,
            "accepted": list(self.accepted),
            "repeated": list(self.repeated),
            "refused": [{"id": name, "reason": reason} for name, reason in self.refused],
            "waiting": self.waiting,
            "reason": self.reason,
        }


def report(platform: Platform, product: str, actor: Identity, reports: Sequence[Report]) -> ReportResult:
    """Add reports to the registry. If the registry is away, keep them on this machine until the next report or run.

    Args:
        platform: The environment.
        product: ``domain/product``.
        actor: The identity that reports.
        reports: Reports about this product.

    Raises:
        NotAllowed: when the actor may not report about the product.
        NotDeployed: when nothing is deployed in the environment.
        ReportNotKept: when the registry is away and the reports cannot be kept.
    """
    from alchemesh_platform.app.mesh.incidents import send_news
    from alchemesh_platform.app.rights import check_right_to_report
    from alchemesh_platform.deployment.code.connections import product_record
    from alchemesh_platform.deployment.code.reports import drain, sender_of, spool_of
    from alchemesh_platform.incidents.evaluate import add_measurements
    from alchemesh_platform.registry.store import Registry, utc_now
    from alchemesh_platform.registry.unavailable import RegistryUnavailable

    environment = platform.environment
    spool = spool_of(platform.home, environment, product)
    try:
        with Registry.open(platform.registry) as registry:
            product_record(registry, environment, product)
            check_right_to_report(registry, environment, actor, product)
            drain(registry, environment, product, spool, registry.now())
            added = add_measurements(registry, environment, reports, actor.subject, registry.now())
    except RegistryUnavailable as away:
        spool.keep(reports, utc_now(), sender_of(actor))
        return ReportResult(environment, product, waiting=spool.waiting(), reason=away.message)
    send_news(platform)
    return ReportResult(
        environment,
        product,
        tuple(each.key for each in added.accepted),
        tuple(each.key for each in added.repeated),
        tuple((each.report.key, each.reason) for each in added.refused),
    )


@dataclass(frozen=True, slots=True)
class ReceivedReports:
    """The result of a request with reports.

    Args:
        accepted: Ids of the reports that are new.
        repeated: Ids of the reports that were accepted before.
        refused: Place in the request, id (None if the report cannot be read) and reason of each refused report.
    """

    accepted: tuple[str, ...]
    repeated: tuple[str, ...]
    refused: tuple[tuple[int, str | None, str], ...]


def add_received(registry: Registry, environment: str, actor: Identity, documents: Sequence[Any]) -> ReceivedReports:
    """Add the reports of a request. Each one is judged alone.

    Args:
        actor: The verified identity of the caller.
        documents: The reports as JSON objects.
    """
    from alchemesh_platform.incidents.evaluate import add_measurements
    from alchemesh_platform.measures.report import ReportRefused, read_report

    read: dict[int, Report] = {}
    refused: list[tuple[int, str | None, str]] = []
    may: dict[str, str | None] = {}
    for place, document in enumerate(documents):
        try:
            report = read_report(document)
        except ReportRefused as error:
            refused.append((place, None, str(error.message)))
            continue
        if report.product not in may:
            may[report.product] = _refusal(registry, environment, actor, report.product)
        reason = may[report.product]
        if reason is not None:
            refused.append((place, report.key, reason))
        else:
            read[place] = report
    added = add_measurements(registry, environment, list(read.values()), actor.subject, registry.now())
    places = {id(report): place for place, report in read.items()}
    refused += [(places[id(each.report)], each.report.key, each.reason) for each in added.refused]
    return ReceivedReports(
        tuple(report.key for report in added.accepted),
        tuple(report.key for report in added.repeated),
        tuple(sorted(refused)),
    )


def _refusal(registry: Registry, environment: str, actor: Identity, product: str) -> str | None:
    """The reason why an identity may not report about a product; None if it may."""
    from alchemesh_platform.access.rights import NotAllowed
    from alchemesh_platform.app.rights import check_right_to_report

    try:
        check_right_to_report(registry, environment, actor, product)
    except NotAllowed as error:
        return error.message
    return None
