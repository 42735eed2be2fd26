"""Running the code of a deployed product once, with its connections."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import Deployment


def run(
    platform: Platform,
    product: str,
    actor: Identity,
    arguments: tuple[str, ...] = (),
    *,
    folder: Path = Path(),
    on_output: Callable[[str], None] = lambda _line: None,
) -> Deployment:
    """Run a product's code; the history keeps the run from its first moment.

    Args:
        platform: The environment.
        product: ``domain/product``.
        actor: The identity that runs it.
        arguments: Passed to the code.
        folder: The product's folder, where a job of an emulated cloud runs.
        on_output: Gets each line that the code prints, with secrets masked.

    Returns:
        The run: outcome, exit status, and the end of its output.

    Raises:
        NotDeployed: when the product is not deployed.
        NoCode: when it has no code that can run here.
    """
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.deployment.emulation import emulator_variables, job_runner, resume
    from alchemesh_platform.deployment.run_code import run_code
    from alchemesh_platform.registry.store import Registry

    resume(platform)
    with Registry.open(platform.registry) as registry:
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
        )
