"""`alchemesh ci affected`: the data products that differ from a base."""

from __future__ import annotations

from pathlib import Path

import click

from alchemesh_cli.context import directory_option, emulate_option, json_option, platform_option


@click.command(short_help="List the data products that differ from a base.")
@click.argument("base")
@directory_option
@click.option("-e", "--environment", default="local", show_default=True, help="Environment.")
@platform_option("platform.yaml here, or above in the git repository")
@emulate_option
@json_option
@click.option(
    "--null", "with_null", is_flag=True, help="End each folder with NUL instead of a line break, for a shell."
)
def command(
    base: str,
    directory: Path,
    environment: str,
    platform_file: Path | None,
    emulated: bool,
    as_json: bool,
    with_null: bool,
) -> None:
    """List the data products that differ from a base, or that read a port that does: the folder of each.

    A product comes after the products that it reads, so that they can be deployed in this order.

    BASE is a branch or a commit, such as origin/main, or the commit before a push. `alchemesh preview --affected-by`
    previews the same products, and explains the rules.

    \b
    Examples:
      alchemesh ci affected origin/main -e prod
      alchemesh ci affected "$BEFORE" -e prod --null | xargs -0 -I{} alchemesh up --yes -C {} -e prod
    """
    from alchemesh_cli.documents import echo_json
    from alchemesh_cli.render.run.events import report
    from alchemesh_cli.terminal.printing import raw_output
    from alchemesh_platform.app.review.affected import asked_by, providers_first
    from alchemesh_platform.app.review.environments import check_environments
    from alchemesh_platform.base.printable import one_line

    if as_json and with_null:
        raise click.UsageError("--json and --null exclude each other")
    check_environments(directory, (environment,), platform_file)
    asked, notes, _removed = asked_by(base, directory, (environment,), platform_file=platform_file, emulated=emulated)
    asked = providers_first(asked)
    if as_json:
        products = [{"folder": each.folder, "reasons": list(each.reasons)} for each in asked]
        where = {"environment": environment, "emulated": emulated}
        echo_json("affected", {"base": base, **where, "products": products, "notes": [str(note) for note in notes]})
        return
    if with_null:
        raw_output("".join(f"{each.folder}\0" for each in asked))
    for each in () if with_null else asked:
        click.echo(one_line(each.folder))
    for note in notes:
        report(f"note: {note}")
