"""A plan as a tree by port, in plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from alchemesh_cli.context_options import next_line
from alchemesh_cli.render.text.environment import environment_in_words
from alchemesh_cli.terminal.printing import styled
from alchemesh_platform.base.remedy import command
from alchemesh_platform.base.units import duration_in_words
from alchemesh_platform.compose.plan import Plan, PlannedComponent, PlannedOutput

if TYPE_CHECKING:
    from alchemesh_stacks.declared import Declared


def plan_lines(plan: Plan, resources: Sequence[Declared] | None = None) -> Iterator[str]:
    """The lines of the tree, and a line with totals; resources are listed below their port or need."""
    product = plan.product
    yield f"{styled(product.address, bold=True)}  {environment_in_words(plan)}"
    branches = list(_branches(plan, resources or ()))
    names = max((len(name) for _, name, _, _ in branches), default=0)
    for index, (kind, name, what, below) in enumerate(branches):
        last = index == len(branches) - 1
        yield f"{'└─' if last else '├─'} {kind:<7} {styled(f'{name:<{names}}', bold=True)}  {what}"
        for position, line in enumerate(below):
            yield f"{' ' if last else '│'}  {'└─' if position == len(below) - 1 else '├─'} {line}"
    components, assets = sum(1 for _ in plan.components()), len(plan.assets)
    yield ""
    counted = [_count(components, "component"), _count(assets, "asset")]
    counted += [_count(len(resources), "resource")] if resources is not None else []
    yield f"{' · '.join(counted)} · {next_line(command('preview', about_product=True))}"


def _branches(plan: Plan, resources: Sequence[Declared]) -> Iterator[tuple[str, str, str, list[str]]]:
    """Kind, name, component, and the lines below it."""
    made = _made(resources)
    if records := made.get(("product", "")):
        yield "product", "", "its record", records
    for planned in plan.inputs:
        below = [f"from {planned.origin}", *made.get(("input", planned.name), [])]
        yield "input", planned.name, _component(planned.component), below
    for need in plan.needs:
        yield "need", need.port, _component(need), made.get(("need", need.port), [])
    if plan.code is not None:
        yield "code", "", _component(plan.code), made.get(("code", "code"), [])
    for output in plan.outputs:
        below = [*_below(plan, output), *made.get(("output", output.name), [])]
        yield "output", output.name, _component(output.storage), below


def _made(resources: Sequence[Declared]) -> dict[tuple[str, str], list[str]]:
    """The lines of each port's resources, with names and types in columns."""
    ports: dict[tuple[str, str], list[Declared]] = {}
    for resource in resources:
        ports.setdefault((resource.kind, resource.port), []).append(resource)
    widths = {port: max(len(each.name) for each in made) for port, made in ports.items()}
    return {port: [f"+ {each.name:<{widths[port]}}  {each.type}" for each in made] for port, made in ports.items()}


def _below(plan: Plan, output: PlannedOutput) -> Iterator[str]:
    for model in output.models:
        yield f"asset {plan.address(output.name)}/{model}"
    if output.proxy is not None:
        yield f"{_component(output.proxy)}  {', '.join(output.protocols)}"
    contract = output.contract
    if contract is not None:
        words = [f"contract {contract.version} {contract.lifecycle.value}", contract.access.value]
        if contract.terms.notice_period is not None:
            words.append(f"notice {duration_in_words(contract.terms.notice_period)}")
        yield ", ".join(words)


def _component(planned: PlannedComponent) -> str:
    return f"{planned.component_type} → {planned.spec.name}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"
