"""The page of a product: state, promise and truth, and plots of the history, as one file of HTML."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import ExitCode, Failure

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.observations.history import History, Name
    from alchemesh_platform.registry.store import Registry

RANGES = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=7), timedelta(days=30))
SLOTS = (96, 30, 10)  # of a plot; fewer ones where a measure is taken rarely
HALF = 2


class PageNotWritten(Failure):
    """Raised when the file of a page cannot be written."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Page:
    """A page and its facts.

    Args:
        html: The whole page.
        since: Start of the history.
        series: The number of plots.
        verdicts: The number of commitments with each verdict.
    """

    environment: str
    product: str
    html: str
    made_at: datetime
    since: datetime
    series: int
    verdicts: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """The facts as one JSON object, without the page."""
        return {
            "environment": self.environment,
            "product": self.product,
            "made_at": self.made_at.isoformat(),
            "since": self.since.isoformat(),
            "series": self.series,
            "verdicts": self.verdicts,
        }


def page_of(platform: Platform, product: str, since: timedelta | None = None) -> Page:
    """The page of a deployed product. Its health is measured now.

    Args:
        platform: The environment.
        product: ``domain/product``.
        since: Length of the history; by default 30 days, or less for a product that was measured for a shorter time.

    Raises:
        NotDeployed: when the product is not deployed.
        TemplatesMissing: when the template engine is not installed.
        RegistryUnavailable: when the registry cannot be used.
    """
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.deployment.code.connections import product_record
    from alchemesh_platform.deployment.emulation import emulator_variables, resume
    from alchemesh_platform.incidents.store import recent
    from alchemesh_platform.measures.measure import measure_of
    from alchemesh_platform.observed.page.page import product_page
    from alchemesh_platform.observed.product import product_status
    from alchemesh_platform.registry.observations.series import latest
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.unavailable import reading_records_of

    environment = platform.environment
    resume(platform)
    with Registry.open(platform.registry, create=False) as registry, reading_records_of(product, environment):
        product_record(registry, environment, product)
        now = datetime.now(UTC)
        status = product_status(registry, environment, product, discover(), variables=emulator_variables(platform))
        newest = latest(registry, environment, [product])
        names = [
            (each.subject, each.measure)
            for each in newest
            if (measure := measure_of(each.measure)) is not None and measure.unit != "event"
        ]
        since = since or _range(registry, environment, names, now)
        incidents = recent(registry, environment, product, now - since)
        found = _histories(registry, environment, names, now - since, now)
    verdicts = [each.verdict for port in status.outputs for each in port.commitments]
    return Page(
        environment,
        product,
        product_page(status, found, now, since, incidents),
        now,
        now - since,
        len(found),
        {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
    )


def write_page(page: Page, file: Path) -> None:
    """Write a page as a whole: nobody sees a part of it.

    Raises:
        PageNotWritten: when the file cannot be written; gives the reason.
    """
    from alchemesh_platform.base.files.writing import write_text

    try:
        write_text(file, page.html, mode=0o644)
    except OSError as error:
        raise PageNotWritten(
            f"cannot write {file}: {error.strerror or error}", hint="give another file: `--html FILE`"
        ) from error


def _range(registry: Registry, environment: str, names: list[Name], now: datetime) -> timedelta:
    """The shortest range that has all measurements of the longest one."""
    from alchemesh_platform.registry.observations.history import histories

    *shorter, longest = RANGES
    found = histories(registry, environment, names, now - longest, now, SLOTS[0]).values()
    first = min((slot.start for each in found for slot in each.slots if slot.count), default=now - longest)
    for each in shorter:
        if first + longest / SLOTS[0] >= now - each:  # as exact as a slot; the shorter range decides the rest
            inside = histories(registry, environment, names, now - each, now, 1).values()
            if sum(history.slots[0].count for history in inside) == sum(
                slot.count for history in found for slot in history.slots
            ):
                return each
    return longest


def _histories(
    registry: Registry, environment: str, names: list[Name], since: datetime, until: datetime
) -> dict[Name, History]:
    """The histories, in slots that are wide enough for measures that are taken rarely."""
    from alchemesh_platform.measures.measure import STATE
    from alchemesh_platform.registry.observations.history import histories

    found: dict[Name, History] = {}
    wanted = names
    for slots in SLOTS:
        read = histories(registry, environment, wanted, since, until, slots)
        found |= read
        wanted = [name for name in wanted if name[1] != STATE and _is_sparse(read[name])]  # a state holds
    return {name: found[name] for name in names}


def _is_sparse(history: History) -> bool:
    """Whether most slots between the first and the last measurement have none."""
    counted = [number for number, slot in enumerate(history.slots) if slot.count]
    return len(counted) > 1 and len(counted) * HALF <= counted[-1] - counted[0] + 1
