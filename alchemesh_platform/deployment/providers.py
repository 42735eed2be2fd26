"""The providers of a run: our provider, the emulated providers of an environment, and plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.engine.install.find import Engine
    from alchemesh_platform.engine.stack import Stack
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform


@contextmanager
def providing(
    engine: Engine,
    stack: Stack,
    platform: Platform,
    plugins: set[str],
    *,
    report: Callable[[str], None],
    own_process: bool = False,
    delete_data: bool = False,
    actor: Identity | None = None,
) -> Iterator[Mapping[str, int]]:
    """Serve the attached providers, and install the plugins that the engine starts itself.

    Args:
        stack: The locked stack.
        plugins: Plugins that the components of the run name. The plugins of the stack's state are added.
        report: Receives a line for each slow step.
        own_process: Whether our provider runs in its own process.
        delete_data: Whether data is deleted with its resource, even if the resource retains it.
        actor: The identity that runs the operation; None for previews, and for stacks whose records name no actor.

    Yields:
        The port of each provider on this machine.

    Raises:
        PluginMissing: when a plugin cannot be installed, with the fixes.
        StackFailed: when the engine cannot read the state.
    """
    from alchemesh_platform.deployment.emulation import emulated_providers
    from alchemesh_platform.engine.install.plugins import get_plugins, plugins_in_state
    from alchemesh_platform.engine.state.deployed import deployed_ids, deployed_state
    from alchemesh_platform.provider.serve.attach import serve_provider

    stack.prepare(engine)
    needed = plugins | plugins_in_state(stack)
    # Read this before a run starts: during a run, the state already contains resources that the run has created.
    deployed = deployed_ids(deployed_state(engine, stack))
    with (
        emulated_providers(platform, report) as emulated,
        serve_provider(
            platform.registry,
            own_process=own_process,
            delete_data=delete_data,
            deployed=deployed,
            actor=actor.subject if actor is not None else None,
            stack_folder=stack.work_folder,
        ) as provider,
    ):
        served = {provider.package: provider.port, **emulated}
        get_plugins(needed - served.keys(), engine, stack, report=report)
        yield served
