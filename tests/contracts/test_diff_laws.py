"""Laws of differences that hold for any two promises."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alchemesh_platform.contracts.compatibility.changes import KINDS, ChangeKind, PortDiff
from alchemesh_platform.contracts.compatibility.diff import diff_port
from alchemesh_platform.contracts.port import PromisedPort
from tests.contracts.promises import promised_ports, varied
from tests.lanes import examples

thorough = settings(
    max_examples=examples(30), deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)


def grave(diff: PortDiff) -> int:
    """The severity of a difference: 0 for none, 3 for a breaking one."""
    kinds: tuple[ChangeKind, ...] = tuple(reversed(KINDS))
    return 0 if diff.kind is None else kinds.index(diff.kind) + 1


def canonical(port: PromisedPort) -> Any:
    """The promise without the order of its parts and without its identity."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return frozenset((key, plain(part)) for key, part in value.items() if part is not None and part != "")
        if isinstance(value, list | tuple):
            return frozenset(Counter(plain(part) for part in value).items())
        return value

    models = {name: model.model_dump(mode="json") for name, model in port.models.items()}
    for model in models.values():
        _sets_for_enums(model)
    contract = (
        None if port.contract is None else port.contract.model_dump(mode="json", exclude={"version", "lifecycle"})
    )
    if contract is not None:
        contract["quality"] = {rule["name"]: _bounds_kept(rule) for rule in contract["quality"]}
    return plain([models, contract, sorted(set(port.protocols))])


def _sets_for_enums(value: Any) -> None:
    if isinstance(value, dict):
        if isinstance(value.get("enum"), list):
            value["enum"] = ["enum", *sorted(set(value["enum"]), key=repr)]
        for name in ("properties",):
            if value.get(name) == {}:
                value[name] = None
        for part in value.values():
            _sets_for_enums(part)


def _bounds_kept(rule: dict[str, Any]) -> dict[str, Any]:
    return {key: repr(value) if isinstance(value, list) else value for key, value in rule.items()}


@thorough
@given(promised_ports())
def test_a_promise_does_not_differ_from_itself(port: PromisedPort) -> None:
    assert diff_port(port, port) == PortDiff()


@thorough
@given(st.data())
def test_exactly_the_differences_are_reported(data: st.DataObject) -> None:
    before = data.draw(promised_ports())
    after = data.draw(varied(before))
    assert bool(diff_port(before, after).changes) == (canonical(before) != canonical(after))


@thorough
@given(st.data())
def test_an_addition_is_a_removal_in_the_other_direction(data: st.DataObject) -> None:
    before = data.draw(promised_ports())
    after = data.draw(varied(before) | promised_ports())
    there, back = diff_port(before, after), diff_port(after, before)
    opposite = {"added": "removed", "removed": "added", "changed": "changed"}
    assert len(there.changes) == len(back.changes)
    assert Counter(opposite[change.change] for change in there.changes) == Counter(
        change.change for change in back.changes
    )
    for word in ("added", "removed"):
        forth = Counter(change.path for change in there.changes if change.change == word)
        assert forth == Counter(change.path for change in back.changes if change.change == opposite[word])


@thorough
@given(st.data())
def test_a_change_has_one_kind_and_its_own_place_and_message(data: st.DataObject) -> None:
    before = data.draw(promised_ports())
    diff = diff_port(before, data.draw(varied(before) | promised_ports()))
    assert sum(len(diff.of(kind)) for kind in KINDS) == len(diff.changes)
    assert len({(change.path, change.change) for change in diff.changes}) == len(diff.changes)
    assert all(change.message and change.place for change in diff.changes)


@thorough
@given(st.data())
def test_two_steps_together_are_at_most_as_severe_as_the_worse_one(data: st.DataObject) -> None:
    first = data.draw(promised_ports())
    second = data.draw(varied(first))
    third = data.draw(varied(second))
    together = grave(diff_port(first, third))
    assert together <= max(grave(diff_port(first, second)), grave(diff_port(second, third)))


@thorough
@given(st.data())
def test_a_pure_gain_is_a_loss_in_the_other_direction(
    data: st.DataObject,
) -> None:
    """A promise that gains in one direction loses in the other."""
    before = data.draw(promised_ports())
    after = data.draw(varied(before))
    there, back = diff_port(before, after).kind, diff_port(after, before).kind
    assert (there == "compatible") <= (back == "breaking")
    assert (there in {None, "documentation"}) == (back in {None, "documentation"})


@thorough
@given(st.data())
def test_the_order_of_the_documents_does_not_matter(data: st.DataObject) -> None:
    before = data.draw(promised_ports())
    after = data.draw(varied(before))

    def turned(port: PromisedPort) -> PromisedPort:
        models = {
            name: model.model_copy(
                update={
                    "properties": dict(reversed(model.properties.items())),
                    "relationships": model.relationships[::-1],
                }
            )
            for name, model in reversed(port.models.items())
        }
        contract = port.contract
        if contract is not None:
            contract = contract.model_copy(update={"quality": contract.quality[::-1]})
        return PromisedPort(contract, models, port.protocols[::-1])

    assert diff_port(turned(before), turned(after)) == diff_port(before, after)
