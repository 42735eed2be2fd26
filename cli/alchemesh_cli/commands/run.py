"""`alchemesh run`: the product's code, with its connections."""

from __future__ import annotations

from pathlib import Path

import click

from alchemesh_cli.context import json_option, product_address_of, where_options


@click.command(short_help="Run the product's code with its connections.")
@where_options
@json_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(
    directory: Path, environment: str, platform_file: Path | None, as_json: bool, arguments: tuple[str, ...]
) -> int:
    """Run the product's code with its connections.

    What the code prints is shown and kept in the history, with secrets blanked out. The exit status is the code's.
    With --emulate, a job of Cloud Run is run here, as its template says, since no container runs.

    \b
    Examples:
      alchemesh run                    # the code of the product in this folder
      alchemesh run -- --since 2013-06 # what follows -- goes to the code
    """
    from alchemesh_cli.context import load_platform_for
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.clouds.gcp.emulation.environment import job_runner, resume
    from alchemesh_platform.deployment.run_code import run_code
    from alchemesh_platform.identity.identify import identify
    from alchemesh_platform.registry.store import Registry

    platform = load_platform_for(directory, environment, platform_file)
    resume(platform)
    product = product_address_of(directory, environment)
    identity = identify(platform)
    with Registry.open(platform.registry) as registry:
        done = run_code(
            registry,
            discover(),
            environment,
            product,
            arguments,
            identity,
            on_output=lambda line: click.echo(line, err=as_json),
            stand_in=job_runner(platform, directory),
        )
    if as_json:
        click.echo(done.model_dump_json(indent=2, exclude={"output"}))
    elif done.outcome == "succeeded":
        click.echo(f"\n✓ {product} ran in {done.seconds:.1f} s", err=True)
    else:
        click.echo(f"\n✗ {product}: {done.problem}", err=True)
    if done.exit_status is None or done.exit_status < 0:
        return 1
    return done.exit_status
