"""Contracts of ports and their changes, for a person and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alchemesh_cli.context_options import complete
from alchemesh_cli.terminal.printing import styled
from alchemesh_platform.base.units import duration_in_words, format_duration, format_percent
from alchemesh_platform.contracts.compatibility.changes import KINDS
from alchemesh_platform.contracts.compatibility.diff import cost
from alchemesh_platform.contracts.compatibility.quality import compared
from alchemesh_platform.contracts.compatibility.step import PortStep, stage
from alchemesh_platform.contracts.notices.period import WORDS, notice_command
from alchemesh_platform.contracts.port import PromisedPort
from alchemesh_platform.manifest.models import Billing, Contract, Credits, QualityRule

if TYPE_CHECKING:
    from alchemesh_platform.app.mesh.contracts import ShownPort
    from alchemesh_platform.registry.records import ContractVersionRecord

MARKS = {"added": "+", "removed": "-", "changed": "~"}
COLOURS = {"breaking": "red", "compatible": "green", "documentation": "cyan"}
APART = " · "
LABEL_WIDTH = 14


def port_page(port: ShownPort, environment: str, now: datetime) -> str:
    """One port: its contract, notices and versions."""
    promise = port.promise
    title = f"{styled(port.identity.address, bold=True)}  {environment}  {_contract(promise)}"
    lines = [title, *_status_lines(environment, promise, port.recorded), ""]
    facts = [
        *_facts(promise),
        ("notice", [given.in_words(now) for given in port.notices]),
        ("versions", [f"{kept.version}  {_is_deployed(kept, port.recorded)}" for kept in port.versions]),
    ]
    for label, texts in facts:
        for index, text in enumerate(texts):
            lines.append(f"  {(label if index == 0 else ''):<{LABEL_WIDTH}}  {text}".rstrip())
    return "\n".join(lines)


def port_document(port: ShownPort) -> dict[str, Any]:
    """The contract of one port as JSON."""
    promise = port.promise
    contract = promise.contract
    return {
        "port": port.identity.address,
        "contract": None if contract is None else contract.model_dump(mode="json", exclude_none=True),
        "models": {
            name: model.model_dump(mode="json", exclude_defaults=True, by_alias=True)
            for name, model in promise.models.items()
        },
        "protocols": list(promise.protocols),
        "recorded": stage(port.recorded),
        "notices": [given.as_json() for given in port.notices],
        "versions": [
            {"version": kept.version, "lifecycle": kept.lifecycle, "current": _is_current(kept, port.recorded)}
            for kept in port.versions
        ],
    }


def _is_deployed(kept: ContractVersionRecord, recorded: PromisedPort | None) -> str:
    """The lifecycle of a version; for a superseded one, its last lifecycle."""
    return kept.lifecycle if _is_current(kept, recorded) else f"was {kept.lifecycle}"


def _is_current(kept: ContractVersionRecord, recorded: PromisedPort | None) -> bool:
    contract = recorded.contract if recorded is not None else None
    return contract is not None and contract.version == kept.version


def diff_page(step: PortStep, environment: str) -> str:
    """The changes of one port's contract, breaking ones first."""
    steps = [_contract(port) if port is not None else "no port" for port in (step.before, step.after)]
    stages = steps[0] if steps[0] == steps[1] else " → ".join(steps)
    lines = [f"{styled(step.address, bold=True)}  {environment}  {stages}"]
    if not step.diff.changes:
        return "\n".join([*lines, "", "  nothing changed"])
    width = max(len(change.place) for change in step.diff.changes)
    for kind in KINDS:
        changes = step.diff.of(kind)
        if changes:
            lines += ["", f"  {styled(kind, fg=COLOURS[kind], bold=True)}"]
            lines += [f"  {MARKS[each.change]} {each.place:<{width}}  {each.message}" for each in changes]
    if step.notice is not None and step.period:
        command = complete(notice_command(step.address, step.notice))
        waits = f"{WORDS[step.notice]} waits for the notice period of {duration_in_words(step.period)}"
        lines += ["", f"  while consumers hold grants, {waits}: {command}"]
    return "\n".join(lines)


def _contract(port: PromisedPort) -> str:
    if port.contract is None:
        return "no contract"
    return f"{port.contract.version} {port.contract.lifecycle}"


def _status_lines(environment: str, port: PromisedPort, recorded: PromisedPort | None) -> Iterator[str]:
    if recorded is None:
        yield styled(f"not recorded in {environment} yet", dim=True)
    elif stage(recorded) != stage(port):
        yield styled(f"recorded in {environment}: {_contract(recorded)}", dim=True)


def _facts(port: PromisedPort) -> Iterator[tuple[str, list[str]]]:
    """Label and lines of each fact."""
    contract = port.contract
    if contract is not None:
        yield "access", [contract.access.value]
        yield "service levels", [APART.join(_service_levels(contract)) or "none"]
        yield "usage", [" ".join(contract.terms.usage.split()) or "not described"]
        yield "billing", [APART.join(_billing(contract.terms.billing))]
        yield "notice period", [_period(contract.terms.notice_period)]
    yield "protocols", [", ".join(port.protocols)]
    yield "models", [_model(name, len(model.properties), model.description) for name, model in port.models.items()]
    if contract is not None:
        yield "tests", [_test(rule) for rule in contract.quality] or ["none"]


def _billing(billing: Billing | None) -> Iterator[str]:
    if billing is None:
        yield "none"
        return
    yield cost(billing)
    if billing.time_zone is not None:
        yield f"months of {billing.time_zone}"
    for name in Credits.model_fields:
        share = getattr(billing.credits, name, None)
        if share is not None:
            yield f"{format_percent(share)} back if the {name.replace('_', ' ')} is broken"


def _service_levels(contract: Contract) -> Iterator[str]:
    levels = contract.service_levels
    if levels.uptime is not None:
        yield f"answers {format_percent(levels.uptime)} of the time"
    if levels.update_frequency is not None:
        yield f"updated every {format_duration(levels.update_frequency)}"
    if levels.response_time is not None:
        yield f"answers in {format_duration(levels.response_time)} ({levels.percentile_in_force})"
    if levels.freshness is not None:
        yield f"serves a change within {format_duration(levels.freshness)}"
    if levels.uptime is not None or levels.response_time is not None or levels.update_frequency is not None:
        yield f"measured over {format_duration(levels.window_in_force)}"
    if levels.maintenance is not None:
        yield f"uptime leaves out {format_duration(levels.maintenance)} of announced maintenance"


def _period(period: timedelta | None) -> str:
    return duration_in_words(period) if period else "none"


def _model(name: str, properties: int, description: str) -> str:
    count = f"{properties} {'property' if properties == 1 else 'properties'}"
    return f"{name}  {count}{APART}{description}" if description else f"{name}  {count}"


def _test(rule: QualityRule) -> str:
    about = ".".join(part for part in (rule.model, rule.property) if part)
    measured = f"{rule.metric} of {about}" if rule.metric and about else rule.metric or ""
    return "  ".join(part for part in (rule.name, rule.description, measured, compared(rule)) if part)
