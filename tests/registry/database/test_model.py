"""For any order of writes and removals, the registry is a dictionary, and its history replays to the same."""

from __future__ import annotations

import json
import uuid

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alchemesh_platform.registry.records import AssetRecord, Change, ContractRecord, Record
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.writes import Key
from tests.lanes import examples

NAMES = st.sampled_from(["a", "b", "a-b"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
ACTS = st.lists(
    st.tuples(st.sampled_from(["put", "remove", "write"]), st.sampled_from(["asset", "contract"]), NAMES, VALUES),
    max_size=12,
)


def record(kind: str, environment: str, name: str, value: object) -> Record:
    if kind == "asset":
        return AssetRecord(
            environment=environment,
            address=f"d/p/o/{name}",
            product="d/p",
            port="d/p/o",
            model=name,
            definition={"value": value},
        )
    return ContractRecord(
        environment=environment,
        address=f"d/p/{name}",
        product="d/p",
        version="1.0.0",
        lifecycle="active",
        access="public",
        document={"value": value},
    )


def as_json(value: object) -> str:
    """Distinguishes as the registry does: 1 from true, and one order of keys from another."""
    return value.model_dump_json() if isinstance(value, Record) else json.dumps(value)


def replayed(history: list[Change]) -> dict[tuple[str, str], object]:
    """The records after the whole history, oldest line first; every line must be valid at its place."""
    standing: dict[tuple[str, str], object] = {}
    for line in reversed(history):
        key = (line.kind, line.address)
        assert (key in standing) == (line.change != "created")
        if line.change == "removed":
            assert standing.pop(key) == line.document
        else:
            assert as_json(standing.get(key)) != as_json(line.document)
            standing[key] = line.document
    return standing


@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(acts=ACTS)
def test_registry_equals_a_dictionary_and_its_history_replays_to_it(registry: Registry, acts: list[tuple]) -> None:
    environment = f"env-{uuid.uuid4().hex[:12]}"
    model: dict[tuple[str, str], Record] = {}
    for act, kind, name, value in acts:
        new = record(kind, environment, name, value)
        key = (kind, new.address)
        if act == "remove":
            assert registry.remove(type(new), environment, new.address) == (key in model)
            model.pop(key, None)
        else:
            before = model.get(key)
            expected = "created" if before is None else "unchanged" if as_json(before) == as_json(new) else "updated"
            if act == "put":
                assert registry.put(new) == expected
            else:
                gone = [(of, address) for of, address in model if of != kind]
                types = {"asset": AssetRecord, "contract": ContractRecord}
                removals = [Key(types[of], environment, address) for of, address in gone]
                assert registry.write([new], removals) == [expected]
                for each in gone:
                    del model[each]
            model[key] = new

    found = {
        (kind.kind, each.address): each
        for kind in (AssetRecord, ContractRecord)
        for each in registry.all(kind, environment)
    }
    assert found == model
    assert replayed(registry.history(environment)) == {key: each.model_dump(mode="json") for key, each in model.items()}
