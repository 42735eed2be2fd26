"""A plan as a tree by port, in plain text."""

from __future__ import annotations

from collections.abc import Iterator

import click

from alchemesh_cli.render.environment import spoken_environment
from alchemesh_platform.compose.plan import Plan, PlannedComponent, PlannedOutput
from alchemesh_platform.units import spoken_duration


def plan_lines(plan: Plan) -> Iterator[str]:
    """The lines of the tree, and what they come to."""
    product = plan.product
    yield f"{click.style(product.address, bold=True)}  {spoken_environment(plan)}"
    branches = list(_branches(plan))
    names = max((len(name) for _, name, _, _ in branches), default=0)
    for index, (kind, name, what, below) in enumerate(branches):
        last = index == len(branches) - 1
        yield f"{'└─' if last else '├─'} {kind:<7} {click.style(f'{name:<{names}}', bold=True)}  {what}"
        for position, line in enumerate(below):
            yield f"{' ' if last else '│'}  {'└─' if position == len(below) - 1 else '├─'} {line}"
    components, assets = sum(1 for _ in plan.components()), len(plan.assets)
    yield ""
    yield f"{_count(components, 'component')} · {_count(assets, 'asset')} · next: alchemesh preview"


def _branches(plan: Plan) -> Iterator[tuple[str, str, str, list[str]]]:
    """Kind, name, what it is made of, and the lines below it."""
    for planned in plan.inputs:
        yield "input", planned.name, _component(planned.component), [f"from {planned.origin}"]
    for need in plan.needs:
        yield "need", need.port, _component(need), []
    if plan.code is not None:
        yield "code", "", _component(plan.code), []
    for output in plan.outputs:
        yield "output", output.name, _component(output.storage), list(_below(plan, output))


def _below(plan: Plan, output: PlannedOutput) -> Iterator[str]:
    for model in output.models:
        yield f"asset {plan.address(output.name)}/{model}"
    if output.proxy is not None:
        yield f"{_component(output.proxy)}  {', '.join(output.protocols)}"
    contract = output.contract
    if contract is not None:
        words = [f"contract {contract.version} {contract.lifecycle.value}", contract.access.value]
        if contract.terms.notice_period is not None:
            words.append(f"notice {spoken_duration(contract.terms.notice_period)}")
        yield ", ".join(words)


def _component(planned: PlannedComponent) -> str:
    return f"{planned.component_type} → {planned.spec.name}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"
