"""`alchemesh preview`: the changes that `up` would make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.options import parallel_option, target_option

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


@click.command(short_help="Show the changes that `up` would make.")
@where_options
@json_option
@target_option
@parallel_option
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown, for a comment on a merge request.")
@click.option("--strict", is_flag=True, help="Refuse a change that must wait for consumers, with exit code 4.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 10 if there are changes, with 0 if there are none.")
def command(
    where: Where,
    as_json: bool,
    as_markdown: bool,
    targets: tuple[str, ...],
    parallel: int | None,
    strict: bool,
    detailed_exitcode: bool,
) -> int:
    """Show the changes that `up` would make: resources by port, assets and contracts, property by property.

    Each contract change is classified by its effect on consumers. Exit code 4 means that `up` would refuse: a version
    is too low, or a lifecycle step is not allowed. A change that has to wait for a notice period is a warning; with
    --strict it fails with exit code 4. Exit code 7, with --strict or --detailed-exitcode, means that nothing is
    recorded to compare with: the product is new here, or this machine does not reach the environment's registry.

    \b
    Examples:
      alchemesh preview
      alchemesh preview -e prod --detailed-exitcode
      alchemesh preview -e prod --strict --markdown > comment.md   # in a merge request
    """
    from alchemesh_cli.interrupts import interruptible
    from alchemesh_cli.render.events import showing
    from alchemesh_platform.app.deploy import preview
    from alchemesh_platform.app.where import read_product

    if as_json and as_markdown:
        raise click.UsageError("--json and --markdown exclude each other")
    product = read_product(where, look=True)
    with interruptible() as cancel, showing(where, "preview", as_json=as_json, as_markdown=as_markdown) as shown:
        done = preview(product, targets=targets, parallel=parallel, strict=strict, listen=shown, cancel=cancel)
    return done.exit_code(detailed=detailed_exitcode, strict=strict)
