"""`alchemesh engine`: where the Pulumi engine comes from."""

from __future__ import annotations

import json

import click

from alchemesh_cli.context import json_option
from alchemesh_platform.base.failure import Failure


@click.command(short_help="Find, get and show the Pulumi engine.")
@click.option("--install", is_flag=True, help="Download or build it where it is not there yet.")
@click.option("--plugin", "plugins", multiple=True, metavar="NAME", help="A resource plugin as well, such as kafka.")
@json_option
def command(install: bool, plugins: tuple[str, ...], as_json: bool) -> None:
    """Find, get and show the Pulumi engine, and the plugins that components need.

    It is looked for on PATH and in the cache; then it is downloaded from Pulumi, and where that is not possible built
    from its Go module, which takes some minutes, once. The same goes for plugins, which a run gets when it needs them.

    \b
    Examples:
      alchemesh engine                 # which one is used, and where it comes from
      alchemesh engine --install       # get it now rather than at the first `up`
      alchemesh engine --install --plugin kafka
    """
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.engine.install.find import find_engine
    from alchemesh_platform.engine.install.plugins import find_plugin

    def report(line: str) -> None:
        click.echo(line, err=True)

    found = find_engine(progress=report, allow_install=install)
    rows: list[dict[str, str | None]] = []
    known = {name for spec in discover().loaded()[0] for name in spec.plugins}
    for name in sorted(known | set(plugins)):
        try:
            plugin = find_plugin(name, found, progress=report, allow_install=install and name in plugins)
        except Failure:
            if name in plugins:
                raise
            rows.append({"name": name, "version": None, "path": None, "source": None})
        else:
            rows.append({"name": name, "version": plugin.version, "path": str(plugin.path), "source": plugin.source})
    if as_json:
        engine = {"path": str(found.path), "version": found.version, "source": found.source}
        click.echo(json.dumps({**engine, "plugins": rows}, indent=2))
        return
    click.echo(f"Pulumi {found.version}  {found.path}  ({found.source})")
    for row in rows:
        there = f"{row['version']}  {row['path']}  ({row['source']})"
        click.echo(f"plugin {row['name']} {there if row['path'] else 'is got by the first run that needs it'}")
