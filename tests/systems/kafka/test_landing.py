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
from alchemesh_platform.systems.kafka.landing.consume import Landing
from alchemesh_platform.systems.kafka.landing.ingestion import Order, read_status
from alchemesh_platform.systems.kafka.landing.landing import DEAD_LETTERS, STAGING, adopt, land, next_offset, sweep
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
    offsets = [*(row.offset for row in done.rows), *(json.loads(line)["_offset"] for line in done.dead)]
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
def test_names_that_differ_in_capitals_alone_are_one_column(between: list[bytes | None], tmp_path: Path) -> None:
    """The consumer once never got past them; later they were separate files with different columns."""
    values = [b'{"a": 1, "in": {"b": 1}}', *between, b'{"A": 2, "in": {"B": 1}}', b'{"a": 3, "in": {"b": 2}}']
    file, done = land(tmp_path, "t", ID, 0, [Message(offset, value) for offset, value in enumerate(values)])
    assert file is not None
    assert duckdb.sql(f"SELECT a, \"in\" FROM '{file}' ORDER BY a").fetchall() == [
        (1, {"b": 1}),
        (2, {"b": 1}),
        (3, {"b": 2}),
    ]
    assert len(done.rows) == 3
    assert len(done.dead) == sum(value is not None for value in between)
    assert next_offset(tmp_path, "t", ID, 0) == len(values)
    assert span_of(file.stem) is not None
    assert span_of(file.stem).last == len(values) - 1  # type: ignore[union-attr]


EXACT = (
    b'{"id": 12345678901234567890, "ean": "0017", "on": "2024-01-31", "at": "2024-05-01T10:00:00Z", '
    b'"n": 0.1234567890123456789, "price": 1.10, "big": 9007199254740993, '
    b'"uuid": "5b2f1f60-6f2f-4a11-9a1c-6b8a0b1f0a11", "ok": true}'
)


def test_no_value_of_a_message_is_changed(tmp_path: Path) -> None:
    """Texts like dates became dates, and a number of 20 digits lost five of them."""
    file, done = land(tmp_path, "t", ID, 0, [Message(0, EXACT)])
    assert not done.dead
    found = duckdb.sql(f"SELECT * EXCLUDE (_partition, _offset, _timestamp, _key) FROM '{file}'")
    assert dict(zip(found.columns, map(str, found.types), strict=True)) == {
        **dict.fromkeys(["id", "ean", "on", "at", "n", "uuid"], "VARCHAR"),
        "price": "DOUBLE",
        "big": "BIGINT",
        "ok": "BOOLEAN",
    }
    assert dict(zip(found.columns, found.fetchall()[0], strict=True)) == {
        "id": "12345678901234567890",
        "ean": "0017",
        "on": "2024-01-31",
        "at": "2024-05-01T10:00:00Z",
        "n": "0.1234567890123456789",
        "price": 1.1,
        "big": 9007199254740993,
        "uuid": "5b2f1f60-6f2f-4a11-9a1c-6b8a0b1f0a11",
        "ok": True,
    }


def test_values_of_several_types_in_the_first_batch_are_text_with_their_own_spelling(tmp_path: Path) -> None:
    values = [
        b'{"a": 1.10}',
        b'{"a": "x"}',
        b'{"a": {"b": 1.10, "c": 1E5}}',
        b'{"a": true}',
        b'{"a": 9007199254740993}',
    ]
    land(tmp_path, "t", ID, 0, [Message(offset, value) for offset, value in enumerate(values)])
    found = [a for a, _offset in rows(tmp_path)]
    assert found == ["1.10", "x", '{"b":1.10,"c":1E5}', "true", "9007199254740993"]


def test_integers_that_a_double_changes_are_text_beside_fractions(tmp_path: Path) -> None:
    land(tmp_path, "t", ID, 0, [Message(0, b'{"a": 9007199254740993}'), Message(1, b'{"a": 0.5}')])
    assert rows(tmp_path) == [("9007199254740993", 0), ("0.5", 1)]


@pytest.mark.parametrize(
    ("first", "later", "why"),
    [
        ('{"a": 1}', '{"a": "x"}', "column a is integer in the landed files, and text here"),
        ('{"a": 1}', '{"a": 1.5}', "column a is integer in the landed files, and number here"),
        ('{"a": 1}', '{"A": true}', "column a is integer in the landed files, and boolean here"),
        ('{"a": 0.5}', '{"a": 9007199254740993}', "column a is number in the landed files, and integer here"),
        ('{"a": 1}', '{"a": 12345678901234567890}', "and a number with more digits than 64 bits hold here"),
        (
            '{"a": {"b": 1}}',
            '{"a": {"b": 1, "c": 2}}',
            "an object (b) in the landed files, and an object (b, c)",
        ),
        ('{"a": [1]}', '{"a": ["x"]}', "column a is a list in the landed files, and a list with other values here"),
    ],
)
def test_another_type_in_a_later_batch_is_a_dead_letter_that_names_both(
    first: str, later: str, why: str, tmp_path: Path
) -> None:
    land(tmp_path, "t", ID, 0, [Message(0, first.encode())])
    _file, done = land(tmp_path, "t", ID, 1, [Message(1, later.encode()), Message(2, first.encode())])
    (letter,) = map(json.loads, done.dead)
    assert why in letter["why"]
    assert letter["text"] == later
    assert [offset for _a, offset in rows(tmp_path)] == [0, 2]


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ('{"a": 0.5}', '{"a": 7}'),
        ('{"a": "x"}', '{"a": 7}'),
        ('{"a": null}', '{"a": "x"}'),
        ('{"a": {"b": 1}}', '{"a": {}}'),
        ('{"a": []}', '{"a": [null, "x"]}'),
        ('{"a": 1}', '{"a": null}'),
    ],
)
def test_all_files_of_a_folder_have_one_type_in_each_column(first: str, later: str, tmp_path: Path) -> None:
    files = [land(tmp_path, "t", ID, 0, [Message(at, text.encode())]) for at, text in enumerate([first, later])]
    assert not any(done.dead for _file, done in files)
    types = {str(duckdb.sql(f"SELECT a FROM '{file}'").types) for file, _done in files}
    assert len(types) == 1


def test_a_later_message_adds_a_column_and_later_files_keep_all(tmp_path: Path) -> None:
    for at, text in enumerate(['{"a": 1}', '{"b": "2024-01-31"}', '{"a": 3}']):
        last, _done = land(tmp_path, "t", ID, 0, [Message(at, text.encode())])
    found = duckdb.sql(f"SELECT a, b FROM read_parquet('{tmp_path}/*.parquet', union_by_name = true) ORDER BY _offset")
    assert found.fetchall() == [(1, None), (None, "2024-01-31"), (3, None)]
    assert [str(kind) for kind in found.types] == ["BIGINT", "VARCHAR"]
    assert duckdb.sql(f"SELECT * FROM '{last}'").columns[:2] == ["a", "b"]


def test_a_name_that_appears_twice_is_a_dead_letter(tmp_path: Path) -> None:
    _file, done = land(tmp_path, "t", ID, 0, [Message(0, b'{"a": 1, "A": 2}'), Message(1, b'{"in": {"b": 1, "b": 2}}')])
    assert ["found the name 'A' twice" in done.dead[0], "found the name 'b' twice" in done.dead[1]] == [True, True]


def test_files_of_a_version_that_guessed_types_get_one_schema_and_keep_every_row(tmp_path: Path) -> None:
    own = "0::INTEGER AS _partition, {at}::BIGINT AS _offset, TIMESTAMP '2024-05-01' AS _timestamp, '' AS _key"
    guessed = [
        "DATE '2024-01-31' AS day, 1::BIGINT AS n, 5::BIGINT AS price, {'on': DATE '2024-01-31'} AS part",
        "'soon' AS day, 'x' AS n, 0.5::DOUBLE AS price, NULL::STRUCT(\"on\" DATE) AS part",
    ]
    for at, columns in enumerate(guessed):
        file = tmp_path / f"{Span('t', ID, 0, at, at).stem}.parquet"
        duckdb.sql(f"COPY (SELECT {columns}, {own.format(at=at)}) TO '{file}' (FORMAT parquet)")
    assert adopt(tmp_path) == 2
    assert adopt(tmp_path) == 0
    land(tmp_path, "t", ID, 0, [Message(2, b'{"day": "2024-02-01", "n": 7, "price": 2, "part": {"on": "2024-03-01"}}')])
    types = {str(duckdb.sql(f"SELECT * FROM '{file}'").types) for file in tmp_path.glob("*.parquet")}
    assert len(types) == 1
    found = duckdb.sql(f"SELECT day, n, price, part, epoch_ms(_timestamp) FROM '{tmp_path}/*.parquet' ORDER BY _offset")
    assert found.fetchall() == [
        ("2024-01-31", "1", 5.0, {"on": "2024-01-31"}, 1_714_521_600_000),
        ("soon", "x", 0.5, None, 1_714_521_600_000),
        ("2024-02-01", "7", 2.0, {"on": "2024-03-01"}, None),
    ]


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


def test_a_secret_in_a_message_of_the_cluster_is_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message goes into the status file and the log of the consumer."""
    monkeypatch.setenv("READER", "a-password")
    security = {"protocol": "SASL_PLAINTEXT", "mechanism": "PLAIN", "username": "ada", "password": {"secret": "READER"}}
    kafka = {"bootstrap_servers": ["localhost:1"], "security": security}
    order = {"kafka": kafka, "topic": "t", "group": "g", "batch_messages": 1, "batch_seconds": 1.0}
    Landing(Order.model_validate({**order, "target": str(tmp_path)})).report(error="no user ada with a-password")
    assert read_status(tmp_path).error == "no user ada with [secret]"
