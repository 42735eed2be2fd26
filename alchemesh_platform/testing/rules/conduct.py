"""Rules of the functions of a component: its checks are pure, and its observation ends and reports what it knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from alchemesh_platform.sdk.spec import ComponentSpec
from alchemesh_platform.testing.cases import Case, CaseObjection, in_folder
from alchemesh_platform.testing.finding import Finding
from alchemesh_platform.testing.rules.declaration import differences, shown
from alchemesh_platform.testing.rules.spec import Report
from alchemesh_platform.testing.run.probing import PATIENCE_SECONDS, ask


def check_imports(module: str, report: Report) -> Iterator[Finding]:
    """The import of a spec loads no library."""
    found = ask("spec", module=module)
    for name in found.get("loaded", ()):
        yield report("spec-is-light", f"the import of {module} loads {name}")
    if found.get("hung"):
        yield report("spec-is-light", f"the import of {module} takes more than 10 s")


def check_checks(spec: ComponentSpec, case: Case, folder: str, report: Report) -> Iterator[Finding]:
    """``check``, ``holds`` and ``look`` report what the case expects, and the first two are pure."""
    objections: list[dict[str, Any]] = []
    for field in ("check", "holds", "look"):
        reference = getattr(spec, field)
        if reference is None or (field == "holds" and case.is_refused):
            continue
        found = ask("called" if field == "look" else "pure", reference=reference, **_job(spec, case, folder))
        if found.get("hung"):
            yield report("check-is-pure", f"`{field}` takes more than {PATIENCE_SECONDS:g} s")
        elif "error" in found or "failed" in found:
            yield report("check-matches", f"`{field}` failed: {found.get('error') or found['failed']}")
        else:
            for event in found.get("events", ()):
                yield report("check-is-pure", f"`{field}` has a side effect or reads the machine: {event}")
            if not found.get("same", True):
                yield report("check-is-pure", f"`{field}` answers differently the second time")
            if field != "holds":
                objections += found["answers"]
    for expected in case.objections:
        if not any(_is(expected, each) for each in objections):
            given = "; ".join(str(each["message"]) for each in objections) or "nothing"
            yield report(
                "check-matches", f"expected an objection at {expected.at}: {expected.message!r}, found: {given}"
            )
    for each in objections:
        if not any(_is(expected, each) for expected in case.objections):
            yield report("check-matches", f"found an objection that the case does not expect: {each['message']}")


def held_of(spec: ComponentSpec, case: Case, folder: str) -> list[Mapping[str, Any]]:
    """The objects that the component's ``holds`` names for a case."""
    if spec.holds is None:
        return []
    found = ask("pure", reference=spec.holds, **_job(spec, case, folder))
    return list(found.get("answers", ()))


def check_observations(spec: ComponentSpec, case: Case, folder: str, report: Report) -> Iterator[Finding]:
    """``observe`` ends in time, raises nothing, and reports as unknown what nobody can know."""
    if spec.observe is None:
        return
    from alchemesh_platform.testing.folder import write_files

    for expected in case.observe:
        write_files(folder, expected.files)
        connection = in_folder(expected.connection or case.outputs or {}, folder)
        answer = ask(
            "observe",
            reference=spec.observe,
            connection=connection,
            environ=expected.environ,
            seconds=2 * PATIENCE_SECONDS,
        )
        if answer.get("hung"):
            yield report("observe-ends", f"`observe` gives no observation within {PATIENCE_SECONDS:g} s")
            continue
        if "error" in answer:
            yield report("observe-ends", f"`observe` cannot be called: {answer['error']}")
            continue
        for observation, server in zip(answer["observations"], ("refuses", "is silent"), strict=False):
            yield from _observed(observation, expected.health, expected.reason, server, report)


def check_inference(spec: ComponentSpec, case: Case, folder: str, report: Report) -> Iterator[Finding]:
    """``infer`` proposes what the case expects."""
    if spec.infer is None or case.infer is None:
        return
    found = ask("called", reference=spec.infer, seconds=6 * PATIENCE_SECONDS, **_job(spec, case, folder))
    expected = case.infer
    if "answers" not in found:
        message = found.get("failed") or found.get("error") or "no answer in time"
        if not expected.fails or expected.fails not in message:
            yield report("infer-matches", f"`infer` failed: {message}")
        return
    if expected.fails:
        yield report("infer-matches", f"`infer` has a proposal, expected the failure {expected.fails!r}")
    proposed = {each["name"]: each["declared"] for each in found["answers"]}
    for path, wanted, given in differences(expected.properties, proposed):
        yield report("infer-matches", f"{path} is {shown(given)}, expected {shown(wanted)}")


def _observed(found: Mapping[str, Any], health: str, reason: str, server: str, report: Report) -> Iterator[Finding]:
    if "raised" in found:
        yield report("observe-ends", f"`observe` failed where each server {server}: {found['raised']}")
        return
    for address in found["endless"]:
        yield report(
            "observe-ends", f"`observe` connects to {address} without a time limit, and waits for a silent server"
        )
    asked = found["asked"]
    if asked and found["health"] != "unknown":
        yield report(
            "observe-reports-unknown",
            f"each server {server} ({asked[0]}), and `observe` reports {found['health']!r} ({found['reason']}), "
            "expected 'unknown'",
        )
    elif found["health"] != health:
        yield report(
            "observe-reports-unknown",
            f"`observe` reports {found['health']!r} ({found['reason']}), expected {health!r}",
            fix="Correct the function, or `observe` of the case.",
        )
    elif reason not in found["reason"]:
        yield report(
            "observe-reports-unknown",
            f"the reason is {found['reason']!r}, expected {reason!r} in it",
            fix="Correct the function, or `observe` of the case.",
        )
    if found.get("seconds", 0.0) > PATIENCE_SECONDS:
        yield report(
            "observe-ends",
            f"`observe` takes {found['seconds']:.0f} s where each server {server}, expected at most 10 s",
        )


def _job(spec: ComponentSpec, case: Case, folder: str) -> dict[str, Any]:
    return {
        "args_model": spec.args,
        "settings_model": spec.settings,
        "args": in_folder(case.args, folder),
        "settings": in_folder(case.settings, folder),
        "wiring": case.wiring.model_dump(mode="json", by_alias=True, exclude_unset=True),
        "folder": folder,
    }


def _is(expected: CaseObjection, found: Mapping[str, Any]) -> bool:
    return (
        expected.message in found["message"]
        and expected.at == found["at"]
        and (not expected.path or list(expected.path) == list(found["path"]))
    )
