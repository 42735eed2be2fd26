"""The verdict on a preview: what a reviewer must know first, from the document alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from pathlib import PurePath

from alchemesh_cli.render.review.document import (
    ReadDiff,
    ReadGrant,
    ReadPort,
    ReadPreview,
    ReadProblem,
    ReadResource,
    ReadStep,
)
from alchemesh_cli.render.review.text import code, value
from alchemesh_cli.render.run.tree import WILL
from alchemesh_cli.render.text.quantities import counted, losses_in_words
from alchemesh_platform.base.units import duration_in_words, parse_duration
from alchemesh_platform.provider.loss import Loss

RECORD = "alchemesh:mesh:"
SUBSCRIPTION = f"{RECORD}Subscription"
# Records that follow from no resource: the manifest declares them.
DECLARED = {f"{RECORD}Product": "product", f"{RECORD}Manifest": "manifest", f"{RECORD}Lineage": "lineage"}
QUIET = ("same", "read")


class Gravity(IntEnum):
    """How much attention a preview needs; the gravest is shown first."""

    FAILED = 0
    REFUSED = 1
    BREAKING = 2
    DANGEROUS = 3
    DRIFTED = 4
    CANCELLED = 5
    CHANGED = 6
    UNCHANGED = 7


SIGNS = {
    Gravity.FAILED: "✗",
    Gravity.REFUSED: "✗",
    Gravity.BREAKING: "⚠",
    Gravity.DANGEROUS: "⚠",
    Gravity.DRIFTED: "⚠",
    Gravity.CANCELLED: "✗",
    Gravity.CHANGED: "✓",
    Gravity.UNCHANGED: "✓",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one preview.

    Args:
        gravity: How much attention it needs.
        sentence: The verdict in Markdown, without the name of the product.
        dangers: The dangerous changes in Markdown, each a phrase.
        owners: Emails of the owners to ask; the address of a consumer whose owner is not recorded.
        changes: Number of changed resources by operation.
        assets: Number of changed assets.
        contracts: Number of changed contracts.
        grants: Number of changed grants.
        records: Number of other changed records by kind.
    """

    gravity: Gravity
    sentence: str
    dangers: tuple[str, ...]
    owners: tuple[str, ...]
    changes: Counter[str]
    assets: int
    contracts: int
    grants: int
    records: Counter[str]

    @property
    def sign(self) -> str:
        """The mark of the verdict. It carries the meaning without a colour."""
        return SIGNS[self.gravity]


def is_record(resource: ReadResource) -> bool:
    """Whether a resource is metadata of the registry."""
    return resource.type.startswith(RECORD) and resource.type != SUBSCRIPTION


def is_folder(diff: ReadDiff) -> bool:
    """Whether a difference is the folder of the product on this machine: another checkout, or a product that moved."""
    sides = (diff.old, diff.new)
    return diff.path == "root" and all(isinstance(each, str) and PurePath(each).is_absolute() for each in sides)


def changed_records(port: ReadPort) -> list[ReadResource]:
    """The changed records of the product itself. A record of another checkout is no change of the branch."""
    return [
        each
        for each in port.resources
        if each.type in DECLARED and each.operation == "update" and not all(is_folder(diff) for diff in each.diff)
    ]


def steps_of(one: ReadPreview) -> list[ReadStep]:
    """The contract steps with changes."""
    ports = one.preview.ports if one.preview is not None else ()
    return [port.promise for port in ports if port.promise is not None and port.promise.changes]


def breaking_steps(one: ReadPreview) -> list[ReadStep]:
    """The contract steps that break consumers. A new port, or a draft, breaks nobody."""
    return [step for step in steps_of(one) if step.kind == "breaking" and step.recorded is not None]


def revoked(one: ReadPreview) -> tuple[ReadGrant, ...]:
    """The grants that are taken away."""
    return one.preview.grants.get("delete", ()) if one.preview is not None else ()


def errors_of(one: ReadPreview) -> list[ReadProblem]:
    """The errors of a preview, each once: those that prevented it, and those that `up` refuses."""
    return list(dict.fromkeys(each for each in _found_by(one) if each.severity == "error"))


def warnings_of(one: ReadPreview) -> list[ReadProblem]:
    """The warnings of a preview, each once: among its problems, and those that change nothing in the result."""
    among = [each for each in _found_by(one) if each.severity == "warning"]
    others = (*one.preview.waiting, *one.preview.warnings) if one.preview is not None else ()
    return list(dict.fromkeys((*among, *others)))


def _found_by(one: ReadPreview) -> list[ReadProblem]:
    return [*one.problems, *(one.preview.problems if one.preview is not None else ())]


def judge(one: ReadPreview) -> Verdict:
    """The verdict on one preview."""
    changes: Counter[str] = Counter()
    records: Counter[str] = Counter()
    for port in one.preview.ports if one.preview is not None else ():
        changes.update(each.operation for each in port.resources if not is_record(each) and each.operation not in QUIET)
        records.update(DECLARED[each.type] for each in changed_records(port))
    if one.preview is not None and is_comparison(one):  # differences of normal work are none
        changes = Counter({"drift": len(one.preview.drift)} if one.preview.drift else {})
        records = Counter()
    if one.preview is not None and one.preview.operation == "refresh":  # other differences are of normal work
        changes = Counter({"drift": len(one.preview.drift)})
    assets, contracts, grants = (_changed(one, kind) for kind in ("assets", "contracts", "grants"))
    dangers = tuple(_dangers(one))
    owners = one.preview.owners if one.preview is not None else ()
    gravity = _gravity(one, bool(dangers), _has_changes(one))
    return Verdict(
        gravity,
        _sentence(one, gravity, changes),
        dangers,
        tuple(dict.fromkeys(email for party in owners for email in party.owners or (party.address,))),
        changes,
        assets,
        contracts,
        grants,
        records,
    )


def _changed(one: ReadPreview, kind: str) -> int:
    found = getattr(one.preview, kind) if one.preview is not None else {}
    return sum(len(each) for operation, each in found.items() if operation not in QUIET)


def is_comparison(one: ReadPreview) -> bool:
    """Whether this is a refresh: it looks for drift instead of changes."""
    return one.preview is not None and one.preview.operation == "refresh"


def _has_changes(one: ReadPreview) -> bool:
    if one.preview is not None and is_comparison(one):
        return bool(one.preview.drift)
    if one.preview is None or one.preview.drift or one.preview.operation == "refresh":
        return one.preview is not None and bool(one.preview.drift)
    return any(each.operation not in QUIET for port in one.preview.ports for each in port.resources)


def _gravity(one: ReadPreview, dangerous: bool, changed: bool) -> Gravity:
    if one.outcome == "failed":
        return Gravity.FAILED
    if one.outcome == "refused" or (one.preview is not None and one.preview.waiting):
        return Gravity.REFUSED
    if one.outcome == "cancelled":
        return Gravity.CANCELLED
    unknown = one.preview is not None and one.preview.offline
    if any(step.consumers or unknown for step in breaking_steps(one)):
        return Gravity.BREAKING
    if dangerous:
        return Gravity.DANGEROUS
    if one.preview is not None and one.preview.drift:
        return Gravity.DRIFTED
    return Gravity.CHANGED if changed else Gravity.UNCHANGED


def _sentence(one: ReadPreview, gravity: Gravity, changes: Counter[str]) -> str:
    count = len(errors_of(one))
    if gravity is Gravity.FAILED:
        what = "the comparison failed" if is_comparison(one) else "the preview failed"
        return f"{what}, {counted(count, 'problem')}" if count else what
    if gravity is Gravity.CANCELLED:
        return "stopped by hand, incomplete"
    phrases = list(_breaking(one))
    if one.outcome == "refused":
        phrases.append(f"`up` refuses this, {counted(count, 'problem')}" if count else "`up` refuses this")
    elif gravity is Gravity.REFUSED and not phrases:
        phrases.append("`up` would refuse this now")
    if one.preview is not None and one.preview.losses:
        phrases.append(f"deletes {lost(one)}")
    if phrases:
        return ", ".join(phrases)
    drift = one.preview.drift if one.preview is not None else ()
    drifted = [f"drift of {counted(len(drift), 'resource')}"] if drift else []
    if drifted and one.preview is not None and one.preview.operation == "refresh":
        return drifted[0]
    if gravity is Gravity.UNCHANGED:
        if one.preview is not None and is_comparison(one):
            return "no drift" if one.preview.recorded else "not deployed"
        return "no changes"
    if one.preview is not None and is_comparison(one):
        by_hand = Counter(each.change for each in one.preview.drift)
        return f"drift, {', '.join(f'{number} {how} by hand' for how, number in sorted(by_hand.items()))}"
    return ", ".join([totals(changes).replace(" · ", ", ") or "only records change", *drifted])


def _breaking(one: ReadPreview) -> Iterator[str]:
    steps = breaking_steps(one)
    if not steps:
        return
    consumers = {consumer for step in steps for consumer in step.consumers}
    unknown = one.preview is not None and one.preview.offline
    nobody = "breaking, consumers unknown" if unknown else "breaking, without consumers"
    yield f"breaking for {counted(len(consumers), 'consumer')}" if consumers else nobody
    period = timedelta(0)
    for step in steps:
        if step.notice is not None:
            with suppress(ValueError):
                period = max(period, parse_duration(step.notice.period))
    if period:
        words = duration_in_words(period)
        yield f"{words}{chr(39) if words.endswith('s') else chr(39) + 's' if ' ' in words else ''} notice"


def lost(one: ReadPreview) -> str:
    """The deleted data of a preview in words."""
    losses = one.preview.losses if one.preview is not None else ()
    return losses_in_words([Loss(each.rows, each.files) for each in losses])


def _dangers(one: ReadPreview) -> Iterator[str]:
    if one.preview is None:
        return
    for loss in one.preview.losses:
        yield f"deletes {losses_in_words([Loss(loss.rows, loss.files)])} of {code(loss.resource)}"
    for step in breaking_steps(one):
        if step.consumers:
            yield f"breaks {counted(len(step.consumers), 'consumer')} of {code(step.port)}"
    losing = {loss.resource for loss in one.preview.losses}
    for port in one.preview.ports:
        for each in port.resources:
            if each.operation == "replace" and each.stateful and not is_record(each) and each.name not in losing:
                yield f"replaces {code(each.name)}, which holds data"
        for record in changed_records(port):
            for diff in record.diff:
                if DECLARED[record.type] == "product" and diff.path in ("owner", "team"):
                    yield f"changes the {diff.path} from {code(value(diff.old))} to {code(value(diff.new))}"
    for grant in revoked(one):
        who = grant.requester or grant.request
        yield f"revokes the access of {code(who)} to {code(grant.port)}"


def totals(changes: Counter[str]) -> str:
    """The numbers of changed resources: ``4 to create · 1 to change``. A mark would begin a list of Markdown."""
    return " · ".join(f"{changes[each]:,} {WILL[each]}" for each in WILL if changes[each])


def all_totals(verdicts: Iterable[Verdict]) -> str:
    """The numbers of all changes: resources, assets, contracts and grants."""
    judged = list(verdicts)
    changes = sum((each.changes for each in judged), Counter[str]())
    words = [totals(changes)] if changes else []
    for noun, count in (
        ("asset", sum(each.assets for each in judged)),
        ("contract", sum(each.contracts for each in judged)),
        ("grant", sum(each.grants for each in judged)),
    ):
        words += [counted(count, noun)] if count else []
    records = sum((each.records for each in judged), Counter[str]())
    words += [counted(count, noun) for noun, count in records.items()]
    return " · ".join(words) or "0 changes"
