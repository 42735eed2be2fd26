"""Marks, words, JSON and exit code of a run always agree, wherever the run fails or ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from alchemesh_cli.render.review.comment import comment
from alchemesh_cli.render.review.document import read_previews
from alchemesh_cli.render.review.ports import Dialect
from alchemesh_cli.render.run.live import Screen, closing
from alchemesh_platform.app.where import Composed, Where, read_product
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.problems import Location, Problem
from alchemesh_platform.deployment.grants.resources import GRANT
from alchemesh_platform.deployment.operator import by_section, failures_of
from alchemesh_platform.deployment.report.outcome import Ended, OperationName, Outcome
from alchemesh_platform.deployment.report.progress import LINEAGE, Progress
from alchemesh_platform.deployment.report.progress import MANIFEST as RECORDED_MANIFEST
from alchemesh_platform.deployment.report.progress import PRODUCT as RECORD
from alchemesh_platform.engine.run.events import (
    Diagnostic,
    EngineEvent,
    PropertyDiff,
    ResourceEvent,
    ResourceFailed,
    ResourceOutputs,
    ResourcePre,
)
from alchemesh_platform.engine.run.result import EngineResult
from tests.deployment.report.reported import PREFIX, reported
from tests.end_to_end.harness import MANIFEST

PRODUCT = "alchemesh:stacks:DataProduct"
THING = "alchemesh:local:Thing"
NEXT = "next: alchemesh up"
Fault = Literal["check", "diff", "creation", "program", "cut", "cancel"]


@dataclass(frozen=True)
class Part:
    """A port, a need or the code: the events that a complete run reports, in order."""

    name: str
    events: tuple[ResourceEvent, ...]
    resource: ResourceEvent


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Composed:
    repo = tmp_path_factory.mktemp("laws")
    (repo / "alchemesh.yaml").write_text(MANIFEST, "utf-8")
    return read_product(Where(repo))


def parts_of(product: Composed, op: str, *, planning: bool) -> list[Part]:
    """The parts of a product with one resource for each component."""
    plan = product.plan
    parts = []
    for given_input in plan.inputs:
        parts.append(_part("alchemesh:stacks:InputPort", given_input.name, [given_input.component], op, planning))
    for need in plan.needs:
        parts.append(_part("", need.port, [need], op, planning))
    for output in plan.outputs:
        components = [part for part in (output.storage, output.proxy) if part is not None]
        parts.append(_part("alchemesh:stacks:OutputPort", output.name, components, op, planning))
    if plan.code is not None:
        parts.append(_part("", "code", [plan.code], op, planning))
    return parts


def _part(port_type: str, name: str, components: list, op: str, planning: bool) -> Part:  # type: ignore[type-arg]
    root = f"{PREFIX}{PRODUCT}::orders"
    above, types = root, PRODUCT
    events: list[ResourceEvent] = []
    if port_type:
        types = f"{types}${port_type}"
        above = f"{PREFIX}{types}::{name}"
        events += _group(above, port_type, name, root, op, planning=planning)
    resource = None
    for component in components:
        kind = f"alchemesh:components:{component.spec.name}"
        group = f"{PREFIX}{types}${kind}::{component.resource_name}"
        events += _begin(group, kind, component.resource_name, above, op, planning=planning)
        child = f"{component.resource_name}-thing"
        thing = f"{PREFIX}{types}${kind}${THING}::{child}"
        resource = _event(ResourcePre, thing, THING, child, group, op)
        events += [resource, _as(ResourceOutputs, resource)]
        events.append(_event(ResourceOutputs, group, kind, component.resource_name, above, op, planning=planning))
    if port_type:
        record = f"{PREFIX}{types}$alchemesh:mesh:Port::{name}-record"
        events += [
            _event(kind, record, "alchemesh:mesh:Port", f"{name}-record", above, op)
            for kind in (ResourcePre, ResourceOutputs)
        ]
    assert resource is not None
    return Part(name, tuple(events), resource)


def _begin(urn: str, kind: str, name: str, parent: str, op: str, *, planning: bool) -> list[ResourceEvent]:
    """A group starts. A preview reports its outputs at once, and again when everything in it is declared."""
    events = [_event(ResourcePre, urn, kind, name, parent, op, planning=planning)]
    return [*events, _event(ResourceOutputs, urn, kind, name, parent, op, planning=planning)] if planning else events


def _group(urn: str, kind: str, name: str, parent: str, op: str, *, planning: bool) -> list[ResourceEvent]:
    return [
        *_begin(urn, kind, name, parent, op, planning=planning),
        _event(ResourceOutputs, urn, kind, name, parent, op, planning=planning),
    ]


def _event(
    event: type[ResourceEvent], urn: str, kind: str, name: str, parent: str, op: str, *, planning: bool = False
) -> ResourceEvent:
    return event(urn, kind, name, parent, op, not kind.startswith("alchemesh:stacks"), (), None, {}, None, {}, planning)


def _as(event: type[ResourceEvent], like: ResourceEvent) -> ResourceEvent:
    return _event(event, like.urn, like.type, like.name, like.parent, like.op, planning=like.planning)


@st.composite
def runs(draw: st.DrawFn, product: Composed) -> tuple[Outcome, set[str], Screen]:
    """A run that may fail or stop at any event; the names of the parts that it completed."""
    operation = cast("OperationName", draw(st.sampled_from(["preview", "up"])))
    op = draw(st.sampled_from(["same", "create", "update", "replace"]))
    fault = cast("Fault | None", draw(st.sampled_from([None, "check", "diff", "creation", "program", "cut", "cancel"])))
    parts = draw(st.permutations(parts_of(product, op, planning=operation == "preview")))
    broken = draw(st.sampled_from(parts))
    waits = draw(st.booleans())
    refused = draw(st.booleans())
    events: list[EngineEvent] = []
    complete: set[str] = set()
    errors: list[Diagnostic] = []
    reason = draw(st.text(st.characters(categories=["Lu", "Ll"]), min_size=3, max_size=8))
    for part in parts:
        if fault is None or part is not broken:
            events += part.events
            complete.add(part.name)
            continue
        at = part.events.index(part.resource)
        if fault == "check":
            refusal = f"{THING} resource '{part.resource.name}' has a problem: {reason}"
            errors.append(Diagnostic("error", refusal, draw(st.sampled_from([part.resource.urn, ""]))))
            events += part.events[:at]
            break
        if fault == "diff":
            errors.append(Diagnostic("error", reason, part.resource.urn))
            events += part.events[:at]
            break
        if fault == "creation":
            errors.append(Diagnostic("error", reason, part.resource.urn))
            events += [*part.events[: at + 1], _as(ResourceFailed, part.resource)]
            continue
        if fault == "program":
            errors.append(Diagnostic("error", reason))
        events += part.events[: draw(st.integers(0, len(part.events) - 1))]
        if fault == "cut":
            errors.append(Diagnostic("error", "the engine was ended by signal 9"))
        break
    ended: Ended = "succeeded" if fault is None else "cancelled" if fault == "cancel" else "failed"
    progress = Progress(product.plan)
    for event in events:
        progress.on_event(event)
    result = EngineResult(ended, diagnostics=tuple(errors))
    failures = failures_of(result, progress, product.plan, product.platform)
    places = by_section(failures)
    forbidden: tuple[Problem, ...] = ()
    waiting: tuple[Problem, ...] = ()
    if operation == "preview" and refused:
        forbidden = (Problem(Location("alchemesh.yaml", 3), "output_ports[0]", "the version is too low"),)
        places = {**places, "orders-table": (*places.get("orders-table", ()), *forbidden)}
    elif operation == "preview" and waits:
        waiting = (Problem(Location("alchemesh.yaml", 3), "", "it waits", severity="warning"),)
    outcome = Outcome(
        "shop/orders",
        "local",
        operation,
        ended,
        1.0,
        progress,
        tuple(one.problem for one in failures),
        forbidden=forbidden,
        waiting=waiting,
        places=places,
    )
    return outcome, complete, Screen(progress, product.plan, operation)


@given(data=st.data())
def test_marks_words_json_and_exit_code_agree(product: Composed, data: st.DataObject) -> None:
    """A port whose check or diff failed was `= unchanged` or `✓`, and so were ports that the run never reached."""
    outcome, complete, screen = data.draw(runs(product))
    tree, words, document = drawn(screen, outcome), " · ".join(closing(outcome, NEXT)), outcome.as_json()
    code = outcome.exit_code(detailed=True)

    assert document["outcome"] == outcome.outcome
    assert (outcome.outcome == "succeeded") == (code in (ExitCode.DONE, ExitCode.CHANGES))
    assert (outcome.outcome == "refused") == (code is ExitCode.FORBIDDEN)
    assert ("✗" in tree) == (outcome.outcome in ("failed", "refused"))
    assert ("failed" in words) == (outcome.outcome == "failed") == (document["failures"] > 0)
    assert ("would refuse" in words) == (outcome.outcome == "refused" or bool(outcome.waiting and outcome.succeeded))
    if outcome.operation == "preview":
        possible = outcome.succeeded and outcome.progress.has_changes and not outcome.waiting
        assert (NEXT in words) == possible
    assert ("nothing to change" in words) == (outcome.succeeded and not outcome.progress.has_changes)
    for problem in (*outcome.problems, *outcome.forbidden):
        assert problem.message.rpartition(": ")[2] in tree
    for port in document["ports"][1:]:
        mark, rest = _line_of(tree, port["kind"], port["name"])
        assert (mark == "✗") == (port["state"] in ("failed", "refused"))
        if mark != "✗" and port["name"] not in complete:
            assert mark == "·"
            assert rest.endswith(("not attempted", "not completed"))
            assert port["state"] in ("not attempted", "not completed")
        if port["name"] in complete and mark != "✗":
            assert (mark, port["state"]) != ("·", "not attempted")


@given(data=st.data())
def test_the_comment_on_a_merge_request_says_the_same(product: Composed, data: st.DataObject) -> None:
    outcome, _, _ = data.draw(runs(product))
    written = commented(outcome)
    first = written.splitlines()[0]
    refused = outcome.outcome in ("failed", "refused", "cancelled") or bool(outcome.waiting)
    sign = "✗" if refused else "⚠" if "**Dangerous:**" in written else "✓"
    assert first.startswith(f"### {sign} `shop/orders` · `local`: ")
    assert ("the preview failed" in first) == (outcome.outcome == "failed")
    assert ("`up` refuses this" in first) == (outcome.outcome == "refused")
    assert ("- **error**" in written) == bool(outcome.problems or outcome.forbidden)
    assert ("- **warning**" in written) == bool(outcome.waiting or outcome.warnings)


def test_a_purpose_cannot_forge_a_line_of_the_tree(product: Composed) -> None:
    """A purpose with an escape sequence or with lines of its own hid a grant from its reviewer."""
    grant = reported(
        ResourceOutputs,
        GRANT,
        "orders-table-req-1-grant",
        f"{PREFIX}{PRODUCT}$alchemesh:stacks:OutputPort::orders-table",
        "create",
        outputs={"requester": "team/x", "purpose": "a study\x1b[2K\x1b[1A\n└─ = nothing \u202eelse"},
    )
    progress = Progress(product.plan)
    progress.on_event(grant)
    outcome = Outcome("shop/orders", "local", "preview", "succeeded", 1.0, progress)
    screen = Screen(progress, product.plan, "preview")
    shown = "+ grant team/x  a study\\u001b[2K\\u001b[1A └─ = nothing \\u202eelse"
    assert shown in drawn(screen, outcome)
    granted = "- `+` grant of `team/x` granted, a `study\\u001b[2K\\u001b[1A` `└─` `=` nothing `\\u202eelse`"
    assert granted in commented(outcome).splitlines()


OWNERS = (PropertyDiff("owner", "update", True, "ada@shop.example", "mallory@shop.example"),)


def test_a_new_owner_is_in_the_tree_the_totals_the_json_and_the_comment(product: Composed) -> None:
    """`nothing to change`, with exit code 10: the change that hands over the product was invisible."""
    progress = Progress(product.plan)
    for kind in (ResourcePre, ResourceOutputs):
        progress.on_event(reported(kind, RECORD, "orders-record", f"{PREFIX}{PRODUCT}::orders", "update", diffs=OWNERS))
    outcome = Outcome("shop/orders", "local", "preview", "succeeded", 1.0, progress)
    screen = Screen(progress, product.plan, "preview")
    assert "~ owner  ada@shop.example → mallory@shop.example" in drawn(screen, outcome)
    lines = commented(outcome).splitlines()
    assert "  - `owner`: `ada@shop.example` → `mallory@shop.example`" in lines
    assert "**Dangerous:** changes the owner from `ada@shop.example` to `mallory@shop.example`." in lines
    assert lines[2] == "1 product"
    assert closing(outcome, NEXT) == ["1 product to be changed", NEXT]
    (section,) = [port for port in outcome.as_json()["ports"] if port["kind"] == "product"]
    assert section["resources"][0]["diff"][0]["new"] == "mallory@shop.example"


@pytest.mark.parametrize(
    ("kind", "name", "diffs", "line", "written"),
    [
        (
            RECORDED_MANIFEST,
            "manifest",
            (PropertyDiff("document", "update", True, '{"note": "a"}', '{"note": "b"}'),),
            "~ note  a → b",
            "`note`: `a` → `b`",
        ),
        (
            LINEAGE,
            "lineage",
            (PropertyDiff("flows", "update", True, 1, 2),),
            "~ flows  1 → 2",
            "`flows`: `1` → `2`",
        ),
    ],
)
def test_a_change_of_a_manifest_or_lineage_has_a_line_in_the_tree_and_a_total(
    product: Composed, kind: str, name: str, diffs: tuple[PropertyDiff, ...], line: str, written: str
) -> None:
    """The totals named it, and the tree did not."""
    progress = Progress(product.plan)
    for event in (ResourcePre, ResourceOutputs):
        progress.on_event(reported(event, kind, f"orders-{name}", f"{PREFIX}{PRODUCT}::orders", "update", diffs=diffs))
    outcome = Outcome("shop/orders", "local", "preview", "succeeded", 1.0, progress)
    screen = Screen(progress, product.plan, "preview")
    assert f"~ {name} orders-{name}" in (tree := drawn(screen, outcome))
    assert line in tree
    assert f"- `~` {name} `orders-{name}`\n  - {written}" in commented(outcome)
    assert closing(outcome, NEXT) == [f"1 {name} to be changed", NEXT]

    # Beside another change it was in the JSON document only.
    thing = reported(ResourceOutputs, THING, "orders-table-storage-x", f"{PREFIX}{PRODUCT}::orders", "update")
    progress.on_event(thing)
    assert f"~ {name} orders-{name}" in (tree := drawn(screen, outcome))
    assert line in tree
    assert f"- `~` {name} `orders-{name}`\n  - {written}" in commented(outcome)
    assert closing(outcome, NEXT) == [f"~ 1 to change · 1 {name} to be changed", NEXT]
    assert name in str(outcome.as_json()["ports"][0]["resources"])


@pytest.mark.parametrize(
    ("options", "code"),
    [({}, ExitCode.DONE), ({"strict": True}, ExitCode.UNRECORDED), ({"detailed": True}, ExitCode.UNRECORDED)],
)
def test_a_preview_without_a_record_has_a_code_of_its_own_in_a_pipeline(
    product: Composed, options: dict[str, bool], code: ExitCode
) -> None:
    progress = Progress(product.plan)
    outcome = Outcome("shop/orders", "local", "preview", "succeeded", 1.0, progress, is_recorded=False)
    assert outcome.exit_code(**options) is code
    assert outcome.as_json()["recorded"] is False


def commented(outcome: Outcome) -> str:
    one = {
        "product": outcome.product,
        "environment": outcome.environment,
        "outcome": outcome.outcome,
        "preview": outcome.as_json(),
    }
    return comment(read_previews({"outcome": outcome.outcome, "previews": [one]}), Dialect("markdown"))


def drawn(screen: Screen, outcome: Outcome) -> str:
    console = Console(width=400, color_system=None)
    with console.capture() as captured:
        console.print(screen.ended_tree(outcome), soft_wrap=True)
    return captured.get()


def _line_of(tree: str, kind: str, name: str) -> tuple[str, str]:
    shown = "" if kind == "code" else name
    for line in tree.splitlines():
        mark, _, rest = line[3:].partition(" ")
        if line[:3] in ("├─ ", "└─ ") and rest.split()[:2] == [kind, *([shown] if shown else [rest.split()[1]])]:
            return mark, rest.rstrip()
    raise AssertionError(f"{kind} {name} is not in\n{tree}")


def test_run_that_is_stopped_in_its_first_change_does_not_report_nothing_to_change(product: Composed) -> None:
    progress = Progress(product.plan)
    progress.on_event(reported(ResourcePre, THING, "orders-table-storage-x", f"{PREFIX}{PRODUCT}::orders", "create"))
    outcome = Outcome("shop/orders", "local", "preview", "cancelled", 1.0, progress)
    assert closing(outcome, NEXT) == ["stopped by hand"]
