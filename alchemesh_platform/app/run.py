"""Land new data of a deployed product and run its code once, with its connections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import Deployment
    from alchemesh_platform.registry.store import Registry


@dataclass(frozen=True, slots=True)
class NotDue:
    """No run is due: the contracts of the product's ports need the next one later."""

    product: str
    environment: str
    due_from: datetime

    def as_json(self) -> dict[str, str]:
        """The moment as one JSON object."""
        return {"product": self.product, "environment": self.environment, "due_from": self.due_from.isoformat()}


def run(
    platform: Platform,
    product: str,
    actor: Identity,
    arguments: tuple[str, ...] = (),
    *,
    folder: Path = Path(),
    take_over: str | None = None,
    land: bool = True,
    if_due: bool = False,
    on_output: Callable[[str], None] = lambda _line: None,
    report: Callable[[str], None] = lambda _line: None,
) -> Deployment | NotDue:
    """Land new data of a product's input ports, then run its code. The history contains the run from its start.

    Before that it removes files that are older than the retention of a storage. If no run is due it does that alone,
    where the state is a folder of this machine.

    Args:
        platform: The environment.
        product: ``domain/product``.
        actor: The identity that runs the code.
        arguments: Arguments for the code.
        folder: The product's folder, in which a job of an emulated cloud runs.
        take_over: The reason to run a product of another team of the domain. The audit records it.
        land: Whether to land new data first.
        if_due: Whether to run only if the contracts of the product's ports need an update now.
        on_output: Receives each line that the code prints, with secrets masked.
        report: Receives a line for each input port with new data, and if another run of the product has to end first.

    Returns:
        The finished run: outcome, exit status and the end of its output. Or the moment from which the next run is due.

    Raises:
        NotAllowed: when the actor may not run the product; before anything starts.
        NotDeployed: when the product is not deployed.
        NoCode: when the product has no code that can run on this machine.
        Failure: when new data cannot be landed. It names the file, the line and the reason.
    """
    from alchemesh_platform.access.operating import Target
    from alchemesh_platform.app.rights import check_recorded_right, record_take_over
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.deployment.connections import product_record
    from alchemesh_platform.deployment.emulation import emulator_variables, job_runner, resume
    from alchemesh_platform.deployment.new_data import due_from, land_new_data, remove_expired
    from alchemesh_platform.deployment.run_code import one_at_a_time, run_code
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry) as registry:
        product_record(registry, platform.environment, product)
        target = Target.product(product)
        right = check_recorded_right(registry, platform.environment, actor, "run", target, take_over=take_over)
        record_take_over(registry, platform.environment, actor, right, target, take_over)
    resume(platform)
    with (
        one_at_a_time(Path(platform.home), platform.environment, product, report),
        Registry.open(platform.registry) as registry,
    ):
        due = due_from(registry, platform.environment, product) if if_due else None
        if due is not None and due > datetime.now(UTC):
            remove_expired(platform, product, registry, report)
            report(f"no run of {product} is due until {due:%Y-%m-%d %H:%M} UTC")
            return NotDue(product, platform.environment, due)
        return run_code(
            registry,
            discover(),
            platform.environment,
            product,
            arguments,
            actor,
            on_output,
            local_run=job_runner(platform, folder),
            variables=emulator_variables(platform),
            land=partial(land_new_data if land else _without_landing, platform, product, registry, report),
        )


def _without_landing(platform: Platform, product: str, registry: Registry, report: Callable[[str], None]) -> int:
    from alchemesh_platform.deployment.new_data import remove_expired

    remove_expired(platform, product, registry, report)
    return 0
