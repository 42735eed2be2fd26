"""The blocks of a comment: one for each product, folded by port, with less detail where space is short."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import quote

from alchemesh_cli.render.review.document import (
    ReadCommitment,
    ReadDeployment,
    ReadDeviation,
    ReadDiff,
    ReadDrift,
    ReadGrant,
    ReadPolicy,
    ReadPort,
    ReadPreview,
    ReadProblem,
    ReadResource,
    ReadStep,
)
from alchemesh_cli.render.review.text import code, in_html, is_described, prose, value
from alchemesh_cli.render.review.verdict import (
    DECLARED,
    QUIET,
    Verdict,
    all_totals,
    changed_records,
    errors_of,
    is_folder,
    is_record,
    warnings_of,
)
from alchemesh_cli.render.run.tree import MARKS, WILL
from alchemesh_cli.render.text.quantities import counted, losses_in_words
from alchemesh_platform.base.secrecy.recognise import is_secret
from alchemesh_platform.contracts.compatibility.changes import KINDS
from alchemesh_platform.provider.loss import Loss

MOST = 30  # lines of one kind
FOLDER = "another folder on this machine, of another checkout or after a move"
_OPERATIONS = {"added": "create", "removed": "delete", "changed": "update"}


class Detail(IntEnum):
    """How much of a product is shown."""

    LINE = 0
    PORTS = 1
    RESOURCES = 2
    PROPERTIES = 3


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a place in a file is linked.

    Args:
        name: github, gitlab or markdown.
        blob: Address of the files of the commit; empty if unknown. It comes from the environment, not from a document.
    """

    name: str
    blob: str = ""

    def place(self, file: str, line: int | None) -> str:
        """A place in a file, as a link where the address is known."""
        address = self._address(file, line)
        shown = code(file if line is None else f"{file}:{line}")
        return f"[{shown}]({address})" if address else shown

    def place_in_html(self, file: str, line: int | None) -> str:
        """The same in HTML."""
        address = self._address(file, line)
        shown = in_html(file if line is None else f"{file}:{line}")
        return f'<a href="{address}">{shown}</a>' if address else shown

    def _address(self, file: str, line: int | None) -> str:
        """The address of a line; empty if it is unknown, or outside of the repository."""
        path = file.removeprefix("./")
        if not self.blob or path.startswith("/") or ".." in path.split("/"):
            return ""
        return f"{self.blob}/{quote(path, errors='replace')}{'' if line is None else f'#L{line}'}"


def name_of(one: ReadPreview) -> str:
    """The name of a product."""
    return one.product or one.folder or "."


def is_offline(one: ReadPreview) -> bool:
    """Whether a preview read no state, no registry and no cloud."""
    return one.offline or (one.preview is not None and one.preview.offline)


def title(one: ReadPreview, shown: Callable[[str], str]) -> str:
    """Product and environment; ``shown`` makes text of other people safe."""
    emulated, offline = " (emulated)" if one.emulated else "", " (offline)" if is_offline(one) else ""
    return f"{shown(name_of(one))} · {shown(one.environment)}{emulated}{offline}"


def line_of(one: ReadPreview, verdict: Verdict) -> str:
    """A product as one line."""
    return f"- {verdict.sign} {title(one, code)}: {verdict.sentence}"


def block_of(
    one: ReadPreview, verdict: Verdict, detail: Detail, dialect: Dialect, *, opened: bool, alone: bool = False
) -> str:
    """A product as a fold. It begins with its problems.

    Args:
        one: The product in its environment.
        verdict: The verdict on it.
        detail: How much of it is shown.
        dialect: Where it is shown.
        opened: Whether the fold is open at first.
        alone: Whether the comment is about this product only, and has its totals and its command elsewhere.
    """
    if detail is Detail.LINE:
        return line_of(one, verdict)
    head = f"{verdict.sign} <b>{title(one, in_html)}</b>: {verdict.sentence.replace('`up`', '<code>up</code>')}"
    lines = [
        f"<details{' open' if opened else ''}><summary>{head}</summary>",
        "",
        *_blocks(
            (*_reasons(one), *_problems(one, dialect), *([] if alone else _total(one, verdict))),
            _ports(one.preview, detail, dialect) if one.preview is not None else (),
            (*(_others(one.preview, dialect) if one.preview is not None else ()), *([] if alone else _commands(one))),
        ),
        "</details>",
    ]
    return "\n".join(lines)


def _blocks(*parts: Iterable[str]) -> Iterator[str]:
    """Parts with an empty line after each that is not empty."""
    for part in parts:
        lines = list(part)
        if lines:
            yield from (*lines, "")


def _most(items: Iterable[str], most: int = MOST) -> Iterator[str]:
    """The first lines of a list, and the number of the others."""
    found = list(items)
    yield from found[:most]
    if len(found) > most:
        indent = found[0][: len(found[0]) - len(found[0].lstrip())]
        yield f"{indent}- and {len(found) - most:,} more"


def _total(one: ReadPreview, verdict: Verdict) -> Iterator[str]:
    if one.preview is not None:
        yield f"- total: {all_totals([verdict])}"


def _reasons(one: ReadPreview) -> Iterator[str]:
    yield from _most((f"- previewed because {prose(reason)}" for reason in one.reasons), 3)


def _problems(one: ReadPreview, dialect: Dialect) -> Iterator[str]:
    if one.repeats:
        number = len(errors_of(one)) + len(warnings_of(one))
        yield f"- the same {'problem' if number == 1 else f'{number} problems'} as in {code(one.repeats)}"
        return
    if one.error is not None:
        yield f"- **error**: {prose(one.error.message)}"
        yield from _hint(one.error.hint)
    yield from _most(_problem(each, "error", dialect) for each in errors_of(one))
    yield from _most(_problem(each, "warning", dialect) for each in warnings_of(one))


def _problem(problem: ReadProblem, word: str, dialect: Dialect) -> str:
    where = dialect.place(problem.file, problem.line)
    path = f" {code(problem.path)}" if problem.path else ""
    return "\n".join((f"- **{word}** {where}{path}: {prose(problem.message)}", *_hint(problem.hint)))


def _hint(hint: str | None) -> Iterator[str]:
    if hint:
        yield f"  - hint: {prose(hint)}"


def _ports(preview: ReadDeployment, detail: Detail, dialect: Dialect) -> Iterator[str]:
    quiet = []
    for port in preview.ports if preview.operation != "refresh" else ():  # the drift has the resources
        lines = list(_port_lines(port, preview, detail))
        if port.kind == "product" and not lines:
            continue
        if not lines and port.operation in QUIET and port.state == "done":
            quiet.append(code(port.name or port.kind))
            continue
        head = _port_head(port, preview, dialect)
        if detail is Detail.PORTS or not lines:
            yield f"- {head(False)}"
            continue
        yield from ("", f"<details><summary>{head(True)}</summary>", "", *lines, "", "</details>", "")
    if quiet:
        yield f"- unchanged: {', '.join(quiet[:MOST])}{f' and {len(quiet) - MOST} more' if len(quiet) > MOST else ''}"


def _port_head(port: ReadPort, preview: ReadDeployment, dialect: Dialect) -> Callable[[bool], str]:
    """The line of a port, in HTML for a summary or in Markdown."""
    mark = "✗" if port.state in ("failed", "refused") else MARKS.get(port.operation, MARKS["update"])[0]
    counts = [
        f"{count} {WILL[operation]}"
        for operation in WILL
        if (count := sum(each.operation == operation and not is_record(each) for each in port.resources))
    ]
    words = ", ".join(counts) or ("records change" if port.state == "done" else "")
    losses = [Loss(each.rows, each.files) for each in preview.losses if each.port == port.name]
    words += f", deletes {losses_in_words(losses)}" if losses else ""
    if port.state != "done":
        words = f"{port.state}{f', {words}' if words else ''}"

    def shown(html: bool) -> str:
        safe = in_html if html else code
        kinds = f" {safe(port.component_type)} → {safe(', '.join(port.components))}" if port.component_type else ""
        file = port.file or ""
        where = dialect.place_in_html if html else dialect.place
        place = f" ({where(file, port.line)})" if file else ""
        name = f" {safe(port.name)}" if port.name and port.name != port.kind else ""
        return f"{mark if html else code(mark)} {port.kind}{name}{kinds}{place}: {words}"

    return shown


def _port_lines(port: ReadPort, preview: ReadDeployment, detail: Detail) -> Iterator[str]:
    """Resources, assets, grants, the contract, and what is known only after the deployment."""
    own = [each for each in port.resources if each.operation not in QUIET and not is_record(each)]
    deep = detail is Detail.PROPERTIES
    yield from _most(_resource(each, deep) for each in own)
    if port.kind == "product":
        yield from (_record(each, deep) for each in changed_records(port))
    yield from _records(preview, lambda name: port.kind == "output" and name == port.name)
    if port.promise is not None and port.promise.changes:
        yield from _contract(port.promise, deep, preview.offline)
    unknown = dict.fromkeys(f"{each.name}.{path}" for each in own for path in each.unknown)
    if unknown:
        yield f"- known only after the deployment: {_names(unknown)}"
    drifted = [each for each in own if each.operation == "drift"]
    if drifted:
        yield f"- drift: {_names(each.name for each in drifted)}"


def _sign(operation: str) -> str:
    """The mark of an operation as code: a plus or a minus would begin a list."""
    return code(MARKS.get(operation, MARKS["update"])[0])


def _names(names: Iterable[str], most: int = 12) -> str:
    found = list(names)
    more = f" and {len(found) - most:,} more" if len(found) > most else ""
    return f"{', '.join(code(each) for each in found[:most])}{more}"


def _records(preview: ReadDeployment, belongs: Callable[[str], bool]) -> Iterator[str]:
    """The changed assets and grants of the ports whose names belong."""
    assets = [
        f"- {_sign(operation)} asset {code(address)}"
        for operation, addresses in preview.assets.items()
        if operation not in QUIET
        for address in addresses
        if belongs(_port_of_asset(address))
    ]
    yield from _most(assets)
    grants = [
        _grant(operation, each)
        for operation, found in preview.grants.items()
        if operation not in QUIET
        for each in found
        if belongs(each.port.rpartition("/")[2])
    ]
    yield from _most(grants)


def _port_of_asset(address: str) -> str:
    """The port of an asset, ``domain/product/port/model``."""
    steps = address.split("/")
    return steps[2] if len(steps) > 2 else ""  # noqa: PLR2004 - the third is the port


def _resource(each: ReadResource, deep: bool) -> str:
    words = f"- {_sign(each.operation)} {code(each.type.rpartition(':')[2])} {code(each.name)}"
    if each.rows_lost is not None or each.files_lost is not None:
        words += f" **deletes {losses_in_words([Loss(each.rows_lost, each.files_lost)])}**"
    if each.operation == "replace":
        words += f": replaced because {_names(each.replaced_by)} changes" if each.replaced_by else ": replaced"
    shown = each.diff if each.operation in ("update", "replace", "drift") else ()
    return "\n".join((words, *_differences(shown, deep)))


def _record(each: ReadResource, deep: bool) -> str:
    # Paths of a manifest are those that its author wrote.
    diffs = [diff.model_copy(update={"path": diff.path.removeprefix("document.")}) for diff in each.diff]
    return "\n".join((f"- {_sign('update')} {DECLARED[each.type]} {code(each.name)}", *_differences(diffs, deep)))


def _differences(diffs: Iterable[ReadDiff], deep: bool) -> Iterator[str]:
    found = list(diffs)
    if not deep:
        if found:
            yield f"  - {len(found):,} {'property changes' if len(found) == 1 else 'properties change'}"
        return
    yield from _most(f"  - {_difference(each)}" for each in found)


def _difference(diff: ReadDiff) -> str:
    kind, _, replaces = diff.kind.partition("-")
    path = code(diff.path)
    because = " (replaces)" if replaces else ""
    if is_secret(diff.path, diff.old, diff.new):
        return (
            f"{path}: {'added' if kind == 'add' else 'removed' if kind == 'delete' else 'changes'}, not shown{because}"
        )
    if is_folder(diff):
        return f"{path}: {FOLDER}{because}"
    old, new = (value(side) if is_described(side) else code(value(side)) for side in (diff.old, diff.new))
    if kind == "add":
        return f"{path}: {new}, added{because}"
    if kind == "delete":
        return f"{path}: {old}, removed{because}"
    return f"{path}: {old} → {new}{because}"


def _grant(operation: str, grant: ReadGrant) -> str:
    verb = "revoked" if operation == "delete" else "granted" if operation == "create" else "changed"
    until = f" until {code(grant.ends_at[:10])}" if grant.ends_at else ""
    purpose = f", {prose(grant.purpose)}" if grant.purpose else ""
    return f"- {_sign(operation)} grant of {code(grant.requester or grant.request)} {verb}{until}{purpose}"


def _contract(step: ReadStep, deep: bool, offline: bool) -> Iterator[str]:
    stages = [f"{code(each.version)} {code(each.lifecycle)}" for each in (step.recorded, step.declared) if each]
    words = " → ".join(dict.fromkeys(stages))
    removed = ", removed" if step.declared is None and step.recorded is not None else ""
    nobody = ", consumers unknown" if offline else ", no consumer has a grant"
    for_whom = f" for {_names(step.consumers)}" if step.consumers else nobody
    # A new port breaks nobody.
    kind = f": **{step.kind}**{for_whom}" if step.kind and step.recorded is not None else ""
    yield f"- {'new contract' if step.recorded is None else 'contract'} {words}{removed}{kind}"
    if step.held is not None:
        yield f"  - {prose(step.held.message)}"
        yield from _hint(step.held.hint)
    if step.recorded is None:
        return
    changes = sorted(step.changes, key=lambda change: KINDS.index(change.kind))
    if deep:
        yield from _most(
            f"  - {_sign(_OPERATIONS[each.change])} {each.kind} {code(each.path)}: {prose(each.message)}"
            for each in changes
        )
    elif changes:
        yield f"  - {counted(len(changes), 'change')}"


def _others(preview: ReadDeployment, dialect: Dialect) -> Iterator[str]:
    """Records of no shown port, policies, broken commitments, prices, and notes of the whole product."""
    outputs = {port.name for port in preview.ports if port.kind == "output"}
    yield from _records(preview, lambda name: name not in outputs)
    answered = [policy for policy in preview.policies if policy.outcome != "not_evaluated"]
    yield from _most(_policy(policy) for policy in answered)
    unanswered: dict[str, list[str]] = {}
    for policy in preview.policies:
        if policy.outcome == "not_evaluated":
            unanswered.setdefault(policy.message, []).append(policy.policy)
    yield from _most(
        (f"- policies not evaluated: {_names(names)}: {prose(reason)}" for reason, names in unanswered.items())
    )
    yield from _most(_commitment(broken) for broken in preview.commitments)
    yield from _drift(preview)
    prices = (f"- price of {code(each.port)}: {code(each.old)} → {code(each.new)}" for each in preview.prices)
    yield from _most(prices)
    asked = (
        f"- ask {_names(party.owners) if party.owners else 'the owner'} about {code(party.address)}"
        for party in preview.owners
    )
    yield from _most(asked)
    yield from _most(f"- note: {prose(note)}" for note in preview.notes)


def _policy(policy: ReadPolicy) -> str:
    effect, found = prose(policy.effect), prose(policy.outcome)
    words = f"- policy {code(policy.policy)} ({effect}) {found}: {prose(policy.message)}"
    return "\n".join((words, *_hint(policy.hint)))


def _commitment(broken: ReadCommitment) -> str:
    if broken.name != "notice_period":
        return f"- {code(broken.port)} breaks a commitment now: {prose(broken.reason)}"
    reason = f", {prose(broken.reason)}" if broken.reason else ""
    return f"- broken commitment of {code(broken.port)} since {code(broken.at[:10])}{reason}"


def _drift(preview: ReadDeployment) -> Iterator[str]:
    """Resources that were changed or removed by hand; then the number of differences that follow from normal work."""
    yield from _most(_drifted(each) for each in preview.drift)
    if preview.drift_expected:
        yield f"- {counted(len(preview.drift_expected), 'resource')} with differences of normal work, no drift"


def _drifted(each: ReadDrift) -> str:
    by = f" by {code(each.by)}" if each.by else ""
    at = f" at {code(each.at)}" if each.at else ""
    reason = f": {prose(each.reason)}" if each.reason else ""
    words = f"- {_sign('drift')} drift: {code(each.resource)} was {each.change}{by}{at}{reason}"
    return "\n".join((words, *_most(_deviation(changed) for changed in each.properties)))


def _deviation(changed: ReadDeviation) -> str:
    if is_secret(changed.path, changed.declared, changed.found):
        return f"  - {code(changed.path)}: differs, not shown"
    sides = (value(side) if is_described(side) else code(value(side)) for side in changed.sides)
    return f"  - {code(changed.path)}: {' → '.join(sides)}"


def _commands(one: ReadPreview) -> Iterator[str]:
    if one.commands:
        yield f"- again: {code(shlex.join(one.commands[0]))}"
