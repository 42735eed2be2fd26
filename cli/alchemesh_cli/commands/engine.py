"""`alchemesh engine`: find, install and show the Pulumi engine."""

from __future__ import annotations

import click

from alchemesh_cli.context import json_option
from alchemesh_cli.documents import echo_json
from alchemesh_platform.base.failure import Failure


@click.command(short_help="Find, install and show the Pulumi engine.")
@click.option("--install", is_flag=True, help="Download or build it, if it is not found.")
@click.option("--plugin", "plugins", multiple=True, metavar="NAME", help="Also install this plugin, such as kafka.")
@json_option
def command(install: bool, plugins: tuple[str, ...], as_json: bool) -> None:
    """Find, install and show the Pulumi engine, and the plugins that components need.

    Searches PATH and the cache, then downloads the engine from Pulumi; without access to that, builds it from its Go
    module, which takes a few minutes once. Plugins are installed the same way, by the first run that needs them.

    \b
    Examples:
      alchemesh engine                 # show the engine and its source
      alchemesh engine --install       # install it now instead of at the first `up`
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
        echo_json("engine", {**engine, "plugins": rows})
        return
    click.echo(f"Pulumi {found.version}  {found.path}  ({found.source})")
    for row in rows:
        there = f"{row['version']}  {row['path']}  ({row['source']})"
        click.echo(f"plugin {row['name']} {there if row['path'] else 'is installed by the first run that needs it'}")
