"""The state of one product, or of all, for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from rich.console import Console
from rich.text import Text

from alchemesh_cli.context_options import complete
from alchemesh_cli.render.promises import commitment_block, incident_line
from alchemesh_cli.render.text.quantities import ago, at, counted, share, size, span, took
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.quantities import brief
from alchemesh_platform.base.remedy import command
from alchemesh_platform.base.units import duration_in_words, parse_duration
from alchemesh_platform.contracts.notices.period import moment_in_words
from alchemesh_platform.levels.commitment import FRESHNESS, RESPONSE_TIME
from alchemesh_platform.observed.models import (
    AccessStatus,
    CodeStatus,
    ContractStatus,
    FreshnessStatus,
    HolderStatus,
    InputStatus,
    MeasureStatus,
    NoticeStatus,
    OutputStatus,
    PlaceStatus,
    ProductStatus,
    ProductSummary,
    StateStatus,
    TableStatus,
)
from alchemesh_platform.observed.standing import Standing
from alchemesh_platform.registry.lineage import Lineage
from alchemesh_platform.registry.lineage_text import BRANCH, GAP, LAST, LINE, as_flow, as_tree
from alchemesh_platform.registry.records import Deployment
from alchemesh_platform.sdk.observation import Health

# Mark and colour. Words carry the same meaning wherever it matters.
HEALTH: Mapping[Health | None, tuple[str, str]] = {
    "healthy": ("✓", "green"),
    "unhealthy": ("✗", "red"),
    "unknown": ("?", "yellow"),
    "empty": ("○", "yellow"),
    None: ("·", "dim"),
}
NOT_WELL: frozenset[Health | None] = frozenset({"unhealthy", "unknown", "empty"})
OUTCOME = {
    "succeeded": ("✓", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("-", "yellow"),
    "running": ("…", "cyan"),
}
RUNNING = "running or killed"
CHANGES = {
    "create": "created",
    "import": "imported",
    "update": "changed",
    "replace": "replaced",
    "delete": "removed",
}
STATES: Mapping[str, tuple[str, str]] = {
    "down": ("✗", "red"),
    "in_incident": ("!", "red"),
    "maintenance": ("-", "yellow"),
    "unknown": ("?", "yellow"),
    "operational": ("✓", "green"),
}
MEASURED: Mapping[str, tuple[str, str]] = {
    "value": ("", ""),
    "unknown": ("?", "yellow"),
    "stale": ("…", "yellow"),
    "error": ("✗", "red"),
}
_NAME_WIDTH = 14  # of a measure
TESTED: Mapping[str, tuple[str, str]] = {
    "passed": ("✓", "green"),
    "failed": ("✗", "red"),
    "unknown": ("?", "yellow"),
    "stale": ("…", "yellow"),
    "error": ("✗", "red"),
    "not executable": ("·", "dim"),
}
OUTPUT_LINES_SHOWN = 5
APART = " · "
SAME = "for the same reason"


def print_product(console: Console, status: ProductStatus, now: datetime, where: str = "") -> None:
    """One product: its last deployment, ports, endpoints, assets, contracts, needs and code.

    Args:
        where: Its environment, as screens name it; by default the name.
    """
    places = list(_places(status, now, console.width))
    for line in (*_heading(status, now, where or status.environment), *_drawn(places)):
        console.print(line, soft_wrap=True)


def print_scores(console: Console, standing: Standing | None) -> None:
    """Value and maturity of a product, each with its explanation. Unknown values are shown as unknown, not as zero."""
    value = standing.value if standing is not None else None
    mature = standing.maturity if standing is not None else None
    deductions = [f"-{each.points} {each.policy}: {each.message}" for each in value.deductions] if value else []
    deductions += [f"not evaluated: {policy}" for policy in value.open] if value else []
    grown = [f"{each.points:.0f} of {each.of}  {each.why}" for each in mature.reasons] if mature else []
    lines = [
        ("value     ", f"{value.value} of 100" if value else "unknown", deductions),
        ("maturity  ", f"{mature.value} of 100" if mature else "unknown", grown),
    ]
    console.print(Text("\nscores", style="bold"))
    for label, number, reasons in lines:
        console.print(Text.assemble("  ", (label, "dim"), number), soft_wrap=True)
        for reason in reasons:
            console.print(Text(f"    {reason}"), soft_wrap=True)


def print_summaries(console: Console, environment: str, summaries: Sequence[ProductSummary], now: datetime) -> None:
    """Every product of an environment, one per line."""
    console.print(Text.assemble((counted(len(summaries), "product"), "bold"), f"  {environment}\n"))
    rows = [
        (
            summary.address,
            f"{summary.version} {summary.lifecycle}",
            f"{summary.inputs} in, {summary.outputs} out",
            counted(summary.assets, "asset"),
        )
        for summary in summaries
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for summary, row in zip(summaries, rows, strict=True):
        line = Text()
        for text, width, style in zip(row, widths, ("bold", "", "dim", "dim"), strict=True):
            line.append(f"{text:<{width}}  ", style=style)
        console.print(line.append_text(_deployment(summary.last_deployment, now, brief=True)), soft_wrap=True)


def print_history(console: Console, deployments: Sequence[Deployment], *, with_product: bool) -> None:
    """Operations, newest first, one per line, with their errors below."""
    console.print(Text("\nhistory", style="bold"))
    if not deployments:
        console.print("  no operations yet")
    width = max((len(deployment.product) for deployment in deployments), default=0)
    for deployment in deployments:
        mark, style = OUTCOME[deployment.outcome]
        line = Text.assemble("  ", (f"{mark} ", style), (f"{at(deployment.started_at)}  ", "dim"))
        if with_product:
            line.append(f"{deployment.product:<{width}}  ", style="bold")
        line.append(f"{deployment.operation:<7}  ")
        line.append(f"{_outcome(deployment):<9}  ", style=style)
        line.append(APART.join([*_came_of(deployment), deployment.actor]))
        console.print(line, soft_wrap=True)
        if deployment.problem:
            console.print(Text(f"    {deployment.problem}"), soft_wrap=True)


def print_lineage(console: Console, lineage: Lineage, *, of_one: bool) -> None:
    """Sources and consumers of data: along the flow for one product, by domain for all."""
    console.print(Text("\nlineage", style="bold"))
    drawing = as_flow(lineage) if of_one else as_tree(lineage)
    console.print(Text(drawing or "  no lineage yet"), soft_wrap=True)


def _heading(status: ProductStatus, now: datetime, where: str) -> Iterator[Text]:
    title = Text.assemble((status.address, "bold"), f"  {where}")
    if status.is_deployed:
        if status.version:
            title.append(f"  {status.version} {status.lifecycle}")
        if status.health in NOT_WELL:
            mark, style = HEALTH[status.health]
            title.append(f"  {mark} {status.health}", style=style)
    else:
        title.append("  not deployed")
    yield title
    if status.description:
        yield Text(one_line(status.description))
    if status.owner:
        yield Text(f"team {status.team}{APART}owner {status.owner}", style="dim")
    if status.state is not None and status.state.at is not None:
        yield _state(status.state, now)
    yield _deployment(status.last_deployment, now)
    if status.last_deployment and status.last_deployment.problem:
        yield Text(f"  {status.last_deployment.problem}")


def _deployment(deployment: Deployment | None, now: datetime, *, brief: bool = False) -> Text:
    """``✓ up succeeded 3 minutes ago by amelia@laptop · 9 created · took 1.4 s``."""
    if deployment is None:
        return Text("· never deployed", style="dim")
    mark, style = OUTCOME[deployment.outcome]
    line = Text.assemble((f"{mark} {deployment.operation} {_outcome(deployment)}", style))
    moment = deployment.finished_at or deployment.started_at
    line.append(f"{' ' if deployment.finished_at else ', since '}{ago(moment, now)}")
    if not brief:
        line.append(f" by {_starter(deployment)}")
        line.append("".join(f"{APART}{fact}" for fact in _came_of(deployment)), style="dim")
    return line


def _starter(deployment: Deployment) -> str:
    """The actor; of a run by an engine, the engine. With the reason of a run that nobody started by hand."""
    reason = "" if deployment.trigger in (None, "manual") else f", {deployment.trigger}"
    return f"{deployment.engine or deployment.actor}{reason}"


def _outcome(deployment: Deployment) -> str:
    # The registry cannot distinguish the two: a killed run could not record its end.
    return RUNNING if deployment.outcome == "running" else deployment.outcome


def _came_of(deployment: Deployment) -> list[str]:
    facts = [f"{deployment.changes[name]:,} {done}" for name, done in CHANGES.items() if deployment.changes.get(name)]
    if deployment.operation == "up" and deployment.outcome == "succeeded" and not facts:
        facts.append("nothing to change")
    if (deployment.attempt or 1) > 1:
        facts.append(f"attempt {deployment.attempt}")
    if deployment.written:
        facts.append(f"{counted(sum(deployment.written.values()), 'row')} written")
    if deployment.exit_status:
        facts.append(f"exit status {deployment.exit_status}")
    if deployment.seconds is not None:
        facts.append(f"took {took(deployment.seconds)}")
    return facts


def _drawn(branches: Sequence[tuple[Text, Sequence[Text]]]) -> Iterator[Text]:
    """A tree of two levels. Rich's own tree truncates long lines, and an address must stay whole."""
    for number, (label, details) in enumerate(branches, start=1):
        last = number == len(branches)
        yield Text.assemble((LAST if last else BRANCH, "dim"), label)
        for position, detail in enumerate(details, start=1):
            outer, final = GAP if last else LINE, position == len(details)
            for row, part in enumerate(detail.split("\n")):
                inner = (LAST if final else BRANCH) if row == 0 else (GAP if final else LINE)
                yield Text.assemble((outer + inner, "dim"), part)


def _places(status: ProductStatus, now: datetime, width: int) -> Iterator[tuple[Text, list[Text]]]:
    code = [status.code] if status.code else []
    places: list[tuple[str, PlaceStatus]] = [
        *(("input", port) for port in status.inputs),
        *(("need", need) for need in status.needs),
        *(("code", part) for part in code),
        *(("output", port) for port in status.outputs),
    ]
    names = max((len(place.name) for _, place in places if place is not status.code), default=0)
    made = max((len(_made_of(place)) for kind, place in places if kind != "output"), default=0)
    for kind, place in places:
        mark, style = HEALTH[place.health]
        line = Text.assemble((f"{mark} ", style), (f"{kind:<6} ", "dim"))
        line.append(f"{'' if place is status.code else place.name:<{names}}  ", style="bold")
        line.append(f"{_made_of(place):<{made}}", style="dim")
        line.append_text(_aside(place, now)).rstrip()
        yield line, list(_details(place, now, width))


def _made_of(place: PlaceStatus) -> str:
    """``columnar-table → delta-table``, or the origin of an input port."""
    if isinstance(place, InputStatus) and place.from_product:
        return f"from {place.origin}"
    return ", ".join(f"{part.component_type} → {part.component}" for part in place.parts)


def _aside(place: PlaceStatus, now: datetime) -> Text:
    """The end of a place's line: the data of an input or a need, or the entrypoint of the code."""
    if isinstance(place, CodeStatus):
        words = [place.entrypoint or "", f"cron {place.schedule}" if place.schedule else ""]
    elif len(place.tables) == 1 and not isinstance(place, OutputStatus):
        words = [*_healthy_reasons(place), _holds(place.tables[0], now, brief=True)]
    else:
        words = []
    joined = APART.join(word for word in words if word)
    return Text(f"  {joined}" if joined else "")


def _next_run(code: CodeStatus) -> Iterator[Text]:
    """The next time of a schedule, its time zone, and its engine."""
    words = [
        f"next run {at(code.next_run_at)}" if code.next_run_at else "",
        f"schedule in {code.time_zone}" if code.schedule and code.time_zone not in (None, "UTC") else "",
        f"by {code.engine}" if code.engine else "",
    ]
    if any(words):
        yield Text(APART.join(word for word in words if word))


def _details(place: PlaceStatus, now: datetime, width: int) -> Iterator[Text]:
    for part in place.parts:
        if part.health in NOT_WELL:
            _, style = HEALTH[part.health]
            yield Text.assemble((f"{part.health}", style), f"  {part.component}: {part.reason or 'no reason given'}")
    if isinstance(place, InputStatus) and place.access is not None:
        yield _access(place.access, now)
    if isinstance(place, OutputStatus):
        yield from _output_details(place, now, width)
    elif isinstance(place, InputStatus):
        if place.consumed is not None:
            if place.consumed.state.at is not None:
                yield Text.assemble(("source    ", "dim"), _state(place.consumed.state, now))
            yield from commitment_block(place.consumed.commitments, now, width)
            yield from (incident_line(each, now) for each in place.consumed.incidents)
        yield from (_notice(notice, now) for notice in place.notices)
    elif isinstance(place, CodeStatus):
        yield from _next_run(place)
        for number, run in enumerate(place.runs):
            line = _deployment(run, now)
            if number == 0 and run.outcome == "failed":
                tail = (run.output or "").splitlines()[-OUTPUT_LINES_SHOWN:]
                line.append("".join(f"\n  {printed}" for printed in tail), style="dim")
            yield line
    elif len(place.tables) > 1:
        width = max(len(table.name) for table in place.tables)
        for table in place.tables:
            yield Text(f"{table.name:<{width}}  {_holds(table, now)}")


def _output_details(port: OutputStatus, now: datetime, width: int) -> Iterator[Text]:
    names = max((len(asset.name) for asset in port.assets), default=0)
    for asset in port.assets:
        yield Text.assemble(("asset     ", "dim"), (f"{asset.name:<{names}}  ", "bold"), _holds(asset, now))
        notes = ["", *(measure.note for measure in asset.measures)]
        yield from (_measure(one, now, before) for one, before in zip(asset.measures, notes, strict=False))
    for table in port.tables:
        held = APART.join(word for word in (*_healthy_reasons(port), _holds(table, now)) if word)
        yield Text.assemble((f"{table.name:<8}  ", "dim"), held)
    for protocol, address in port.endpoints.items():
        yield Text.assemble((f"{protocol:<8}  ", "dim"), address)
    for reason in _healthy_reasons(port) if not port.tables else ():
        if reason:
            yield Text.assemble(("serves    ", "dim"), reason)
    yield Text.assemble(("contract  ", "dim"), _contract(port.contract))
    if port.freshness is not None and not _is_measured(port, FRESHNESS):
        yield Text.assemble(("freshness ", "dim"), _freshness(port.freshness))
    yield from commitment_block(port.commitments, now, width)
    yield from (incident_line(each, now) for each in port.incidents)
    promised = {each.name for each in port.commitments}
    yield from (_test(test, now) for test in port.tests if test.measure not in promised)
    yield from (_measure(each, now) for each in port.measures if each.measure.partition(":")[0] not in promised)
    yield from (_holder(holder) for holder in port.holders)
    yield from (_notice(notice, now) for notice in port.notices)


def _is_measured(port: OutputStatus, name: str) -> bool:
    return any(each.name == name and each.number is not None for each in port.commitments)


def _state(state: StateStatus, now: datetime) -> Text:
    """``✗ down 3 min ago by amelia@… (the feed is late)``: the state that was reported last."""
    mark, style = STATES[state.state]
    note = f" ({one_line(state.note)})" if state.note else ""
    when = f"{ago(state.at, now)} " if state.at is not None else ""
    by = f"by {state.reported_by}" if state.reported_by else ""  # nobody reports an incident: measurements open it
    facts = f"{when}{by}".rstrip()
    return Text.assemble((f"{mark} {state.state.replace('_', ' ')}", style), f" {facts}{note}")


def _measure(measure: MeasureStatus, now: datetime, before: str = "") -> Text:
    """``completeness  99 % (990 of 1,000) · 3 min ago by code of …``, or the reason why there is no value.

    A reason is named once, if that of the measure ``before`` is the same.
    """
    mark, style = MEASURED[measure.outcome]
    facts = [f"{ago(measure.measured_at, now)} by {measure.reported_by}"]
    if measure.outcome == "value":
        said = _value(measure)
    else:
        said = f"{mark} {measure.outcome}"
        reason = SAME if measure.note == before else one_line(measure.note)
        facts.insert(0, _value(measure) if measure.outcome == "stale" else reason)
    name = measure.measure.replace("_", " ").replace(":", " ")
    return Text.assemble(
        (f"{'':<10}{name:<{_NAME_WIDTH}}{'' if len(name) < _NAME_WIDTH else '  '}", "dim"),
        (said, style),
        APART,
        APART.join(fact for fact in facts if fact),
    )


def _test(test: MeasureStatus, now: datetime) -> Text:
    """``test      unique-sales  ✗ failed · found 2, expected mustBe 0 · 3 min ago``."""
    name = test.measure.partition(":")[2]
    outcome = ("passed" if test.value else "failed") if test.outcome == "value" else test.outcome
    mark, style = TESTED[outcome]
    facts = [one_line(test.note), ago(test.measured_at, now)]
    said = (f"{mark} {outcome}", style)
    return Text.assemble(("test      ", "dim"), f"{name}  ", said, APART, APART.join(fact for fact in facts if fact))


def _value(measure: MeasureStatus) -> str:
    if measure.good is not None and measure.total:
        return f"{share(measure.good, measure.total)} ({measure.good:,} of {measure.total:,})"
    if measure.unit == "seconds" and measure.value is not None:
        return brief(measure.value) if measure.measure.startswith(RESPONSE_TIME) else span(measure.value)
    if measure.unit == "count" and measure.value is not None:
        requests = counted(int(measure.value), "request")
        return f"{requests} in {span(measure.window_seconds)}" if measure.window_seconds else requests
    return "reported" if measure.value is None else f"{measure.value:g}"


def _freshness(freshness: FreshnessStatus) -> str:
    """``changes reach consumers within 5 min · now current``, or by how much they are behind."""
    promised = f"changes reach consumers within {duration_in_words(parse_duration(freshness.promised))}"
    lag = freshness.lag_seconds
    now = "not measured" if lag is None else "now current" if lag < 1 else f"now {lag:.0f} s behind"
    return APART.join([promised, now, *(["promise broken"] if freshness.kept is False else [])])


def _holder(holder: HolderStatus) -> Text:
    """``holder    carl@acme.example of marketing/campaigns · since 2026-04-01 12:00 UTC · expires …``."""
    of = f" of {holder.requester}" if holder.requester not in ("", holder.holder) else ""
    facts = [f"{holder.holder}{of}", f"since {at(holder.since)}"]
    facts += [f"expires {at(holder.expires_at)}"] if holder.expires_at is not None else []
    return Text.assemble(("holder    ", "dim"), APART.join(facts))


def _notice(notice: NoticeStatus, now: datetime) -> Text:
    """``notice    breaking-change from 2026-04-01 12:00 UTC · tail_number goes``; ``since`` once the period is over."""
    when = "from" if notice.passes_at > now else "since"
    facts = [
        f"{notice.what} {when} {moment_in_words(notice.passes_at)}",
        *([one_line(notice.message)] if notice.message else []),
    ]
    return Text.assemble(("notice    ", "yellow"), APART.join(facts))


def _healthy_reasons(place: PlaceStatus) -> list[str]:
    """Details that healthy components report: ``12 files``."""
    return [part.reason for part in place.parts if part.health == "healthy"]


def _holds(table: TableStatus, now: datetime, *, brief: bool = False) -> str:
    """``336,776 rows · 31.2 MB · changed 2 min ago``; in brief, the size only without rows."""
    sized = table.size_bytes is not None and not (brief and table.rows is not None)
    facts = [
        counted(table.rows, "row") if table.rows is not None else "",
        size(table.size_bytes or 0) if sized else "",
        f"changed {ago(table.changed_at, now)}" if table.changed_at else "",
        "" if brief else _former_versions(table, now),
    ]
    return APART.join(fact for fact in facts if fact) or "rows unknown"


def _former_versions(table: TableStatus, now: datetime) -> str:
    """``former versions stay 7 days, removed 2 h ago, 3 files overdue``; empty without a retention."""
    if table.retention is None:
        return ""
    facts = [
        f"former versions stay {duration_in_words(table.retention)}",
        f"removed {ago(table.vacuumed_at, now)}" if table.vacuumed_at else "none removed yet",
        f"{counted(table.overdue_files, 'file')} overdue" if table.overdue_files else "",
    ]
    return ", ".join(fact for fact in facts if fact)


def _access(access: AccessStatus, now: datetime) -> Text:
    """``access    revoked  3 min ago by amelia@… (over) · alchemesh access renew req-…``, or that it is granted."""
    if access.state == "granted":
        ends = f"{APART}ends {at(access.ends_at)}" if access.ends_at else ""
        return Text(f"access    granted  {access.request}{ends}", style="dim")
    reason = f" ({one_line(access.reason)})" if access.reason else ""
    over = access.state in ("rejected", "revoked", "expired")
    following = complete(command("access", "renew" if over else "show", access.request)).line
    line = Text.assemble("access    ", (access.state, "red" if over else "yellow"))
    return line.append(f"  {ago(access.at, now)} by {access.by}{reason}{APART}{following}")


def _contract(contract: ContractStatus | None) -> str:
    if contract is None:
        return "none"
    period = contract.notice_period and duration_in_words(parse_duration(contract.notice_period))
    notice = [f"notice {period}"] if period else []
    return APART.join([f"{contract.version} {contract.lifecycle}", contract.access, *notice])
