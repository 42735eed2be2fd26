"""Checks the components of a package against the rules, without an engine."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.documents.yaml_source import shown as shown_path
from alchemesh_platform.sdk.spec import ComponentSpec
from alchemesh_platform.testing.cases import Case, ReadCases
from alchemesh_platform.testing.finding import Finding
from alchemesh_platform.testing.folder import case_folder
from alchemesh_platform.testing.package import TestedComponent
from alchemesh_platform.testing.rules.arguments import check_round_trip
from alchemesh_platform.testing.rules.conduct import (
    check_checks,
    check_imports,
    check_inference,
    check_observations,
)
from alchemesh_platform.testing.rules.spec import (
    check_capabilities,
    check_forms,
    check_measure,
    check_models,
    check_references,
)

if TYPE_CHECKING:
    pass


def check_component(component: TestedComponent, catalog: Iterable[ComponentSpec]) -> list[Finding]:
    """The findings about a component as a whole: its spec, its models, and its case file.

    Args:
        component: The component.
        catalog: The specs of all installed components.
    """
    spec, cases = component.spec, component.cases
    if spec is None or cases is None:
        return list(component.findings)
    report = functools.partial(finding_of, component.name, _file_of(component.module), 0, "")
    findings = [*component.findings, *check_imports(component.module, report), *check_references(spec, report)]
    findings += [
        Finding("case-is-valid", component.name, message, shown_path(cases.file), line)
        for line, message in cases.problems
    ]
    if any(each.rule == "references-resolve" for each in findings):
        return findings
    findings += check_models(spec, report)
    findings += check_forms(spec, catalog, report)
    findings += check_measure(spec, report)
    if spec.holds is not None and not spec.stateful:
        findings.append(report("held-objects-match", "the spec has `holds`, and stateful=False"))
    if not cases.problems:
        in_cases = functools.partial(finding_of, component.name, shown_path(cases.file), 1, "")
        findings += check_capabilities(spec, cases.cases, in_cases)
    return findings


def references_break(component: TestedComponent) -> list[Finding]:
    """The findings about modules of a component that cannot be imported: without them, no case can be run."""
    if component.spec is None:
        return list(component.findings)
    report = functools.partial(finding_of, component.name, _file_of(component.module), 0, "")
    return list(check_references(component.spec, report))


def check_case(spec: ComponentSpec, cases: ReadCases, case: Case) -> list[Finding]:
    """The findings about a component for one case.

    Args:
        spec: The component; its references resolve.
        cases: Its case file.
        case: One of its cases.
    """
    report = functools.partial(finding_of, spec.name, shown_path(cases.file), cases.line_of(case), case.name)
    with case_folder(case.files) as folder:
        findings = list(check_round_trip(spec, case, folder, report))
        if any(each.rule == "case-is-valid" for each in findings):
            return findings
        findings += check_checks(spec, case, folder, report)
        findings += check_inference(spec, case, folder, report)
        if not case.is_refused:
            from alchemesh_platform.testing.runs import check_runs  # imports Pulumi

            findings += check_runs(spec, case, folder, report)
            findings += check_observations(spec, case, folder, report)
    return findings


def check_all(components: Iterable[TestedComponent], catalog: Iterable[ComponentSpec]) -> Iterator[Finding]:
    """All findings about components, in the order of the components and their cases."""
    specs = list(catalog)
    for component in components:
        findings = check_component(component, specs)
        yield from findings
        if component.spec is None or component.cases is None or _is_broken(findings):
            continue
        for case in component.cases.cases:
            yield from check_case(component.spec, component.cases, case)


def _is_broken(findings: Iterable[Finding]) -> bool:
    return any(each.rule in ("references-resolve", "spec-loads") for each in findings)


def finding_of(
    component: str,
    file_: str,
    line_: int,
    case: str,
    rule: str,
    what: str,
    *,
    fix: str = "",
    file: str = "",
    line: int = 0,
) -> Finding:
    """A finding at a place, which a check can make more exact."""
    return Finding(rule, component, what, file or file_, line or line_, case, fix)


def _file_of(module: str) -> str:
    """The file of a module, for messages."""
    found = importlib.util.find_spec(module)
    return shown_path(Path(found.origin)) if found is not None and found.origin else ""
