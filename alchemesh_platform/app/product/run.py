"""Land new data of a deployed product and run its code once, here or by its engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.app.runs.engines import Requested
from alchemesh_platform.app.runs.once import NotDue, run_once

if TYPE_CHECKING:
    from alchemesh_platform.app.runs.engines import EngineOf
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import Deployment

__all__ = ["NotDue", "Requested", "begin", "run"]


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
    wait: bool = True,
    on_output: Callable[[str], None] = lambda _line: None,
    report: Callable[[str], None] = lambda _line: None,
) -> Deployment | NotDue | Requested:
    """Land new data of a product's input ports, then run its code. The history contains the run from its start.

    An engine runs the code if the product's component has one: this asks the engine to start the run, and follows it.

    The registry receives the reports of earlier runs before it, and the reports of this run after it.

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
        wait: Whether to wait for the end of a run by an engine.
        on_output: Receives each line that the code prints, with secrets masked.
        report: Receives a line for each input port with new data, and if another run of the product has to end first.

    Returns:
        The finished run: outcome, exit status and the end of its output. Or the moment from which the next run is due.
        Or the requested run, without `wait`.

    Raises:
        NotAllowed: when the actor may not run the product; before anything starts.
        NotDeployed: when the product is not deployed.
        NoCode: when the product has no code that can run on this machine.
        Failure: when new data cannot be landed, or the engine refuses the run. It names the reason.
    """
    from alchemesh_platform.app.runs.engines import NotByEngine, run_by_engine

    engine = begin(platform, product, actor, take_over=take_over, land=land, if_due=if_due)
    if engine is not None:
        return run_by_engine(platform, engine, actor, arguments, wait=wait, on_output=on_output, report=report)
    if not wait:
        raise NotByEngine(
            f"--no-wait needs an engine, and this machine runs the code of {product}", hint="leave --no-wait out"
        )
    return run_once(
        platform,
        product,
        actor,
        arguments,
        folder=folder,
        land=land,
        if_due=if_due,
        on_output=on_output,
        report=report,
    )


def begin(
    platform: Platform,
    product: str,
    actor: Identity,
    *,
    take_over: str | None = None,
    land: bool = True,
    if_due: bool = False,
) -> EngineOf | None:
    """Check the right to run a product, and the options of the run.

    Returns:
        The engine of the product's code; None if this machine runs it.

    Raises:
        NotAllowed: when the actor may not run the product.
        NotDeployed: when the product is not deployed.
        NotByEngine: when an option has no effect on the engine.
    """
    from alchemesh_platform.access.operating import Target
    from alchemesh_platform.app.rights import check_recorded_right, record_take_over
    from alchemesh_platform.app.runs.engines import engine_of
    from alchemesh_platform.deployment.code.connections import product_record
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry) as registry:
        record = product_record(registry, platform.environment, product)
        target = Target.product(product)
        right = check_recorded_right(registry, platform.environment, actor, "run", target, take_over=take_over)
        engine = engine_of(record)
        if engine is not None:
            engine.check_options(land=land, if_due=if_due)
        record_take_over(registry, platform.environment, actor, right, target, take_over)
    return engine
