"""`alchemesh observe`: measure the quality and freshness of a product's data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


class Span(click.ParamType[timedelta]):
    """A span of time: ``30s``, ``10m``."""

    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The span."""
        from alchemesh_platform.base.units import parse_duration

        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(f"found {value!r}, {error}", param, ctx)


class Size(click.ParamType[int]):
    """A number of bytes: ``500MB``, ``10GiB``."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The bytes."""
        from alchemesh_platform.base.units import parse_size

        try:
            return parse_size(value)
        except ValueError as error:
            self.fail(f"found {value!r}, {error}", param, ctx)


def cost_options(of: Callable[..., None]) -> Callable[..., None]:
    """The options that limit the cost of reading."""
    of = click.option(
        "--max-messages",
        type=click.IntRange(min=1),
        default=1_000_000,
        show_default=True,
        help="Messages to read of each topic, the newest first.",
    )(of)
    return click.option(
        "--max-bytes",
        type=Size(),
        default="10GiB",
        show_default=True,
        help="Bytes that one query of a cloud, or the rows of one model elsewhere, may read.",
    )(of)


@click.command(short_help="Probe a product's ports, and measure its data.")
@where_options
@json_option
@click.option("--all", "every", is_flag=True, help="Measure every product of the environment.")
@click.option("--timeout", type=Span(), default="10m", show_default=True, help="Time limit for each asset.")
@cost_options
@click.option("--watch", "watching", is_flag=True, help="Continue, and probe in every slice, until you stop it.")
@click.option("--every", "interval", type=Span(), help="With --watch: interval of probes, 10s to 1h.  [default: 60s]")
@click.option("--measure-every", type=Span(), help="With --watch: interval of measuring the assets.  [default: 1h]")
@click.option(
    "--prometheus",
    "metrics_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the metrics of all products into FILE (*.prom), for the textfile collector of Prometheus.",
)
@click.argument("product", required=False, metavar="[ADDRESS]")
def command(
    where: Where,
    as_json: bool,
    every: bool,
    timeout: timedelta,
    max_bytes: int,
    max_messages: int,
    watching: bool,
    interval: timedelta | None,
    measure_every: timedelta | None,
    metrics_file: Path | None,
    product: str | None,
) -> None:
    """Probe a product's ports, and measure the quality and freshness of its data, and record the values.

    Probes each output port that has a contract over each of its protocols, as a consumer with a credential of its own:
    uptime and response time. A port that gives no answer within 10 seconds is down.

    Measures each asset of the product of this folder, or at ADDRESS (domain/product), in one scan: completeness,
    validity, uniqueness, and the age of the last change. `alchemesh status` shows the newest values. A measure without
    anything to count is unknown, with the reason. If a table cannot be read, its measures are errors with the reason,
    and the other assets are measured.

    With --watch, it probes in each slice of 60 seconds and measures the assets every hour, until Ctrl-C or SIGTERM. A
    slice without a probe is unknown, and never up. While the registry is away, the results wait on this machine. It
    prints changes; with --json, one document a line.

    \b
    Examples:
      alchemesh observe
      alchemesh observe aviation/flights --timeout 2m
      alchemesh observe --all --json      # for a scheduler: exit code 1 if a measurement failed
      alchemesh observe --all --prometheus /var/lib/node_exporter/alchemesh.prom
      alchemesh observe --all --watch     # uptime and response time, slice after slice
    """
    from alchemesh_cli.terminal.printing import console as console_of
    from alchemesh_platform.app.manifest.declared import declared_address
    from alchemesh_platform.app.mesh.metrics import write_metrics
    from alchemesh_platform.app.probing.once import observe
    from alchemesh_platform.app.product.measure import check_measured
    from alchemesh_platform.app.product.several import deployed_products, on_each
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.identity.identify import identify
    from alchemesh_platform.quality.tables import Limits

    platform = read_platform(where)
    actor = identify(platform)
    limits = Limits(timeout, max_bytes, max_messages)
    if watching:
        from alchemesh_cli.watching import watch_environment

        named = () if every else (product or declared_address(where),)
        after = partial(write_metrics, platform, metrics_file) if metrics_file is not None else None
        watch_environment(platform, actor, named, interval, measure_every, limits, as_json=as_json, after=after)
        return
    if interval is not None or measure_every is not None:
        raise click.UsageError("--every and --measure-every need --watch")
    addresses = deployed_products(platform) if every else [product or declared_address(where)]
    found = on_each(
        addresses,
        lambda address: observe(platform, address, actor, limits=limits, note=lambda line: click.echo(line, err=True)),
    )
    if as_json and found.done:
        echo_json("measurements", {"measurements": [each.as_json() for each in found.done]})
    else:
        from alchemesh_cli.render.measurement import print_measurement

        console = console_of(highlight=False)
        for each in found.done:
            print_measurement(console, each)
    if metrics_file is not None:
        write_metrics(platform, metrics_file)
    found.check()
    check_measured(found.done)
