"""The deployed jobs that the clock of this machine starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.base.secrets import SecretRef, references_in
from alchemesh_platform.sdk.code.timetable import Timetable

if TYPE_CHECKING:
    from alchemesh_platform.app.clock.due import CatchUp
    from alchemesh_platform.registry.records import ProductRecord
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.sdk.code.description import JobDescription


@dataclass(frozen=True, slots=True)
class ClockJob:
    """A job with a schedule or a trigger, deployed on this machine.

    Args:
        product: ``domain/product``.
        descriptor: File with the description of the job.
        timetable: Its schedule; None for a job that only changes of its inputs start.
        catch_up: Which missed times of the schedule are run later.
        on: Input ports whose change starts a run.
        secrets: Names of the secrets in its variables.
    """

    product: str
    descriptor: Path
    timetable: Timetable | None
    catch_up: CatchUp = "latest"
    on: tuple[str, ...] = ()
    secrets: frozenset[str] = field(default_factory=frozenset)


def jobs_of(registry: Registry, environment: str, product: str | None = None) -> tuple[ClockJob, ...]:
    """The jobs of an environment that the clock of this machine starts.

    A job of another engine has its own clock. A job whose description is not on this machine was deployed from another
    machine, whose clock starts it.

    Args:
        product: The product whose job is wanted; by default those of all products.

    Raises:
        RegistryUnavailable: when the registry cannot be read.
    """
    from alchemesh_platform.registry.records import ProductRecord

    return tuple(job for record in registry.all(ProductRecord, environment, product) for job in _jobs(record))


def secrets_of(registry: Registry, environment: str, job: ClockJob) -> frozenset[str]:
    """The names of all secrets that a run of the job needs: of its variables, and of its connections.

    Raises:
        NotDeployed, RecordDamaged: when the connections cannot be read.
    """
    from alchemesh_platform.deployment.code.connections import read_connections

    connections = read_connections(registry, environment, job.product)
    return job.secrets | frozenset(references_in(connections.model_dump(mode="json")))


def _jobs(record: ProductRecord) -> Iterator[ClockJob]:
    from alchemesh_platform.sdk.code.description import JobFailed, read_job

    connection = (record.code or {}).get("connection") or {}
    descriptor = connection.get("descriptor")
    if connection.get("engine") is not None or not descriptor or not Path(descriptor).is_absolute():
        return
    try:
        described = read_job(Path(descriptor))
    except JobFailed:
        return
    wanted = described.schedule is not None or described.on
    here = described.home is not None  # a description of an earlier version names no place: `up` writes it again
    if wanted and here and (described.product, described.environment) == (record.address, record.environment):
        yield _clock_job(record.address, Path(descriptor), described)


def _clock_job(product: str, descriptor: Path, described: JobDescription) -> ClockJob:
    schedule = described.schedule
    return ClockJob(
        product=product,
        descriptor=descriptor,
        timetable=None if schedule is None else Timetable(schedule, described.time_zone),
        catch_up=described.catch_up,
        on=described.on,
        secrets=frozenset(value.secret for value in described.env.values() if isinstance(value, SecretRef)),
    )
