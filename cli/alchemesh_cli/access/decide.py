"""Decisions on a request: `approve`, `reject`, `revoke`, `renew`, `extend`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from alchemesh_cli.access.output import acting, apply_option, print_decision, reason_option, request_argument
from alchemesh_cli.context import json_option, where_options

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


@click.command(short_help="Approve a request.")
@where_options
@json_option
@request_argument
@reason_option
@apply_option
def approve(
    where: Where,
    as_json: bool,
    request: str,
    reason: str,
    apply: bool,
) -> int:
    """Approve a request.

    Only the owner of the requested product or a platform owner can approve. The next `up` of the product deploys the
    grant; `--apply` deploys it now.

    \b
    Examples:
      alchemesh access approve req-0a1b2c3d --apply
      alchemesh access approve req-0a1b2c3d --reason "statistics only" -e prod
    """
    from alchemesh_cli.render.run.events import showing
    from alchemesh_cli.terminal.interrupts import interruptible
    from alchemesh_platform.app.mesh.access import approve as approve_request

    platform, actor = acting(where)
    with interruptible() as cancel, showing(where, "approve", as_json=as_json) as shown:
        decided = approve_request(platform, actor, request, reason, apply=apply, listen=shown, cancel=cancel)
    return print_decision(decided, where, as_json=as_json)


@click.command(short_help="Reject a request.")
@where_options
@json_option
@request_argument
@reason_option
def reject(where: Where, as_json: bool, request: str, reason: str) -> None:
    """Reject a request.

    Only the owner of the requested product or a platform owner can reject.

    \b
    Examples:
      alchemesh access reject req-0a1b2c3d --reason "the aggregated port is enough for that"
    """
    from alchemesh_cli.render.run.events import showing
    from alchemesh_platform.app.mesh.access import reject as reject_request

    platform, actor = acting(where)
    with showing(where, "reject", as_json=as_json) as shown:
        decided = reject_request(platform, actor, request, reason, listen=shown)
    print_decision(decided, where, as_json=as_json)


@click.command(short_help="Revoke access, or withdraw a request.")
@where_options
@json_option
@request_argument
@reason_option
@apply_option
def revoke(
    where: Where,
    as_json: bool,
    request: str,
    reason: str,
    apply: bool,
) -> int:
    """Revoke access, or withdraw a request.

    The owner can revoke approved access; the requester and its people can also withdraw an undecided request. The next
    `up` of the product removes the access of this consumer and of no other; `--apply` removes it now.

    \b
    Examples:
      alchemesh access revoke req-0a1b2c3d --reason "the project is over" --apply
    """
    from alchemesh_cli.render.run.events import showing
    from alchemesh_cli.terminal.interrupts import interruptible
    from alchemesh_platform.app.mesh.access import revoke as revoke_request

    platform, actor = acting(where)
    with interruptible() as cancel, showing(where, "revoke", as_json=as_json) as shown:
        decided = revoke_request(platform, actor, request, reason, apply=apply, listen=shown, cancel=cancel)
    return print_decision(decided, where, as_json=as_json)


@click.command(short_help="Request access again that has ended, or will end.")
@where_options
@json_option
@request_argument
@click.option("--purpose", default="", help="Intended use of the data.  [default: as before]")
@click.option("--until", help="When access ends: 2027-12-31, or 90d from now.  [default: no end]")
def renew(
    where: Where,
    as_json: bool,
    request: str,
    purpose: str,
    until: str | None,
) -> None:
    """Request access again that has ended, or will end.

    Only the requester and its people can renew. Creates a new request, which needs a decision like the first one. Until
    the old grant ends, both are valid, so that the consumer can switch in between.

    \b
    Examples:
      alchemesh access renew req-0a1b2c3d
      alchemesh access renew req-0a1b2c3d --until 2027-12-31
    """
    from alchemesh_platform.access.requests.until import parse_until

    ends_at = parse_until(until, datetime.now(UTC)) if until else None
    from alchemesh_cli.render.run.events import showing
    from alchemesh_platform.app.mesh.access import renew as renew_request

    platform, actor = acting(where)
    with showing(where, "renew", as_json=as_json) as shown:
        decided = renew_request(platform, actor, request, ends_at=ends_at, purpose=purpose, listen=shown)
    print_decision(decided, where, as_json=as_json)


@click.command(short_help="Change the end date of approved or granted access.")
@where_options
@json_option
@request_argument
@click.option("--until", help="The new end: 2027-12-31, or 90d from now.")
@click.option("--no-end", is_flag=True, help="Remove the end date.")
@reason_option
@apply_option
def extend(
    where: Where,
    as_json: bool,
    request: str,
    until: str | None,
    no_end: bool,
    reason: str,
    apply: bool,
) -> int:
    """Change the end date of approved or granted access.

    Only the owner of the requested product or a platform owner can extend. The consumer keeps its credential.

    \b
    Examples:
      alchemesh access extend req-0a1b2c3d --until 2027-12-31
      alchemesh access extend req-0a1b2c3d --no-end --reason "a monthly report"
    """
    from alchemesh_platform.access.requests.until import parse_until

    if bool(until) == no_end:
        raise click.UsageError("give the new end: either --until DATE or --no-end")
    ends_at = parse_until(until, datetime.now(UTC)) if until else None
    from alchemesh_cli.render.run.events import showing
    from alchemesh_cli.terminal.interrupts import interruptible
    from alchemesh_platform.app.mesh.access import extend as extend_request

    platform, actor = acting(where)
    with interruptible() as cancel, showing(where, "extend", as_json=as_json) as shown:
        decided = extend_request(platform, actor, request, ends_at, reason, apply=apply, listen=shown, cancel=cancel)
    return print_decision(decided, where, as_json=as_json)
