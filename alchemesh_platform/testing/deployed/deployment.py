"""Deploys a case with the real engine, and reports broken rules."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.documents.yaml_source import shown as shown_path
from alchemesh_platform.testing.cases import Case
from alchemesh_platform.testing.check import finding_of
from alchemesh_platform.testing.deployed.stack import ComponentStack, Ran, component_stack, program_of
from alchemesh_platform.testing.finding import Finding
from alchemesh_platform.testing.folder import case_folder, write_files
from alchemesh_platform.testing.package import TestedComponent
from alchemesh_platform.testing.rules.spec import Report
from alchemesh_platform.testing.run.declared import environment

KILLED_SECONDS = 120.0  # for the process that kills itself in the middle of a deployment, and for its engine


def check_deployments(components: Iterable[TestedComponent]) -> Iterator[Finding]:
    """The findings of all cases that have ``engine``."""
    for component in components:
        for case in component.cases.cases if component.cases is not None else ():
            if case.engine is not None:
                yield from check_deployment(component, case)


def check_deployment(component: TestedComponent, case: Case) -> list[Finding]:
    """Deploy a case, preview it again, refresh it, kill a deployment in the middle, and destroy it.

    Args:
        component: The component.
        case: One of its cases that has ``engine``.
    """
    cases = component.cases
    assert cases is not None  # noqa: S101 the case is one of them
    report = functools.partial(finding_of, component.name, shown_path(cases.file), cases.line_of(case), case.name)
    home = TemporaryDirectory(prefix="conformance-home-", ignore_cleanup_errors=True)
    with home as folder, environment(case.secrets.environment):
        try:
            findings = list(_whole_life(component, case, Path(folder, "whole"), report))
            if not any(each.rule == "deployment-succeeds" for each in findings):
                findings += _killed(component, case, Path(folder, "killed"), report)
        except Failure as failure:
            return [report("deployment-succeeds", failure.message, fix=str(failure.hint or ""))]
    return findings


def _whole_life(component: TestedComponent, case: Case, home: Path, report: Report) -> Iterator[Finding]:
    spec = component.spec
    assert spec is not None  # noqa: S101 a component without a spec has no cases
    with case_folder(case.files) as folder:
        program = program_of(spec, case, folder)
        with component_stack(spec, home, program) as stack:
            up = stack.run("up", program)
            if not up.succeeded:
                yield report("deployment-succeeds", f"`up` {up.result.outcome}: {up.reasons}")
                return
            if case.engine is not None:
                write_files(folder, case.engine.data)
            second = stack.run("preview", program)
            yield from _nothing_changes(second, "second-preview-is-empty", "a second preview", report)
            yield from _nothing_changes(stack.run("refresh"), "refresh-finds-no-drift", "a refresh", report)
            if case.grant is not None:
                yield from _revoked(stack, program_of(spec, case, folder, grants=False), report)
            yield from _destroyed(stack, case, report)


def _nothing_changes(ran: Ran, rule: str, what: str, report: Report) -> Iterator[Finding]:
    if not ran.succeeded:
        yield report(rule, f"{what} {ran.result.outcome}: {ran.reasons}")
        return
    for step in ran.changed():
        paths = ", ".join(diff.path for diff in step.diffs) or "no property"
        yield report(rule, f"{what} has {step.op} of {step.type} {step.name!r}: {paths}")
    if not ran.changed() and (counted := {op: count for op, count in ran.result.changes.items() if op != "same"}):
        yield report(rule, f"{what} changes resources: {counted}")


def _revoked(stack: ComponentStack, without: Callable[[], object], report: Report) -> Iterator[Finding]:
    before = {each["urn"]: each for each in stack.resources()}
    ran = stack.run("up", without)
    if not ran.succeeded:
        yield report("grant-is-revocable", f"a deployment without the grant {ran.result.outcome}: {ran.reasons}")
        return
    gone = [before[urn] for urn in before.keys() - {each["urn"] for each in stack.resources()}]
    if not gone:
        yield report("grant-is-revocable", "a deployment without the grant removes no resource")
    for resource in gone:
        if stack.exists(resource):
            yield report("grant-is-revocable", f"{_name(resource)} still exists after the end of the grant")


def _destroyed(stack: ComponentStack, case: Case, report: Report) -> Iterator[Finding]:
    before = stack.resources()
    ran = stack.run("destroy")
    rule = "destroy-removes-the-rest"
    if not ran.succeeded:
        yield report(rule, f"`destroy` {ran.result.outcome}: {ran.reasons}")
        return
    for resource in stack.resources():
        yield report(rule, f"{_name(resource)} is left in the state")
    kept = set(case.engine.kept) if case.engine is not None else set()
    for name in sorted(kept - {_short(resource) for resource in before}):
        yield report(
            rule, f"`kept` names {name!r}, which the component does not declare", fix="Correct `kept` of the case."
        )
    for resource in before:
        exists = stack.exists(resource)
        if exists and _short(resource) not in kept:
            yield report(
                rule, f"{_name(resource)} still exists after `destroy`, and `kept` of the case does not name it"
            )
        elif exists is False and _short(resource) in kept:
            yield report("data-is-kept", f"{_name(resource)} is gone after `destroy`, and `kept` of the case names it")


def _killed(component: TestedComponent, case: Case, home: Path, report: Report) -> Iterator[Finding]:
    """Kill a deployment in the middle of its first creation. The next one completes it."""
    import psutil

    spec = component.spec
    assert spec is not None  # noqa: S101
    with case_folder(case.files) as folder:
        program = program_of(spec, case, folder)
        with component_stack(spec, home, program) as stack:
            job = {
                "reference": component.reference,
                "case": case.model_dump(mode="json", by_alias=True, exclude_unset=True),
                "folder": folder,
                "home": str(home),
            }
            killed = subprocess.run(
                [sys.executable, "-m", "alchemesh_platform.testing.deployed.trial"],
                input=json.dumps(job),
                capture_output=True,
                text=True,
                check=False,
                timeout=KILLED_SECONDS,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
            )
            if killed.returncode >= 0:
                what = f"the deployment that was to be killed ended with {killed.returncode}: {killed.stderr[-400:]}"
                yield report("killed-run-converges", what)
                return
            engines = [psutil.Process(pid) for pid in json.loads(killed.stdout or "[]") if psutil.pid_exists(pid)]
            psutil.wait_procs(engines, timeout=KILLED_SECONDS)
            again = stack.run("up", program)
            if not again.succeeded:
                yield report(
                    "killed-run-converges", f"the deployment after a killed one {again.result.outcome}: {again.reasons}"
                )
                return
            yield from _nothing_changes(
                stack.run("preview", program), "killed-run-converges", "a preview after it", report
            )


def _short(resource: Mapping[str, Any]) -> str:
    return str(resource["urn"]).rpartition("::")[2]


def _name(resource: Mapping[str, Any]) -> str:
    return f"{resource['type']} {_short(resource)!r}"
