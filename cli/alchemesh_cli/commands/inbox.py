"""`alchemesh inbox`: the items that wait for you."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


@click.command(short_help="Show the decisions, notices and ends of access that concern you.")
@where_options
@json_option
@click.option("--send", is_flag=True, help="Send the new items of all users to the channels of the platform file.")
def command(where: Where, as_json: bool, send: bool) -> None:
    """Show the decisions, notices and ends of access that concern you.

    An owner sees the requests that wait for a decision. A consumer sees the decisions of the last 30 days, notices of
    coming changes, access that ends within 30 days, and changes before the end of their notice period.

    The platform file can name webhooks and a mail server (`notify`). They receive new items after each act. In a
    schedule, `--send` also sends the items that only time brings, such as an end of access.

    \b
    Examples:
      alchemesh inbox
      alchemesh inbox -e prod --json
      alchemesh inbox -e prod --send
    """
    from alchemesh_platform.app.mesh import inbox as inboxes
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.identity.identify import identify

    platform = read_platform(where)
    if send:
        delivered = inboxes.send(platform)
        if as_json:
            failures = [failure.message for failure in delivered.failures]
            echo_json("inbox", {**where.as_json(), "sent": delivered.sent, "failures": failures})
        else:
            click.echo(f"{delivered.sent} notification{'s' * (delivered.sent != 1)} sent")
        if delivered.failures:
            raise delivered.failures[0]
        return
    identity = identify(platform)
    items = inboxes.inbox(platform, identity)
    if as_json:
        document = {**where.as_json(), "subject": identity.subject, "items": [item.as_json() for item in items]}
        echo_json("inbox", document)
        return
    from alchemesh_cli.render.mesh.inbox import inbox_lines

    click.echo("\n".join(inbox_lines(items, identity.subject, where.environment)))
