"""The options and the output that commands of `alchemesh access` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context_options import with_context_options
from alchemesh_cli.documents import echo_json

if TYPE_CHECKING:
    from alchemesh_platform.access.requester import Requester
    from alchemesh_platform.app.mesh.access import Decision
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import AccessRequestRecord

reason_option = click.option("--reason", default="", help="Reason of the decision; recorded with it.")
apply_option = click.option("--apply", is_flag=True, help="Deploy the decision now, and nothing else of the product.")
request_argument = click.argument("request", metavar="REQUEST")


def acting(where: Where) -> tuple[Platform, Identity]:
    """The platform of an environment, and the identity that acts there."""
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.identity.identify import identify

    platform = read_platform(where)
    return platform, identify(platform)


def default_requester(where: Where, subject: str) -> Requester:
    """The product of a folder, otherwise the acting user."""
    from alchemesh_platform.access.requester import Requester
    from alchemesh_platform.app.where import product_address

    if where.manifest.is_file():
        return Requester("data_product", product_address(where))
    return Requester("user", subject)


def print_request(request: AccessRequestRecord, where: Where, *, as_json: bool) -> None:
    """Print a request: its document, or a sentence and the next step."""
    from alchemesh_cli.render.mesh.access import request_document, request_line
    from alchemesh_platform.access.requests.states import next_step

    if as_json:
        echo_json("request", request_document(request) | where.as_json())
        return
    click.echo(request_line(request))
    click.echo(f"\nnext: {with_context_options(next_step(request))}")


def print_decision(decision: Decision, where: Where, *, as_json: bool) -> int:
    """Print a decision whose sentence was shown when it was recorded; returns the exit code of its deployment."""
    from alchemesh_cli.render.mesh.access import request_document
    from alchemesh_platform.access.requests.states import next_step
    from alchemesh_platform.base.failure import ExitCode

    request, applied = decision.request, decision.applied
    if as_json:
        document = request_document(request, decision.grant) | where.as_json()
        if applied is not None:
            outcome = applied.outcomes.get(request.product)
            document["applied"] = outcome.as_json() if outcome is not None else None
        echo_json("request", document)
    elif applied is None:
        click.echo(f"\nnext: {with_context_options(next_step(request))}")
    return applied.exit_code if applied is not None else ExitCode.DONE
