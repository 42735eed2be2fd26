"""`alchemesh server`: serve the HTTP API of an environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import where_options

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


@click.command(short_help="Serve the HTTP API of an environment, which takes reports.")
@where_options
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of this machine to listen on.")
@click.option("--port", default=8420, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 for a free one.")
@click.option("--tls-certificate", type=click.Path(path_type=Path), help="TLS certificate, in PEM.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Private key of the certificate.")
@click.option("--behind-proxy", is_flag=True, help="A proxy speaks TLS with the clients.")
def command(
    where: Where, host: str, port: int, tls_certificate: Path | None, tls_key: Path | None, behind_proxy: bool
) -> None:
    """Serve the HTTP API of an environment, until you stop it.

    Code and pipelines report observations to it: set ALCHEMESH_SERVER to its address, and ALCHEMESH_TOKEN to a token of
    the identity provider. The API is described at /openapi.json and /docs.

    \b
    Examples:
      alchemesh server -e prod
      alchemesh server -e prod --host 0.0.0.0 --tls-certificate server.pem --tls-key server.key
    """
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.server.serve import Listening, serve

    place = Listening(host, port, tls_certificate, tls_key, behind_proxy)
    serve(
        read_platform(where),
        place,
        lambda address: click.echo(f"{address} serves {where.environment}; Ctrl+C stops it", err=True),
    )
