"""What becomes of a request: `approve`, `reject`, `revoke`, `renew`, `extend`."""

from __future__ import annotations

from pathlib import Path

import click

from alchemesh_cli.access.applying import apply_option, decided
from alchemesh_cli.access.opened import opened, print_request, reason_option
from alchemesh_cli.context import json_option, where_options

request_argument = click.argument("request", metavar="REQUEST")


@click.command(short_help="Approve a request.")
@where_options
@json_option
@request_argument
@reason_option
@apply_option
def approve(
    directory: Path,
    environment: str,
    platform_file: Path | None,
    as_json: bool,
    request: str,
    reason: str,
    apply: bool,
) -> int:
    """Approve a request.

    For the owner of the product that is asked, or a platform owner. The next `up` of the product lets the consumer
    in; `--apply` does so now.

    \b
    Examples:
      alchemesh access approve req-0a1b2c3d --apply
      alchemesh access approve req-0a1b2c3d --reason "statistics only" -e prod
    """
    with opened(directory, environment, platform_file) as access:
        return decided(access, access.requests.approve(request, reason), apply=apply, as_json=as_json)


@click.command(short_help="Reject a request.")
@where_options
@json_option
@request_argument
@reason_option
def reject(
    directory: Path, environment: str, platform_file: Path | None, as_json: bool, request: str, reason: str
) -> None:
    """Reject a request.

    For the owner of the product that is asked, or a platform owner.

    \b
    Examples:
      alchemesh access reject req-0a1b2c3d --reason "the aggregated port is enough for that"
    """
    with opened(directory, environment, platform_file) as access:
        print_request(access.requests.reject(request, reason), as_json=as_json)


@click.command(short_help="Take access back, or a request.")
@where_options
@json_option
@request_argument
@reason_option
@apply_option
def revoke(
    directory: Path,
    environment: str,
    platform_file: Path | None,
    as_json: bool,
    request: str,
    reason: str,
    apply: bool,
) -> int:
    """Take access back, or a request.

    The owner takes back what was approved; the requester and its people also what is not decided yet. The next `up` of
    the product takes this one consumer out, and no other; `--apply` does so now.

    \b
    Examples:
      alchemesh access revoke req-0a1b2c3d --reason "the project is over" --apply
    """
    with opened(directory, environment, platform_file) as access:
        return decided(access, access.requests.revoke(request, reason), apply=apply, as_json=as_json)


@click.command(short_help="Ask again for what is over, or will be.")
@where_options
@json_option
@request_argument
@click.option("--purpose", default="", help="What the data is wanted for.  [default: as before]")
@click.option("--until", help="When access ends: 2027-12-31, or 90d from now.  [default: not by itself]")
def renew(
    directory: Path,
    environment: str,
    platform_file: Path | None,
    as_json: bool,
    request: str,
    purpose: str,
    until: str | None,
) -> None:
    """Ask again for what is over, or will be.

    For the requester and its people. It makes a request of its own, which is decided on as the first one was; until the
    old one ends both let the consumer in, so that there is time to change over.

    \b
    Examples:
      alchemesh access renew req-0a1b2c3d
      alchemesh access renew req-0a1b2c3d --until 2027-12-31
    """
    from alchemesh_platform.access.until import parse_until

    with opened(directory, environment, platform_file) as access:
        ends_at = parse_until(until, access.requests.clock()) if until else None
        print_request(access.requests.renew(request, ends_at, purpose), as_json=as_json)


@click.command(short_help="Move the end of access that is approved or granted.")
@where_options
@json_option
@request_argument
@click.option("--until", help="The new end: 2027-12-31, or 90d from now.")
@click.option("--no-end", is_flag=True, help="Access does not end by itself.")
@reason_option
@apply_option
def extend(
    directory: Path,
    environment: str,
    platform_file: Path | None,
    as_json: bool,
    request: str,
    until: str | None,
    no_end: bool,
    reason: str,
    apply: bool,
) -> int:
    """Move the end of access that is approved or granted.

    For the owner of the product that is asked, or a platform owner. The consumer goes on with what it has.

    \b
    Examples:
      alchemesh access extend req-0a1b2c3d --until 2027-12-31
      alchemesh access extend req-0a1b2c3d --no-end --reason "a standing report"
    """
    from alchemesh_platform.access.until import parse_until

    if bool(until) == no_end:
        raise click.UsageError("give the new end: either --until DATE or --no-end")
    with opened(directory, environment, platform_file) as access:
        ends_at = parse_until(until, access.requests.clock()) if until else None
        return decided(access, access.requests.extend(request, ends_at, reason), apply=apply, as_json=as_json)
