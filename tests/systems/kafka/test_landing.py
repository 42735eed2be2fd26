"""Batches become files named after their content; messages that are not rows are set aside, with the reason."""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alchemesh_platform.systems.kafka.landing.batch import Message, Span, short_id, sort_messages, span_of
from alchemesh_platform.systems.kafka.landing.landing import DEAD_LETTERS, STAGING, land, next_offset, sweep
from tests.lanes import examples

ID = "abcd1234"


@given(
    st.text("abcXYZ019._-", min_size=1, max_size=249),
    st.text("abcXYZ019_-", min_size=8, max_size=8),
    st.integers(0, 10_000),
    st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1)).map(sorted),
)
def test_a_file_name_gives_topic_partition_and_offsets(topic: str, id_: str, partition: int, ends: list[int]) -> None:
    span = Span(topic, id_, partition, *ends)
    assert span_of(span.stem) == span


@given(st.binary(min_size=16, max_size=16))
def test_a_file_name_can_contain_any_topic_id(topic_id: bytes) -> None:
    """An id with a slash once turned a name into a path, so that one topic in eight was never landed."""
    short = short_id(base64.b64encode(topic_id).decode())
    span = Span("t", short, 0, 0, 1)
    assert "/" not in span.stem
    assert span_of(span.stem) == span


@given(st.lists(st.binary(max_size=40) | st.none(), max_size=20))
def test_every_message_is_a_row_a_dead_letter_or_a_deletion(values: list[bytes | None]) -> None:
    done = sort_messages(0, [Message(offset, value) for offset, value in enumerate(values)])
    offsets = [json.loads(line)["_offset"] for line in (*done.rows, *done.dead)]
    assert sorted(offsets) == [offset for offset, value in enumerate(values) if value is not None]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"{", "Expecting property name"),
        (b"[1]", "found list, expected an object"),
        (b'"text"', "found str, expected an object"),
        (b"\xff\xfe", "codec can't decode|Expecting value"),
        (b"", "Expecting value"),
        (b'{"a": NaN}', "found NaN, which JSON does not have"),
        (b'{"_offset": 1}', "found the name '_offset', which is the landing's own"),
        (b'{"_Key": 1}', "found the name '_Key', which is the landing's own"),
        (b"[" * 100_000, "recursion"),
    ],
)
def test_a_bad_message_is_set_aside_unchanged_with_the_reason(value: bytes, why: str, tmp_path: Path) -> None:
    file, done = land(tmp_path, "t", ID, 0, [Message(7, value), Message(8, b'{"a": 1}')])
    assert file is not None
    (letters,) = (tmp_path / DEAD_LETTERS).iterdir()
    (letter,) = (json.loads(line) for line in letters.read_text("utf-8").splitlines())
    assert letter["_offset"] == 7
    assert any(part.lower() in letter["why"].lower() for part in why.split("|")), letter["why"]
    assert ("text" in letter) != ("base64" in letter)
    assert rows(tmp_path) == [(1, 8)]
    assert len(done.dead) == 1


def rows(folder: Path) -> list[tuple[int, int]]:
    return duckdb.sql(f"SELECT a, _offset FROM '{folder}/*.parquet' ORDER BY _offset").fetchall()


def test_a_row_has_the_columns_of_its_message_and_its_origin(tmp_path: Path) -> None:
    message = Message(
        3, b'{"id": "AA1", "at": "2024-05-01T10:00:00", "legs": [{"to": "JFK"}]}', b"AA1", 1_700_000_000_000
    )
    file, _done = land(tmp_path, "t", ID, 2, [message])
    assert file is not None
    assert file.name == "t.abcd1234.2.0000000000000000003-0000000000000000003.parquet"
    found = duckdb.sql(f"SELECT id, legs, _partition, _offset, epoch_ms(_timestamp), _key FROM '{file}'").fetchall()
    assert found == [("AA1", [{"to": "JFK"}], 2, 3, 1_700_000_000_000, "AA1")]


def test_a_batch_of_bad_messages_only_writes_no_file_and_is_read_again_after_a_kill(tmp_path: Path) -> None:
    assert land(tmp_path, "t", ID, 0, [Message(0, b"x")])[0] is None
    assert next_offset(tmp_path, "t", ID, 0) is None
    land(tmp_path, "t", ID, 0, [Message(0, b"x"), Message(1, b"y")])
    (letters,) = (tmp_path / DEAD_LETTERS).iterdir()
    assert len(letters.read_text("utf-8").splitlines()) == 2, "the batch took the place of the one that it was before"


def test_the_folder_records_the_offset_of_each_partition_and_its_topic(tmp_path: Path) -> None:
    for partition, offsets in ((0, (0, 1)), (0, (2, 3)), (1, (0,))):
        land(tmp_path, "t", ID, partition, [Message(offset, b'{"a": 1}') for offset in offsets])
    assert next_offset(tmp_path, "t", ID, 0) == 4
    assert next_offset(tmp_path, "t", ID, 1) == 1
    assert next_offset(tmp_path, "t", "another1", 0) is None, "one that was deleted and made again counts from zero"


def test_half_written_files_of_a_killed_consumer_are_removed(tmp_path: Path) -> None:
    (tmp_path / STAGING).mkdir()
    (tmp_path / STAGING / "rows.parquet").write_bytes(b"half")
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_field_whose_type_changes_in_a_batch_is_landed_as_a_common_type(tmp_path: Path) -> None:
    land(tmp_path, "t", ID, 0, [Message(0, b'{"a": 1}'), Message(1, b'{"a": "x", "b": {}}'), Message(2, b"{}")])
    assert [offset for _a, offset in rows(tmp_path)] == [0, 1, 2]


HALF_A_PAIR = b'{"name": "\\ud800"}'  # half of a pair of surrogates: valid in JSON, invalid in text
NAMELESS = b'{"": 1}'
DEEP = b'{"a": ' * 200 + b"1" + b"}" * 200


@pytest.mark.parametrize("poison", [HALF_A_PAIR, NAMELESS, DEEP], ids=["surrogate", "nameless", "deep"])
def test_values_that_no_table_can_store_are_set_aside_and_the_rest_is_landed(poison: bytes, tmp_path: Path) -> None:
    """The consumer once failed at it, restarted, read it again, and never got past it."""
    good = [Message(offset, b'{"a": %d}' % offset) for offset in range(5)]
    messages = [*good[:3], Message(9, poison), *good[3:], Message(10, poison)]
    file, done = land(tmp_path, "t", ID, 0, messages)
    assert file is not None
    rows = duckdb.sql(f"SELECT a, _offset FROM '{file}' ORDER BY ALL").fetchall()
    assert rows == [(offset, offset) for offset in range(5)]
    (letters,) = (tmp_path / DEAD_LETTERS).iterdir()
    reported = [json.loads(line) for line in letters.read_text("utf-8").splitlines()]
    assert [(one["_offset"], one["text"].encode()) for one in reported] == [(9, poison), (10, poison)]
    assert all(one["why"] for one in reported)
    assert (len(done.rows), len(done.dead)) == (5, 2)


@pytest.mark.parametrize("between", [[], [b"no json", NAMELESS, None]], ids=["alone", "with others"])
def test_messages_that_do_not_fit_one_table_are_landed_in_separate_files(
    between: list[bytes | None], tmp_path: Path
) -> None:
    """Columns inside a column whose names differ in case alone; the consumer never got past them either."""
    values = [b'{"a": 1, "in": {"b": 1}}', *between, b'{"a": 2, "in": {"B": 1}}', b'{"a": 3, "in": {"b": 2}}']
    file, done = land(tmp_path, "t", ID, 0, [Message(offset, value) for offset, value in enumerate(values)])
    assert [a for a, _offset in rows(tmp_path)] == [1, 2, 3]
    assert file is not None
    assert len(done.rows) == 3
    assert len(done.dead) == sum(value is not None for value in between)
    assert next_offset(tmp_path, "t", ID, 0) == len(values)
    assert span_of(file.stem) is not None
    assert span_of(file.stem).last == len(values) - 1  # type: ignore[union-attr]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.dictionaries(st.text(st.characters(), max_size=4), values, max_size=4), min_size=1, max_size=6))
def test_objects_of_any_shape_in_a_batch_are_landed_or_set_aside(objects: list[dict[str, object]]) -> None:
    messages = [Message(offset, json.dumps(found).encode()) for offset, found in enumerate(objects)]
    with tempfile.TemporaryDirectory() as folder:
        file, done = land(Path(folder), "t", ID, 0, messages)
        landed = duckdb.sql(f"SELECT _offset FROM '{file}'").fetchall() if file is not None else []
    dead = [json.loads(line)["_offset"] for line in done.dead]
    assert sorted([*dead, *(offset for (offset,) in landed)]) == list(range(len(objects)))
