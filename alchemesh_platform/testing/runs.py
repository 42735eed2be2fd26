"""Runs the code of a component several times for a case, and compares the runs.

Only a case that is checked imports this module, since it imports Pulumi.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alchemesh_platform.base.packages.reference import load_reference
from alchemesh_platform.documents.yaml_source import shown as shown_path
from alchemesh_platform.registration.systems import installed_systems
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.fault import ComponentFault
from alchemesh_platform.sdk.spec import FOUNDATIONS, ComponentSpec
from alchemesh_platform.sdk.system.cloud_object import CloudObject
from alchemesh_platform.testing.cases import Case
from alchemesh_platform.testing.finding import Finding
from alchemesh_platform.testing.rules import access, declaration
from alchemesh_platform.testing.rules.conduct import held_of
from alchemesh_platform.testing.rules.spec import Report
from alchemesh_platform.testing.run.declared import Declared, consumer_of, declare, identity_of

STRANGER = CodeIdentity("conformance-identity", "nobody")  # of a kind that no system registers


@dataclass(slots=True)
class Runs:
    """The runs of a component for one case. A run that fails is a finding.

    Args:
        spec: The component.
        case: The case.
        folder: The folder of the case.
        report: Makes a finding about the case.
        failures: The findings of failed runs.
    """

    spec: ComponentSpec
    case: Case
    folder: str
    report: Report
    failures: list[Finding] = field(default_factory=list)

    @property
    def identities(self) -> list[CodeIdentity]:
        """The identity that the case gives access by `admit`, if there is one."""
        return [identity_of(self.case.admit)] if self.case.admit is not None else []

    @property
    def consumers(self) -> list[Consumer]:
        """The consumer that the case gives access by `grant`, if there is one."""
        return [consumer_of(self.case.grant)] if self.case.grant is not None else []

    def run(
        self,
        rule: str,
        what: str,
        *,
        admit: Sequence[CodeIdentity] = (),
        grants: Sequence[Consumer] = (),
        preview: bool = False,
    ) -> Declared | None:
        """Run the component; None, and a finding, if it fails.

        Args:
            rule: The rule that a failure breaks.
            what: The failure in words: ``a preview fails``.
            admit: Identities that get access by `admit`.
            grants: Consumers that get access by `grant`.
            preview: Whether values that providers compute are unknown.
        """
        try:
            return declare(self.spec, self.case, self.folder, admit=admit, grants=grants, preview=preview)
        except (Exception, SystemExit) as error:  # noqa: BLE001 the code of another author
            self.failures.append(self._failure(rule, what, error))
            return None

    def _failure(self, rule: str, what: str, error: BaseException) -> Finding:
        """The finding of an error, at the last line of the component's package."""
        if isinstance(error, ComponentFault) and (output := error.about_outputs()) is not None:
            return self.report("outputs-match", output)
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        message = f"{what}: {error}" if cause is error else f"{what}: {type(cause).__name__}: {cause}"
        module = self.spec.component.partition(":")[0].partition(".")[0]
        for frame in reversed(traceback.extract_tb(cause.__traceback__)):
            if module in Path(frame.filename).parts:
                return self.report(rule, message, file=shown_path(Path(frame.filename)), line=frame.lineno or 0)
        return self.report(rule, message)


def check_runs(spec: ComponentSpec, case: Case, folder: str, report: Report) -> Iterator[Finding]:
    """The rules of everything that the component declares for a case."""
    runs = Runs(spec, case, folder, report)
    found = runs.run("component-builds", "the component fails", admit=runs.identities, grants=runs.consumers)
    if found is not None:
        yield from _as_declared(runs, found)
        yield from _again(runs, found)
        has_access = bool(runs.identities or runs.consumers)
        alone = runs.run("component-builds", "the component fails without access") if has_access else found
        if alone is not None:
            yield from _admitted(runs, alone, found)
            yield from _granted(runs, alone, found)
            yield from _kept(runs, alone)
    yield from runs.failures


def _as_declared(runs: Runs, found: Declared) -> Iterator[Finding]:
    """The rules of one run."""
    yield from declaration.check_resources(runs.case, found, runs.folder, runs.report)
    yield from declaration.check_outputs(runs.spec, runs.case, found, runs.folder, runs.report)
    yield from declaration.check_places(runs.case, found, runs.report)
    yield from declaration.check_labels(runs.spec, runs.case, found, runs.report)
    yield from declaration.check_secrets(runs.case, found, runs.report)


def _again(runs: Runs, found: Declared) -> Iterator[Finding]:
    """A second run is the same, and a preview with unknown values declares the same resources."""
    given = {"admit": runs.identities, "grants": runs.consumers}
    again = runs.run("names-are-stable", "the second run fails", **given)  # type: ignore[arg-type]
    if again is not None:
        yield from declaration.check_stable(found, again, runs.report)
    preview = runs.run("preview-is-safe", "a preview fails", preview=True, **given)  # type: ignore[arg-type]
    if preview is not None:
        yield from declaration.check_preview(found, preview, runs.report)


def _admitted(runs: Runs, alone: Declared, found: Declared) -> Iterator[Finding]:
    """The access of the code is additive, ends with the code, and is for known kinds of identity only."""
    if not runs.identities:
        return
    admitted = found
    if runs.consumers:
        without = runs.run("admit-is-additive", "`admit` fails", admit=runs.identities)
        if without is None:
            return
        admitted = without
    yield from access.check_additive("admit-is-additive", alone, admitted, runs.report)
    yield from access.check_removable("admit-is-revocable", alone, admitted, runs.report)
    unknown = runs.run("admit-is-additive", "`admit` fails for an unknown kind of identity", admit=[STRANGER])
    for resource in access.added_by(alone, unknown) if unknown is not None else ():
        yield runs.report(
            "admit-is-additive",
            f"{resource.type} {resource.name!r} is declared for an identity of an unknown kind",
            fix="Return () from `admit` unless `identity.kind` is one that the component knows.",
        )


def _granted(runs: Runs, alone: Declared, found: Declared) -> Iterator[Finding]:
    """Grants live side by side, and end alone."""
    if not runs.consumers:
        return
    [consumer] = runs.consumers
    base = alone
    if runs.identities:
        admitted = runs.run("component-builds", "`admit` fails", admit=runs.identities)
        if admitted is None:
            return
        base = admitted
    other, again = access.others_of(consumer)
    grants = [other, consumer, again]
    several = runs.run("grant-is-additive", "a second grant fails", admit=runs.identities, grants=grants)
    if several is not None:
        yield from access.check_grants(consumer, base, found, several, runs.report)


def _kept(runs: Runs, alone: Declared) -> Iterator[Finding]:
    """A stateful component keeps its data with default arguments, and `holds` names each object that has it."""
    spec, case = runs.spec, runs.case
    if not spec.stateful or set(spec.roles) & {*FOUNDATIONS}:
        return
    held = {(str(one["type"]), f"{case.resource_name}-{one['name']}"): one for one in held_of(spec, case, runs.folder)}
    yield from _held(runs, alone, held)
    declared = [alone]
    defaults = [{name: value for name, value in case.args.items() if name != argument} for argument in case.args]
    for fewer in ({}, *defaults):
        try:
            declared.append(declare(spec, case, runs.folder, args=fewer))
        except Exception:  # noqa: BLE001, S112 an argument is required: without it, nothing is declared
            continue
    yield from declaration.check_kept(spec, declared, held, runs.report)


def _held(runs: Runs, alone: Declared, held: Mapping[tuple[str, str], Mapping[str, object]]) -> Iterator[Finding]:
    """The objects that `holds` names are those that the component declares for data, with the same inputs."""
    if runs.spec.holds is not None and not held:
        yield runs.report("held-objects-match", "`holds` names no object")
    types = _data_types()
    declared = alone.by_key()
    for type_, name in sorted(key for key in declared if key[0] in types and key not in held):
        yield runs.report("held-objects-match", f"{type_} {name!r} holds data, and `holds` does not name it")
    for (type_, name), one in sorted(held.items()):
        if (type_, name) not in declared:
            what = f"`holds` names {type_} {name!r}, which the component does not declare"
            yield runs.report("held-objects-match", what)
            continue
        inputs, given = declared[type_, name].inputs, one["inputs"]
        for key, value in given.items() if isinstance(given, Mapping) else ():
            if inputs.get(key) != value:
                what = f"`holds` gives {name!r} the {key} {value!r}, the component {inputs.get(key)!r}"
                yield runs.report("held-objects-match", what)


def _data_types() -> set[str]:
    """Pulumi types whose objects hold data, as installed systems say."""
    objects = [each for system in installed_systems() for each in system.objects.items()]
    kinds = {type_: load_reference(reference) for type_, reference in objects}
    return {type_ for type_, kind in kinds.items() if isinstance(kind, CloudObject) and kind.holds_data}
