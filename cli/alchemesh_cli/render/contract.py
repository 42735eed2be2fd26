"""What ports promise and what changes in it, for a person and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import click

from alchemesh_platform.contracts.changes import KINDS, PortDiff
from alchemesh_platform.contracts.diff import cost
from alchemesh_platform.contracts.notice import WORDS, notice_command, notice_needed, spoken_period
from alchemesh_platform.contracts.port import PromisedPort
from alchemesh_platform.contracts.quality import compared
from alchemesh_platform.contracts.rules import Finding
from alchemesh_platform.manifest.models import Contract, QualityRule
from alchemesh_platform.units import format_duration, format_percent

MARKS = {"added": "+", "removed": "-", "changed": "~"}
COLOURS = {"breaking": "red", "compatible": "green", "documentation": "cyan"}
APART = " · "
LABEL_WIDTH = 14


def port_page(address: str, environment: str, port: PromisedPort, recorded: PromisedPort | None) -> str:
    """One port's promise."""
    lines = [f"{click.style(address, bold=True)}  {_contract(port)}", *_standing(environment, port, recorded), ""]
    for label, told in _told(port):
        for index, text in enumerate(told):
            lines.append(f"  {(label if index == 0 else ''):<{LABEL_WIDTH}}  {text}".rstrip())
    return "\n".join(lines)


def port_document(address: str, port: PromisedPort, recorded: PromisedPort | None) -> dict[str, Any]:
    """One port's promise as JSON."""
    contract = port.contract
    return {
        "port": address,
        "contract": None if contract is None else contract.model_dump(mode="json", exclude_none=True),
        "models": {
            name: model.model_dump(mode="json", exclude_defaults=True, by_alias=True)
            for name, model in port.models.items()
        },
        "protocols": list(port.protocols),
        "recorded": _stage(recorded),
    }


def diff_page(
    address: str, before: PromisedPort | None, after: PromisedPort | None, diff: PortDiff, environment: str
) -> str:
    """What changed in one port's promise, the gravest first."""
    steps = [_contract(port) if port is not None else "no port" for port in (before, after)]
    told = steps[0] if steps[0] == steps[1] else " → ".join(steps)
    lines = [f"{click.style(address, bold=True)}  {environment}  {told}"]
    if not diff.changes:
        return "\n".join([*lines, "", "  nothing changed"])
    width = max(len(change.place) for change in diff.changes)
    for kind in KINDS:
        changes = diff.of(kind)
        if changes:
            lines += ["", f"  {click.style(kind, fg=COLOURS[kind], bold=True)}"]
            lines += [f"  {MARKS[each.change]} {each.place:<{width}}  {each.message}" for each in changes]
    notice = _notice(before, after, diff)
    if notice is not None:
        what, period = notice
        command = notice_command(address, what)
        waits = f"{WORDS[what]} waits for the notice period of {spoken_period(period)}"
        lines += ["", f"  while consumers hold grants, {waits}: `{command}`"]
    return "\n".join(lines)


def diff_document(
    address: str,
    before: PromisedPort | None,
    after: PromisedPort | None,
    diff: PortDiff,
    findings: Sequence[Finding],
) -> dict[str, Any]:
    """What changed in one port's promise as JSON."""
    notice = _notice(before, after, diff)
    return {
        "port": address,
        "recorded": _stage(before),
        "declared": _stage(after),
        "kind": diff.kind,
        "changes": [change.as_json() for change in diff.changes],
        "findings": [finding.as_json() for finding in findings],
        "notice": None if notice is None else {"what": notice[0], "period": format_duration(notice[1])},
    }


def _notice(before: PromisedPort | None, after: PromisedPort | None, diff: PortDiff) -> Any:
    """What consumers would have to be told of, and how long before; None where they need not be."""
    what = notice_needed(before, after, diff)
    period = before.contract.terms.notice_period if before is not None and before.contract is not None else None
    return None if what is None or not period else (what, period)


def _stage(port: PromisedPort | None) -> dict[str, str] | None:
    contract = port.contract if port is not None else None
    return None if contract is None else {"version": contract.version, "lifecycle": contract.lifecycle.value}


def _contract(port: PromisedPort) -> str:
    if port.contract is None:
        return "no contract"
    return f"{port.contract.version} {port.contract.lifecycle}"


def _standing(environment: str, port: PromisedPort, recorded: PromisedPort | None) -> Iterator[str]:
    if recorded is None:
        yield click.style(f"nothing of it is recorded in {environment} yet", dim=True)
    elif _stage(recorded) != _stage(port):
        yield click.style(f"recorded in {environment}: {_contract(recorded)}", dim=True)


def _told(port: PromisedPort) -> Iterator[tuple[str, list[str]]]:
    """Label: lines."""
    contract = port.contract
    if contract is not None:
        yield "access", [contract.access.value]
        yield "service levels", [APART.join(_service_levels(contract)) or "none are promised"]
        yield "usage", [" ".join(contract.terms.usage.split()) or "nothing is said"]
        yield "billing", [cost(contract.terms.billing) if contract.terms.billing is not None else "none"]
        yield "notice period", [_period(contract.terms.notice_period)]
    yield "ways in", [", ".join(port.protocols)]
    yield "models", [_model(name, len(model.properties), model.description) for name, model in port.models.items()]
    if contract is not None:
        yield "tests", [_test(rule) for rule in contract.quality] or ["none"]


def _service_levels(contract: Contract) -> Iterator[str]:
    levels = contract.service_levels
    if levels.uptime is not None:
        yield f"answers {format_percent(levels.uptime)} of the time"
    if levels.update_frequency is not None:
        yield f"updated every {format_duration(levels.update_frequency)}"
    if levels.response_time is not None:
        yield f"answers in {format_duration(levels.response_time)}"


def _period(period: timedelta | None) -> str:
    return spoken_period(period) if period else "none"


def _model(name: str, properties: int, description: str) -> str:
    count = f"{properties} {'property' if properties == 1 else 'properties'}"
    return f"{name}  {count}{APART}{description}" if description else f"{name}  {count}"


def _test(rule: QualityRule) -> str:
    about = ".".join(part for part in (rule.model, rule.property) if part)
    measured = f"{rule.metric} of {about}" if rule.metric and about else rule.metric or ""
    return "  ".join(part for part in (rule.name, rule.description, measured, compared(rule)) if part)
