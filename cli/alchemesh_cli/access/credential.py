"""`alchemesh access credential`: what a granted consumer gets in by."""

from __future__ import annotations

import json
from pathlib import Path

import click

from alchemesh_cli.access.decide import request_argument
from alchemesh_cli.access.opened import opened
from alchemesh_cli.context import json_option, where_options


@click.command(short_help="Issue the credential of a granted request; shown once.")
@where_options
@json_option
@request_argument
def credential(directory: Path, environment: str, platform_file: Path | None, as_json: bool, request: str) -> None:
    """Issue the credential of a granted request; shown once.

    For the requester and its people. Only hashes are kept: who loses it issues another, and the old one is refused at
    once. A data product needs none from here, its own `up` issues it; one from here is replaced by that.

    \b
    Examples:
      alchemesh access credential req-0a1b2c3d
      alchemesh access credential req-0a1b2c3d --json | jq -r .password | pass insert -e mesh/flights
    """
    from alchemesh_platform.access.credential import issue_credential

    with opened(directory, environment, platform_file) as access:
        issued = issue_credential(access.requests, request)
    ways = {"sql": issued.connection.sql, "rest": issued.connection.rest, "graphql": issued.connection.graphql}
    offered = {protocol: address for protocol, address in ways.items() if address is not None}
    if as_json:
        click.echo(json.dumps({"user": issued.user, "password": issued.password, **offered}, indent=2))
        return
    click.echo(f"user      {issued.user}\npassword  {issued.password}")
    click.echo("", err=True)
    for protocol, address in offered.items():
        how = f"SCRAM; the database is {issued.user}" if protocol == "sql" else "HTTP basic authentication"
        click.echo(f"{protocol:<8}  {address}  {how}", err=True)
    click.echo("\nIt is not shown again: keep it where secrets are kept.", err=True)
