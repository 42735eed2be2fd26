"""Rules for contract changes: versions only increase, and lifecycles follow the allowed transitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from alchemesh_platform.base.problems import Problem, Severity
from alchemesh_platform.base.remedy import hint_as_json
from alchemesh_platform.contracts.compatibility.changes import ChangeKind, PortDiff
from alchemesh_platform.contracts.port import CONTRACT, PromisedPort, place_in_manifest
from alchemesh_platform.documents.document import Node, Path, listed, written
from alchemesh_platform.manifest.models import Contract, ContractLifecycle

DRAFT, ACTIVE = ContractLifecycle.DRAFT, ContractLifecycle.ACTIVE
DEPRECATED, RETIRED = ContractLifecycle.DEPRECATED, ContractLifecycle.RETIRED

# The allowed transitions. A deprecation can be withdrawn: consumers keep their data. An active contract cannot become a
# draft again. It is deprecated before it is retired, so that consumers learn of the retirement while the port still
# works.
TRANSITIONS: dict[ContractLifecycle, tuple[ContractLifecycle, ...]] = {
    DRAFT: (DRAFT, ACTIVE),
    ACTIVE: (ACTIVE, DEPRECATED),
    DEPRECATED: (DEPRECATED, ACTIVE, RETIRED),
    RETIRED: (RETIRED,),
}
_PART: dict[ChangeKind, int] = {"breaking": 0, "compatible": 1, "documentation": 2}  # index of the part to increase
_PART_NAMES = ("major", "minor", "patch")

Rule = Literal["lifecycle", "version", "contract"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that a contract change breaks.

    Args:
        rule: The rule.
        path: The place in the port, as in a :class:`ContractChange`.
        message: The found value and the expected value.
        hint: The remedy.
        severity: Error or warning. A warning does not stop a run.
    """

    rule: Rule
    path: Path
    message: str
    hint: str
    severity: Severity = "error"

    def as_json(self) -> dict[str, str]:
        """The finding as one flat JSON object."""
        return {
            "rule": self.rule,
            "path": written(self.path),
            "severity": self.severity,
            "message": self.message,
            **hint_as_json(self.hint),
        }


def check_change(before: PromisedPort | None, after: PromisedPort | None, diff: PortDiff) -> tuple[Finding, ...]:
    """Every rule that a change from one contract of a port to another breaks.

    A draft promises nothing, so it may change in any way. A removed port has no version to check: the notice period
    protects its consumers (:mod:`alchemesh_platform.contracts.notices.period`).

    Args:
        before: The recorded contract; None if none is recorded.
        after: The declared contract; None if the port is removed.
        diff: The difference of the two.
    """
    if before is None or after is None or before.contract is None:
        return ()
    if after.contract is None:
        return tuple(_removed(before.contract))
    return (*_lifecycle(before.contract, after.contract), *_version(before.contract, after.contract, diff))


def next_version(version: str, kind: ChangeKind) -> str:
    """The lowest version that a change of that kind may have: ``3.0.0`` after ``2.1.4`` for a breaking one."""
    part = _PART[kind]
    numbers = numbers_of(version)
    return ".".join(str(number) for number in (*numbers[:part], numbers[part] + 1, 0, 0)[:3])


def numbers_of(version: str) -> tuple[int, ...]:
    """The sort key of a version."""
    return tuple(int(part) for part in version.split("."))


def problems_of(findings: Iterable[Finding], tree: Node, port: str) -> list[Problem]:
    """Findings as problems of the manifest, each at its line.

    Args:
        findings: The findings for one port.
        tree: The manifest.
        port: Name of the port.
    """
    problems = []
    for finding in findings:
        place = place_in_manifest(finding.path, tree, port)
        problems.append(
            Problem(tree.locate(place), written(place), finding.message, finding.hint, severity=finding.severity)
        )
    return problems


def _removed(before: Contract) -> Iterator[Finding]:
    if before.lifecycle in {DRAFT, RETIRED}:
        return
    yield Finding(
        "contract",
        (CONTRACT,),
        f"found no contract, expected one: version {before.version} is {before.lifecycle}",
        "set `lifecycle: retired` before leaving it out" + _first_deprecated(before.lifecycle),
    )


def _lifecycle(before: Contract, after: Contract) -> Iterator[Finding]:
    if before.lifecycle is RETIRED and numbers_of(after.version) > numbers_of(before.version):
        allowed: tuple[ContractLifecycle, ...] = (DRAFT, ACTIVE)  # the port has a new contract
    else:
        allowed = TRANSITIONS[before.lifecycle]
    if after.lifecycle in allowed:
        return
    if before.lifecycle is RETIRED:
        hint = f"a retired version does not come back: write `version: {next_version(before.version, 'breaking')}`"
    elif after.lifecycle is RETIRED and before.lifecycle is DRAFT:
        hint = "a draft was never promised: leave the contract out instead"
    elif after.lifecycle is RETIRED:
        hint = "write `lifecycle: deprecated` first, which warns consumers while the port still works"
    elif after.lifecycle is DRAFT:
        hint = "what was promised does not become a draft again: write `lifecycle: deprecated` to end it"
    else:
        hint = "a draft was never promised: write `lifecycle: active`, or leave it a draft"
    expected = listed([str(lifecycle) for lifecycle in allowed], "or")
    yield Finding(
        "lifecycle",
        (CONTRACT, "lifecycle"),
        f"found {after.lifecycle}, expected {expected}: version {before.version} is {before.lifecycle}",
        hint,
    )


def _version(before: Contract, after: Contract, diff: PortDiff) -> Iterator[Finding]:
    was, now = numbers_of(before.version), numbers_of(after.version)
    path = (CONTRACT, "version")
    kind = diff.kind
    if now < was:
        least = before.version if kind is None or before.lifecycle is DRAFT else next_version(before.version, kind)
        yield Finding(
            "version",
            path,
            f"found {after.version}, expected {least} or higher: {before.version} is recorded, and versions only go up",
            f"write `version: {least}`",
        )
        return
    if kind is None or before.lifecycle is DRAFT:
        return
    least = next_version(before.version, kind)
    if now >= numbers_of(least):
        return
    hint = f"write `version: {least}`. {_most_severe(diff, kind)}"
    if now == was and kind == "documentation":
        message = f"found {after.version} again, expected {least} or higher for a changed description"
        yield Finding("version", path, message, hint, severity="warning")
    elif now == was:
        message = (
            f"found {after.version} with another promise, expected {least} or higher: "
            f"a version that is {before.lifecycle} does not change"
        )
        yield Finding("version", path, message, hint)
    else:
        part = _PART_NAMES[_PART[kind]]
        message = f"found {after.version}, expected {least} or higher: a {kind} change needs a new {part} version"
        yield Finding("version", path, message, hint)


def _most_severe(diff: PortDiff, kind: ChangeKind) -> str:
    """The most severe changes, as many as a hint has room for."""
    first, *more = diff.of(kind)
    others = f" and {len(more)} more" if more else ""
    return f"{kind.capitalize()}: {first.place}: {first.message}{others}"


def _first_deprecated(lifecycle: ContractLifecycle) -> str:
    return ", and `lifecycle: deprecated` before that" if lifecycle is ACTIVE else ""
