"""`alchemesh components docs`: the documentation of components."""

from __future__ import annotations

from pathlib import Path

import click

from alchemesh_cli.context import json_option


@click.command(name="docs", short_help="Write the documentation of components in Markdown.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Folder to write one page for each into."
)
@json_option
def command(names: tuple[str, ...], out: Path | None, as_json: bool) -> int:
    """Write the documentation of components in Markdown: of all, or of those with a NAME or component type.

    A page has an example, arguments, settings, outputs, grants, resources, and the permissions that a deployment
    needs. Without --out, the pages are printed on stdout. Components of other packages have the same pages.

    A page in FOLDER has a first and a last line that mark the generated part. The command replaces that part, and keeps
    your text above and below it. It overwrites no page without these lines.

    \b
    Examples:
      alchemesh components docs delta-table
      alchemesh components docs --out docs/components
    """
    from alchemesh_platform.app.components.catalogue import documented
    from alchemesh_platform.app.components.pages import write_pages

    if as_json and out is not None:
        raise click.UsageError("--json and --out exclude each other")
    pages, failures = documented(names)
    if as_json:
        from alchemesh_cli.documents import echo_json

        missing = [{"message": failure.message, "hint": failure.hint and str(failure.hint)} for failure in failures]
        echo_json("components-docs", {"pages": pages, "failures": missing})
        return 1 if failures else 0
    if out is None:
        click.echo("\n\n".join(text.rstrip() for text in pages.values()))
    else:
        write_pages(pages, out)
        click.echo(f"{out}: {len(pages)} {'page' if len(pages) == 1 else 'pages'}", err=True)
    for failure in failures:
        click.echo(f"\nerror: {failure.message}\n\nhint: {failure.hint}", err=True)
    return 1 if failures else 0
