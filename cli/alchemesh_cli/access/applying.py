"""Deploying what was decided on access, and nothing else: `alchemesh access apply`, and `--apply` of the decisions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alchemesh_cli.access.opened import Opened, opened, print_request
from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.operation import interruptible, tell
from alchemesh_platform.failure import ExitCode

if TYPE_CHECKING:
    from alchemesh_platform.deployment.outcome import Outcome
    from alchemesh_platform.registry.records import AccessRequestRecord

apply_option = click.option("--apply", is_flag=True, help="Deploy it now, and nothing else of the product.")


@click.command(name="apply", short_help="Let in who was approved, and take out whose access is over.")
@where_options
@json_option
@click.argument("product", required=False, metavar="[PRODUCT]")
def apply_command(
    directory: Path, environment: str, platform_file: Path | None, as_json: bool, product: str | None
) -> int:
    """Let in who was approved, and take out whose access was revoked or has ended.

    At the ports of PRODUCT (domain/product), or of every product where something was decided. Nothing else of a
    product is touched, and its repo is not needed: it is composed as it was deployed last. Made for a timer: where
    nothing is to do, nothing is done.

    \b
    Examples:
      alchemesh access apply aviation/flights
      alchemesh access apply -e prod --json        # every hour, so that access ends when it should
    """
    with opened(directory, environment, platform_file) as access:
        outcomes = _applied(access, _products(access, product))
    if as_json:
        click.echo(json.dumps(_document(environment, outcomes), indent=2, ensure_ascii=False))
    return (
        ExitCode.DONE if all(outcome is None or outcome.succeeded for outcome in outcomes.values()) else ExitCode.FAILED
    )


def decided(access: Opened, request: AccessRequestRecord, *, apply: bool, as_json: bool) -> int:
    """Show what was decided, and deploy it where that is wanted."""
    from alchemesh_cli.render.access import request_document
    from alchemesh_platform.access.finding import known_request
    from alchemesh_platform.registry.records import GrantRecord

    if not apply:
        print_request(request, as_json=as_json)
        return ExitCode.DONE
    if not as_json:
        from alchemesh_cli.render.access import request_line

        click.echo(request_line(request))
    outcome = _applied(access, [request.product])[request.product]
    if as_json:
        found = known_request(access.registry, request.environment, request.address)
        grant = access.registry.get(GrantRecord, request.environment, request.address)
        document = request_document(found, grant) | {"applied": outcome.as_json() if outcome is not None else None}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    return ExitCode.DONE if outcome is None or outcome.succeeded else ExitCode.FAILED


def _products(access: Opened, product: str | None) -> list[str]:
    from alchemesh_platform.deployment.granting import products_to_apply

    if product is not None:
        return [product]
    found = products_to_apply(access.registry, access.platform.environment, datetime.now(UTC))
    if not found:
        tell(f"nothing to do: access in {access.platform.environment} is as it was decided")
    return found


def _applied(access: Opened, products: Sequence[str]) -> dict[str, Outcome | None]:
    """Product: what came of it; each is told as it is done."""
    from alchemesh_cli.render.access import applied_lines
    from alchemesh_platform.deployment.granting import apply_grants
    from alchemesh_stacks.data_product import deploy

    outcomes: dict[str, Outcome | None] = {}
    with interruptible() as cancel:
        for product in products:
            if cancel.is_set():
                break
            outcome = apply_grants(
                access.registry,
                access.platform,
                product,
                deploy=deploy,
                tell=tell,
                identity=access.requests.identity,
                cancel=cancel,
            )
            outcomes[product] = outcome
            for line in applied_lines(product, outcome):
                tell(line)
            for problem in outcome.problems if outcome is not None else ():
                tell(f"\n{problem}")
    return outcomes


def _document(environment: str, outcomes: dict[str, Outcome | None]) -> dict[str, Any]:
    applied = [outcome.as_json() for outcome in outcomes.values() if outcome is not None]
    return {"environment": environment, "products": list(outcomes), "applied": applied}
