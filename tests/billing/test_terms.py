"""The spans of contract versions and grants, from the history of their records."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from alchemesh_platform.billing.terms import Access, Span, access_of, merged, versions_of
from alchemesh_platform.registry.records import Change
from tests.billing.ports import AMELIA, DESK, at
from tests.lanes import examples


def change(
    kind: str, moment: datetime, what: Literal["created", "updated", "removed"], name: str = "req-1", **document: Any
) -> Change:
    return Change(at=moment, environment="demo", kind=kind, address=name, change=what, document=document)


def contract(moment: datetime, version: str, lifecycle: str = "active", *, removed: bool = False) -> Change:
    return change("contract", moment, "removed" if removed else "updated", version=version, lifecycle=lifecycle)


def granted(
    moment: datetime,
    what: Literal["created", "updated", "removed"] = "created",
    consumer: str = DESK,
    ends_at: datetime | None = None,
    name: str = "req-1",
) -> Change:
    kind, _, requester = consumer.partition(":")
    end = ends_at.isoformat() if ends_at is not None else None
    return change("grant", moment, what, name, requester_kind=kind, requester=requester, ends_at=end)


def spans(*history: Change) -> dict[str, tuple[Span, ...]]:
    return {
        version.version: version.spans for version in versions_of([("2.0.0", None), ("1.0.0", None)], history[::-1])
    }


def accesses(*history: Change) -> tuple[Access, ...]:
    return access_of(history[::-1])


def test_a_version_is_in_force_while_it_is_deployed_and_no_draft() -> None:
    found = spans(
        contract(at(1), "1.0.0", "draft"),
        contract(at(2), "1.0.0"),
        contract(at(3), "1.0.0", "deprecated"),
        contract(at(5), "2.0.0"),
        contract(at(7), "2.0.0", "retired"),
    )
    assert found == {"1.0.0": (Span(at(2), at(5)),), "2.0.0": (Span(at(5), at(7)),)}


def test_a_removed_contract_ends_and_may_come_again() -> None:
    removed = contract(at(4), "1.0.0", removed=True)
    found = spans(contract(at(2), "1.0.0"), removed, contract(at(6), "1.0.0"))
    assert found == {"1.0.0": (Span(at(2), at(4)), Span(at(6))), "2.0.0": ()}


def test_access_ends_with_the_grant_or_at_its_own_end() -> None:
    assert accesses(granted(at(2)), granted(at(9), "removed")) == (Access(DESK, (Span(at(2), at(9)),)),)
    until = at(5)
    late = (granted(at(2), ends_at=until), granted(at(9), "removed", ends_at=until))
    assert accesses(*late) == (Access(DESK, (Span(at(2), until),)),)
    assert accesses(granted(at(2), ends_at=until)) == (Access(DESK, (Span(at(2), until),)),)


def test_a_renewed_grant_continues_and_one_that_ended_before_has_a_gap() -> None:
    renewed = (granted(at(2), ends_at=at(5)), granted(at(4), "updated", ends_at=at(20)))
    assert accesses(*renewed) == (Access(DESK, (Span(at(2), at(20)),)),)
    gap = (granted(at(2), ends_at=at(5)), granted(at(8), "updated", ends_at=at(20)))
    assert accesses(*gap) == (Access(DESK, (Span(at(2), at(5)), Span(at(8), at(20)))),)


def test_consumers_are_apart_and_their_grants_are_joined() -> None:
    found = accesses(granted(at(2)), granted(at(3), consumer=AMELIA, name="req-2"), granted(at(4), name="req-3"))
    assert found == (Access(DESK, (Span(at(2)),)), Access(AMELIA, (Span(at(3)),)))


SPANS = st.builds(
    lambda day, length: Span(at(day), None if length is None else at(day + length)),
    st.integers(1, 20),
    st.none() | st.integers(1, 9),
)


@settings(max_examples=examples(100), deadline=None, database=None)
@given(st.lists(SPANS, max_size=8))
def test_merged_spans_cover_the_same_time_once(given_spans: list[Span]) -> None:
    found = merged(given_spans)
    for first, second in pairwise(found):
        assert first.until is not None
        assert first.until < second.since
    for day in range(1, 30):
        moment = at(day, 12)
        assert sum(covers(span, moment) for span in found) == any(covers(span, moment) for span in given_spans)


def covers(span: Span, moment: datetime) -> bool:
    return span.since <= moment and (span.until is None or moment < span.until)
