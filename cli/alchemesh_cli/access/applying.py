"""Deploying what was decided on access, and nothing else: `alchemesh access apply`, and `--apply` of the decisions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alchemesh_cli.access.opened import Opened, opened, print_request
from alchemesh_cli.context import json_option, place_of, where_options
from alchemesh_cli.context_options import with_context_options
from alchemesh_cli.operation import interruptible, report
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import ProblemsFound

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
    nothing is to do, nothing is done, and a product that cannot be deployed now is told and holds up no other.

    \b
    Examples:
      alchemesh access apply aviation/flights
      alchemesh access apply -e prod --json        # every hour, so that access ends when it should
    """
    with opened(directory, environment, platform_file) as access:
        applied = _applied(access, _products(access, product))
    if as_json:
        click.echo(json.dumps(_document(environment, applied), indent=2, ensure_ascii=False))
    return applied.exit_code


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
    applied = _applied(access, [request.product])
    outcome = applied.outcomes.get(request.product)
    if as_json:
        found = known_request(access.registry, request.environment, request.address)
        grant = access.registry.get(GrantRecord, request.environment, request.address)
        document = request_document(found, grant) | place_of(request.environment).as_json()
        document["applied"] = outcome.as_json() if outcome is not None else None
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    return applied.exit_code


def _products(access: Opened, product: str | None) -> list[str]:
    from alchemesh_platform.deployment.grants.apply import products_to_apply

    if product is not None:
        return [product]
    found = products_to_apply(access.registry, access.platform.environment, datetime.now(UTC))
    if not found:
        report(f"nothing to do: access in {access.platform.environment} is as it was decided")
    return found


class NoLongerComposed(Failure):
    """A product, as it was deployed last, has problems now: a component or the platform file has changed since."""

    exit_code = ExitCode.PROBLEMS


@dataclass(slots=True)
class Applied:
    """Product: what came of it, None where nothing was to do; and why others could not be begun."""

    outcomes: dict[str, Outcome | None] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """That of what failed; of several kinds of failures it is a run that failed."""
        codes = {failure.exit_code for failure in self.failures.values()}
        codes |= {
            ExitCode.FAILED for outcome in self.outcomes.values() if outcome is not None and not outcome.succeeded
        }
        return codes.pop() if len(codes) == 1 else ExitCode.FAILED if codes else ExitCode.DONE


def _applied(access: Opened, products: Sequence[str]) -> Applied:
    """Deploy what was decided at each product; each is told as it is done.

    Raises:
        Failure: when there is one product, and it cannot be begun.
    """
    from alchemesh_cli.render.access import applied_lines
    from alchemesh_platform.deployment.grants.apply import apply_grants
    from alchemesh_stacks.data_product import deploy

    applied = Applied()
    with interruptible() as cancel:
        for product in products:
            if cancel.is_set():
                break
            try:
                outcome = apply_grants(
                    access.registry,
                    access.platform,
                    product,
                    deploy=deploy,
                    report=report,
                    identity=access.requests.identity,
                    cancel=cancel,
                )
            except (Failure, ProblemsFound) as error:
                if len(products) == 1:
                    raise
                failure = error if isinstance(error, Failure) else NoLongerComposed(str(error))
                applied.failures[product] = failure
                hint = f"\n\nhint: {with_context_options(failure.hint)}" if failure.hint else ""
                report(f"error: {product}: {failure.message}{hint}\n")
                continue
            applied.outcomes[product] = outcome
            for line in applied_lines(product, outcome):
                report(line)
            for problem in outcome.problems if outcome is not None else ():
                report(f"\n{problem}")
    return applied


def _document(environment: str, applied: Applied) -> dict[str, Any]:
    return {
        **place_of(environment).as_json(),
        "products": [*applied.outcomes, *applied.failures],
        "applied": [outcome.as_json() for outcome in applied.outcomes.values() if outcome is not None],
        "failed": [
            {"product": product, "message": failure.message, "hint": failure.hint}
            for product, failure in applied.failures.items()
        ],
    }
