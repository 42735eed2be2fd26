"""`alchemesh observe --watch`: one watch, until a signal ends it, with the changes of ports as lines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import click

from alchemesh_platform.app.probing.changes import Changes

if TYPE_CHECKING:
    from alchemesh_platform.app.probing.watch import Watched
    from alchemesh_platform.app.product.measure import Measurement
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.quality.tables import Limits


def watch_environment(
    platform: Platform,
    actor: Identity | None,
    products: tuple[str, ...],
    every: timedelta | None,
    measure_every: timedelta | None,
    limits: Limits,
    *,
    as_json: bool,
    after: Callable[[], None] | None = None,
) -> None:
    """Watch until Ctrl-C or SIGTERM.

    Args:
        platform: The environment.
        actor: The acting identity.
        products: Addresses of the products; empty for all.
        every: Interval of probes; by default that of the platform file.
        measure_every: Interval of measuring the assets; by default that of the platform file.
        limits: The most that measuring an asset may cost.
        as_json: Whether each slice is one JSON document in a line.
        after: A step after each slice. A failure of it is a line, and does not end the watch.
    """
    from alchemesh_cli.terminal.interrupts import stoppable
    from alchemesh_platform.app.probing.supervised import leave
    from alchemesh_platform.app.probing.watch import Watch, watch
    from alchemesh_platform.observed.probing import Prober

    settings = platform.observations
    shown = _Json() if as_json else _Lines()
    wanted = Watch(
        platform=platform,
        actor=actor,
        products=products,
        every=every or settings.every,
        measure_every=measure_every or settings.measure_every,
        prober=Prober(settings.deadline),
        limits=limits,
        listen=partial(_then, shown.slice, after),
        measured=shown.measured,
        note=lambda line: click.echo(line, err=True),
    )
    with stoppable() as stop:
        watch(wanted, stop)
    leave()


def _then(shown: Callable[[Watched], None], after: Callable[[], None] | None, done: Watched) -> None:
    from alchemesh_platform.base.failure import Failure

    shown(done)
    try:
        if after is not None:
            after()
    except Failure as failure:
        click.echo(f"note: {failure.message}", err=True)


class _Json:
    """Each slice, and each measurement of assets, as one document in a line."""

    def slice(self, done: Watched) -> None:
        """Print a slice."""
        from alchemesh_cli.documents import echo_json_line

        echo_json_line("slice", done.as_json())

    def measured(self, measurement: Measurement) -> None:
        """Print a measurement."""
        from alchemesh_cli.documents import echo_json_line

        echo_json_line("measurements", {"measurements": [measurement.as_json()]})


class _Lines(Changes):
    """The first result of each port, and every change after it."""

    def __init__(self) -> None:
        super().__init__(click.echo)

    def measured(self, measurement: Measurement) -> None:
        """Print how many values of a product were measured."""
        from alchemesh_platform.base.quantities import counted

        failed = sum(each.outcome == "error" for each in measurement.values)
        problem = f", {failed} not measured" if failed else ""
        click.echo(f"{measurement.product}: {counted(len(measurement.values) - failed, 'value')} measured{problem}")
