"""A product as a tree by port: planned, running and finished changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.text import Text

from alchemesh_cli.context_options import complete
from alchemesh_cli.render.mesh.contract import COLOURS
from alchemesh_cli.render.text.quantities import losses_in_words
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.remedy import command, with_text
from alchemesh_platform.base.secrecy.recognise import is_secret
from alchemesh_platform.base.units import duration_in_words
from alchemesh_platform.compose.plan import Plan, PlannedOutput
from alchemesh_platform.contracts.compatibility.changes import KINDS, ChangeWord
from alchemesh_platform.contracts.compatibility.step import PortStep
from alchemesh_platform.deployment.grants.resources import COMPONENT_PREFIX, GRANT
from alchemesh_platform.deployment.report.outcome import Outcome, has_problem
from alchemesh_platform.deployment.report.progress import (
    ASSET,
    CONTRACT,
    LINEAGE,
    MANIFEST,
    PORT,
    PRODUCT,
    Change,
    Section,
    address_of,
    grant_of,
)
from alchemesh_platform.engine.run.events import PropertyDiff
from alchemesh_platform.manifest.models import Contract
from alchemesh_platform.registration.protocol import addresses_by_protocol
from alchemesh_platform.registry.lineage_text import BRANCH, GAP, LAST, LINE
from alchemesh_platform.sdk.connections.kinds import is_of_role

# Operation: mark, colour, and the word for a count of it. The mark carries the meaning, the colour only repeats it.
MARKS: Mapping[str, tuple[str, str, str]] = {
    "create": ("+", "green", "created"),
    "import": ("↩", "green", "imported"),
    "update": ("~", "yellow", "changed"),
    "replace": ("±", "magenta", "replaced"),
    "delete": ("-", "red", "removed"),
    "drift": ("!", "yellow", "drifted"),
    "same": ("=", "dim", "unchanged"),
    "read": ("=", "dim", "read"),
}
WILL = {
    "create": "to create",
    "import": "to import",
    "update": "to change",
    "replace": "to replace",
    "delete": "to remove",
    "drift": "drifted",
}
_OPERATION_OF: Mapping[ChangeWord, str] = {"added": "create", "removed": "delete", "changed": "update"}
_KIND_WIDTH = max(len(kind) for kind in KINDS)
LONGEST_VALUE = 60
MOST_DIFFS = 12
NOTHING = "nothing to change"  # the totals of a run without changes
MOST_GRANTS = 12
# Records with a line of their own. Their creation and removal follow from that of the product, and so does an update
# without a declared difference: these are shown if nothing else is.
NOTED: Mapping[str, str] = {PRODUCT: "product", PORT: "port", MANIFEST: "manifest", LINEAGE: "lineage"}
# Operation: the word for its effect on a record.
RECORDED: Mapping[str, str] = {"create": "recorded", "delete": "removed"}
GRANTED: Mapping[str, str] = {"create": "created", "delete": "revoked"}


def product_tree(
    sections: Sequence[Section],
    plan: Plan | None,
    title: str,
    *,
    preview: bool,
    running: bool,
    every: bool = False,
) -> Group:
    """The whole tree: a line for each port, with its problems and its details below.

    Args:
        sections: The product, and its ports, needs and code. Those of an ended run have conditions and problems.
        plan: The plan, for contracts and their terms, which the engine does not report.
        title: First line, in rich's markup.
        preview: Whether the marks are of planned changes instead of finished ones.
        running: Whether the run continues, so that changes that have not started are shown as waiting.
        every: Whether each new resource has a line too.
    """
    outputs = {output.name: output for output in plan.outputs} if plan else {}
    noted = not running and not any(_is_counted(change) for section in sections for change in section.changes)
    # Changes that delete data come first.
    sections = sorted(sections, key=lambda section: not section.losses)
    sections = [
        section for section in sections if section.kind != "product" or _is_shown(section, running=running, noted=noted)
    ]
    width = max((len(_title(section)) for section in sections), default=0)
    made_of = max((len(_made_of(section)) for section in sections), default=0)
    lines = [Text.from_markup(title)]
    for section in sections:
        last = section is sections[-1]
        lines.append(Text(LAST if last else BRANCH, style="dim"))
        lines[-1].append_text(_line(section, width, made_of, preview=preview, running=running))
        output = outputs.get(section.name)
        below = list(_details(section, output, preview=preview, running=running, noted=noted, every=every))
        for number, (head, *rest) in enumerate(below, start=1):
            guide = GAP if last else LINE
            lines.append(Text(guide + (LAST if number == len(below) else BRANCH), style="dim").append_text(head))
            under = guide + (GAP if number == len(below) else LINE)
            lines += [Text(under, style="dim").append_text(line) for line in rest]
    return Group(*lines)


def _line(section: Section, width: int, made_of: int, *, preview: bool, running: bool) -> Text:
    mark, style = _mark(section, preview=preview, running=running)
    line = Text()
    line.append(f"{mark} ", style=style)
    line.append(f"{section.kind:<7} ", style="dim")
    line.append(f"{_title(section):<{width}}  ", style="bold")
    line.append(f"{_made_of(section):<{made_of}}  ", style="dim")
    line.append(_summary(section, preview=preview, running=running), style=style)
    return line


def _is_shown(product: Section, *, running: bool, noted: bool) -> bool:
    """Whether the product has a line of its own: for its problems, and for changes of its records."""
    return not running and (has_problem(product) or any(True for _ in _record_changes(product.changes, noted=noted)))


def _is_counted(change: Change) -> bool:
    """Whether the totals count a change by itself. If there is none, the tree and the totals name the other records."""
    if change.is_group or change.state != "done" or change.operation not in WILL:
        return False
    if change.type in NOTED:
        return _is_declared(change)
    return not change.is_record or change.type in (ASSET, CONTRACT, GRANT)


def _is_declared(change: Change) -> bool:
    """Whether the manifest changed what a record holds."""
    return change.operation in ("update", "replace") and bool(change.own_diffs)


def _mark(section: Section, *, preview: bool, running: bool) -> tuple[str, str]:
    if running:
        if section.state == "failed":
            return "✗", "red"
        if not section.changes:
            return "·", "dim"
        if section.state == "running":
            return "…", "cyan"
    elif has_problem(section):
        return "✗", "red"
    elif section.condition != "done":
        return "·", "yellow"
    if preview:
        mark, style, _ = MARKS[section.operation]
        return mark, style
    if section.operation in ("delete", "drift"):
        mark, style, _ = MARKS[section.operation]
        return mark, style
    return "✓", "green"


def _title(section: Section) -> str:
    """The name of a port. The code has no name."""
    return "" if section.kind == "code" else section.name


def _made_of(section: Section) -> str:
    if not section.component_type:
        return ""
    return f"{section.component_type} → {', '.join(section.components)}"


def _summary(section: Section, *, preview: bool, running: bool) -> str:
    """The end of a port's line: how far it got, its rows, otherwise its changes."""
    if running and section.state == "failed":
        return "failed"
    if not running and section.condition != "done":
        return section.condition
    rows = [change.outputs["rows"] for change in section.resources if _is_count(change.outputs.get("rows"))]
    shown = rows and not preview and section.operation != "delete"
    landed = f"{sum(int(count) for count in rows):,} rows" if shown else ""
    if section.operation == "same":
        return landed or ("unchanged" if section.changes else "")
    if preview and section.losses:
        will = WILL["delete" if section.operation == "delete" else "replace"]
        return f"{will}, deletes {losses_in_words([change.loss for change in section.losses])}"
    counted: dict[str, int] = {}
    for change in section.resources:
        if change.operation in WILL:
            counted[change.operation] = counted.get(change.operation, 0) + 1
    if preview:
        return ", ".join(f"{count} {WILL[operation]}" for operation, count in counted.items()) or WILL["update"]
    return landed or MARKS[section.operation][2]


def _is_count(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _details(
    section: Section, output: PlannedOutput | None, *, preview: bool, running: bool, noted: bool, every: bool
) -> Iterator[list[Text]]:
    """The details of a port, each a line with the lines below it: first its problems."""
    for problem in () if running else section.problems:
        words = with_text(problem.message, lambda text: text.removeprefix(f"{section.name or section.kind}, "))
        yield [Text.assemble((f"{problem.location}  ", "dim"), (one_line(words), "red"))]
    shown = [change for change in section.changes if running or change.state == "done"]
    for change in sorted(section.resources, key=lambda change: change.loss is None):
        if change not in shown:
            if change.state == "failed":
                yield [Text.assemble(("✗ ", "red"), f"{_short_type(change)} {change.name}")]
            continue
        if (
            change.operation in ("import", "update", "replace", "drift")
            or (change.operation == "delete" and (section.operation != "delete" or change.loss is not None))
            or (every and change.operation == "create")
        ):
            yield _changed(change, f"{_short_type(change)} {change.name}{_lost(change, preview=preview)}")
    for change in shown:
        if change.type == ASSET and change.operation != "same":
            yield _changed(change, f"asset {address_of(change)}")
    yield from _record_changes(shown, noted=noted)
    yield from _grants(shown)
    if not preview:
        yield from ([Text.assemble((f"{protocol:<8} ", "dim"), address)] for protocol, address in _endpoints(shown))
    contract = next((change for change in shown if change.type == CONTRACT), None)
    if contract and contract.operation != "same":
        words = _contract_summary(output.contract if output else None, section.step)
        yield _changed(contract, words) if section.step is None else _judged(contract, words, section.step)
    elif contract is None and section.step is not None and section.step.diff.changes and not running:
        words = _contract_summary(output.contract if output else None, section.step)
        change = Change("", CONTRACT, "", "", "create" if section.step.before is None else "update")
        yield _judged(change, words, section.step) if preview else [Text(f"{words}, not recorded", style="dim")]
    elif output and output.contract:
        yield [Text(_contract_summary(output.contract, section.step), style="dim")]


def _record_changes(changes: Iterable[Change], *, noted: bool) -> Iterator[list[Text]]:
    """Changes of the registry's records of the product, its ports, its manifest and its lineage.

    Args:
        noted: Whether no other change is shown. Then each changed record is, also one that follows from a resource.
    """
    for change in changes:
        declared = change.type in NOTED and _is_declared(change)
        if declared or (noted and change.type in NOTED and change.operation in WILL):
            mark, style, _ = MARKS[change.operation]
            what = f"{NOTED[change.type]} {address_of(change)}"
            yield [
                Text.assemble((f"{mark} ", style), what),
                *_differences(
                    change.own_diffs if change.type in (PRODUCT, PORT) and declared else change.declared_diffs
                ),
            ]


def _grants(changes: Iterable[Change]) -> Iterator[list[Text]]:
    """Changed grants: consumer, purpose and end date."""
    changed = [change for change in changes if change.type == GRANT and change.operation in WILL]
    for change in changed[:MOST_GRANTS]:
        granted = grant_of(change)
        until = f"  until {str(granted['ends_at'])[:10]}" if granted["ends_at"] else ""
        who = one_line(str(granted["requester"] or granted["request"]))
        yield _changed(change, f"grant {who}  {_value(granted['purpose'])}{until}".rstrip())
    if len(changed) > MOST_GRANTS:
        yield [Text(f"and {len(changed) - MOST_GRANTS:,} more grants, see --json", style="dim")]


def _judged(contract: Change, heading: str, step: PortStep) -> list[Text]:
    """Changes of a contract with their effect on consumers, breaking ones first; none for a new port."""
    mark, style, _ = MARKS[contract.operation]
    lines = [Text.assemble((f"{mark} ", style), heading)]
    if step.before is None:
        return lines
    changes = [change for kind in KINDS for change in step.diff.of(kind)]
    for change in changes[:MOST_DIFFS]:
        sign, colour, _ = MARKS[_OPERATION_OF[change.change]]
        judged = (f"{change.kind:<{_KIND_WIDTH}}  ", COLOURS[change.kind])
        lines.append(
            Text.assemble("  ", (f"{sign} ", colour), judged, (change.place, "bold"), f"  {one_line(change.message)}")
        )
    if len(changes) > MOST_DIFFS:
        diff = complete(command("contract", "diff", about_product=True))
        lines.append(Text(f"  and {len(changes) - MOST_DIFFS} more, see {diff}", style="dim"))
    return lines


def _contract_summary(contract: Contract | None, step: PortStep | None) -> str:
    was = step.before.contract if step is not None and step.before is not None else None
    contract = contract or was  # of a port that is removed
    if contract is None:
        return "contract"
    version, lifecycle = (
        str(now) if before is None or before == now else f"{before} → {now}"
        for before, now in (
            (was and was.version, contract.version),
            (was and was.lifecycle, contract.lifecycle),
        )
    )
    words = [f"contract {version} {lifecycle}", str(contract.access)]
    if contract.terms.notice_period is not None:
        words.append(f"notice {duration_in_words(contract.terms.notice_period)}")
    return ", ".join(words)


def _changed(change: Change, what: str) -> list[Text]:
    mark, style, _ = MARKS[change.operation]
    lines = [Text.assemble((f"{mark} ", style), what)]
    if change.operation in ("update", "replace"):
        lines += _differences(change.diffs)
    return lines


def _differences(diffs: Sequence[PropertyDiff]) -> list[Text]:
    lines = [difference_line(diff) for diff in diffs[:MOST_DIFFS]]
    if len(diffs) > MOST_DIFFS:
        lines.append(Text(f"  and {len(diffs) - MOST_DIFFS} more, see --json", style="dim"))
    return lines


def difference_line(diff: PropertyDiff) -> Text:
    kind = diff.kind.partition("-")[0]
    mark, style, _ = MARKS[{"add": "create", "delete": "delete"}.get(kind, "update")]
    replaces = "  (replaces)" if diff.kind.endswith("replace") else ""
    if is_secret(diff.path, diff.old, diff.new):
        words = f"{'added' if kind == 'add' else 'removed' if kind == 'delete' else 'changes'}, not shown"
    elif kind == "add":
        words = _value(diff.new)
    elif kind == "delete":
        words = _value(diff.old)
    elif diff.new is None and not diff.input_diff:  # the declared value is the provider's choice, and stays the same
        words = f"{_value(diff.old)}  (drift: the deployed resource differs)"
    else:
        words = f"{_value(diff.old)} → {_value(diff.new)}"
    return Text.assemble("  ", (f"{mark} ", style), (diff.path, "bold"), f"  {words}{replaces}")


def _value(value: Any) -> str:
    if value is None:
        return "–"
    text = one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _lost(change: Change, *, preview: bool) -> str:
    if change.loss is None:
        return ""
    return f"  {'deletes' if preview else 'deleted'} {losses_in_words([change.loss])}"


def _short_type(change: Change) -> str:
    return change.type.rpartition(":")[2]


def _endpoints(changes: Iterable[Change]) -> list[tuple[str, str]]:
    """Protocol and address, each once: a component that contains another reports the same address."""
    apis = [
        change.outputs
        for change in changes
        if change.operation != "delete"
        and change.type.startswith(COMPONENT_PREFIX)
        and is_of_role(change.outputs, "proxy")
    ]
    return list(dict.fromkeys(found for api in apis for found in addresses_by_protocol(api).items()))


def summary(outcome: Outcome) -> str:
    """One line with totals: completed changes of resources, records and grants, and failures.

    It names at least one change if the outcome has one.
    """
    progress, preview = outcome.progress, outcome.operation == "preview"
    words = []
    resources = [change for change in progress.things() if change.state == "done"]
    losing = {change.operation for change in resources if change.loss is not None}
    for operation, (mark, _, done) in sorted(MARKS.items(), key=lambda item: item[0] not in losing):
        count = sum(change.operation == operation for change in resources)
        if count and operation in WILL:
            words.append(f"{mark} {count} {WILL[operation]}" if preview else f"{count} {done}")
            losses = [change.loss for change in resources if change.operation == operation and change.loss is not None]
            if losses:
                words[-1] += f", {'deletes' if preview else 'deleted'} {losses_in_words(losses)}"
    for pulumi_type, noun, done_to, shown in (
        (PRODUCT, "product", RECORDED, ("update", "replace")),
        (PORT, "port", RECORDED, ("update", "replace")),
        (MANIFEST, "manifest", RECORDED, ("update", "replace")),
        (LINEAGE, "lineage", RECORDED, ("update", "replace")),
        (ASSET, "asset", RECORDED, WILL),
        (CONTRACT, "contract", RECORDED, WILL),
        (GRANT, "grant", GRANTED, WILL),
    ):
        for operation, count in progress.records(pulumi_type).items():
            if operation in shown:
                words.append(_total(count, noun, operation, done_to, preview=preview))
    if not words:
        for pulumi_type, noun in NOTED.items():
            for operation, count in progress.records(pulumi_type, noted=True).items():
                if operation in WILL:
                    words.append(_total(count, noun, operation, RECORDED, preview=preview))
    if outcome.failures and outcome.outcome == "failed":
        words.append(f"{outcome.failures} failed")
    return " · ".join(words) or NOTHING


def _total(count: int, noun: str, operation: str, done_to: Mapping[str, str], *, preview: bool) -> str:
    plural = noun if count == 1 else f"{noun}s"
    return f"{count} {plural} {'to be ' if preview else ''}{done_to.get(operation, 'changed')}"
