"""A declared schema is enforced for each message of a topic, as for each row of a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alchemesh_components.input_ports.kafka_directory.check import check
from alchemesh_components.input_ports.kafka_directory.infer import NothingLanded, infer
from alchemesh_components.input_ports.kafka_directory.models import Args, Settings
from alchemesh_platform.manifest.models import SourceProperty
from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.systems.kafka.landing.batch import Message
from alchemesh_platform.systems.kafka.landing.landing import DEAD_LETTERS, MessageRefused, land, next_offset
from alchemesh_platform.systems.kafka.landing.refit import SchemaRefused, refit
from alchemesh_platform.systems.kafka.landing.rules import Rules
from alchemesh_platform.systems.kafka.landing.schema import SCHEMA_FILE
from alchemesh_platform.systems.local.landing.ingestion import ingest
from alchemesh_platform.systems.local.landing.reading import Reading
from tests.lanes import examples

ID = "abcd1234"
COLUMNS: list[dict[str, Any]] = [
    {"name": "sale_id", "type": "string", "required": True},
    {"name": "amount", "type": "number", "precision": 10, "scale": 2},
    {"name": "sold_at", "type": "timestamp", "column": "Sold at"},
    {"name": "day", "type": "date", "format": "dd.MM.yyyy"},
    {"name": "pieces", "type": "integer"},
    {"name": "shop", "type": "object", "properties": {"zip": {"type": "string"}, "size": {"type": "number"}}},
    {"name": "tags", "type": "array", "items": {"type": "string"}},
]


def rules(**more: Any) -> Rules:
    return Rules.model_validate({"columns": COLUMNS, "time_zone": "Europe/Berlin", "on_new_column": "refuse", **more})


Values = Sequence[dict[str, Any] | bytes]


def landed(folder: Path, values: Values, declared: Rules, first: int = 0) -> list[tuple[int, str]]:
    """Land messages; returns offsets and reasons of the dead letters."""
    folder.mkdir(exist_ok=True)
    messages = [
        Message(first + at, each if isinstance(each, bytes) else json.dumps(each).encode())
        for at, each in enumerate(values)
    ]
    _, done = land(folder, "t", ID, 0, messages, declared)
    letters = [json.loads(line) for line in done.dead]
    return sorted((int(letter["_offset"]), str(letter["why"])) for letter in letters)


def rows(folder: Path, columns: str, order: str = "_offset") -> list[tuple[Any, ...]]:
    if not list(folder.glob("*.parquet")):
        return []
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        read = f"read_parquet('{folder}/*.parquet', union_by_name = true, file_row_number = true)"
        return connection.execute(f"SELECT {columns} FROM {read} ORDER BY {order}").fetchall()


def types(folder: Path) -> dict[str, str]:
    found = duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet('{folder}/*.parquet', union_by_name = true)").fetchall()
    return {name: kind for name, kind, *_ in found if not name.startswith("_")}


WHOLE = b"""{"sale_id": "0017", "amount": 1.10, "Sold at": "2024-01-31 10:00:00", "day": "31.01.2024", "pieces": 12,
"shop": {"zip": "01067", "size": 1.50}, "tags": ["1E5", "1.10"]}"""


def test_values_land_in_their_declared_types(tmp_path: Path) -> None:
    """Types were those of the first batch: `0017` became text by luck, and a date stayed text."""
    long = 8949020000123457000012
    assert landed(tmp_path, [WHOLE, {"sale_id": long}, {"SALE_ID": "caps", "amount": "2"}], rules()) == []
    assert list(types(tmp_path).items()) == [
        ("sale_id", "VARCHAR"),
        ("amount", "DECIMAL(10,2)"),
        ("sold_at", "TIMESTAMP WITH TIME ZONE"),
        ("day", "DATE"),
        ("pieces", "BIGINT"),
        ("shop", "STRUCT(zip VARCHAR, size DOUBLE)"),
        ("tags", "VARCHAR[]"),
    ]
    assert rows(tmp_path, "sale_id, amount::TEXT, sold_at::TEXT, day::TEXT, pieces, shop::TEXT, tags::TEXT") == [
        ("0017", "1.10", "2024-01-31 09:00:00+00", "2024-01-31", 12, "{'zip': 01067, 'size': 1.5}", "[1E5, 1.10]"),
        (str(long), None, None, None, None, None, None),
        ("caps", "2.00", None, None, None, None, None),
    ]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"amount": 1}, "column sale_id: no value in a required column"),
        ({"sale_id": "a", "amount": 1.999}, "column amount: '1.999' is no number of 10 digits with 2 decimals"),
        ({"sale_id": "a", "pieces": 1.5}, "column pieces: '1.5' is no integer"),
        ({"sale_id": "a", "day": "2024-01-31"}, "column day: '2024-01-31' is no date of the form dd.MM.yyyy"),
        (
            {"sale_id": "a", "Sold at": "2024-03-31 02:30:00"},
            "column Sold at: '2024-03-31 02:30:00' is no timestamp, or a time that occurs twice or never in "
            "Europe/Berlin",
        ),
        ({"sale_id": "a", "shop": {"floor": 1}}, "column shop: '{\"floor\":1}' is no object"),
        ({"sale_id": "a", "tags": "x"}, "column tags: 'x' is no array"),
        ({"sale_id": "a", "price": 1}, "column price is not in the schema of the port"),
        ({"sale_id": "a", "sold_at": 1}, "found the name 'sold_at'; the schema reads this column from 'Sold at'"),
        (b"no event", "no JSON (Expecting value, column 1)"),
    ],
)
def test_a_message_that_does_not_fit_is_a_dead_letter_or_stops_the_consumer(
    message: dict[str, Any] | bytes, why: str, tmp_path: Path
) -> None:
    batch: Values = [{"sale_id": "before"}, message, {"sale_id": "after"}]
    assert landed(tmp_path / "rejecting", batch, rules()) == [(1, why)]
    assert rows(tmp_path / "rejecting", "sale_id") == [("before",), ("after",)]
    (letters,) = (tmp_path / "rejecting" / DEAD_LETTERS).iterdir()
    kept = json.loads(letters.read_text("utf-8"))["text"]
    assert kept == (message.decode() if isinstance(message, bytes) else json.dumps(message)), "it is kept unchanged"

    failing = tmp_path / "failing"
    with pytest.raises(MessageRefused) as refused:
        landed(failing, batch, rules(on_bad_row="fail"))
    assert refused.value.message == f"topic t, partition 0, offset 1: {why}"
    assert refused.value.hint is not None and "`on_bad_row: reject`" in refused.value.hint
    assert rows(failing, "sale_id") == [("before",)], "messages before it are landed, and no later one"
    assert next_offset(failing, "t", ID, 0) == 1
    assert not (failing / DEAD_LETTERS).exists()


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "sale_id": st.text(max_size=5)
                | st.integers()
                | st.none()
                | st.floats(allow_nan=False, allow_infinity=False)
            },
            optional={
                "amount": st.floats(-1000, 1000) | st.integers() | st.text("0123456789.-", max_size=6),
                "Sold at": st.datetimes().map(str) | st.sampled_from(["2024-10-27 02:30:00", "2024-01-31T10:00:00Z"]),
                "shop": st.fixed_dictionaries({"zip": st.floats(0, 9), "size": st.floats(0, 9)}) | st.none(),
                "pieces": st.integers(-(2**65), 2**65) | st.booleans() | st.sampled_from(["7", " 7", "7.0", ""]),
                "tags": st.lists(st.text(max_size=3), max_size=2) | st.integers(),
            },
        ),
        min_size=1,
        max_size=15,
    )
)
@settings(max_examples=examples(8))
def test_a_topic_and_a_file_land_the_same_values(objects: list[dict[str, Any]]) -> None:
    """It found that a file lost the spelling of a number in a declared column of text."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "source.json").write_text("".join(f"{json.dumps(each)}\n" for each in objects), "utf-8")
        declared = rules()
        reading = Reading("json", time_zone="Europe/Berlin", on_bad_row="reject", columns=declared.columns)
        (folder / "files").mkdir()
        ingest("source.json", folder, folder / "files", reading)
        landed(folder / "topic", list(objects), declared)
        columns = ", ".join(str(column["name"]) for column in COLUMNS)
        assert repr(rows(folder / "topic", columns)) == repr(rows(folder / "files", columns, "file_row_number"))


def test_new_names_are_added_ignored_or_refused(tmp_path: Path) -> None:
    first, second = {"sale_id": "a", "till": 1}, {"sale_id": "b", "till": 2, "note": "x"}
    for rule, columns, dead in (("add", {"till", "note"}, []), ("ignore", set(), []), ("refuse", set(), [0, 1])):
        declared = tmp_path / f"declared-{rule}"
        assert [at for at, _ in landed(declared, [first, second], rules(on_new_column=rule))] == dead
        names = set(types(declared)) if not dead else set()
        assert names - {str(column["name"]) for column in COLUMNS} == columns
    # Without a schema, the first batch decides.
    for rule, columns, dead in (("add", {"till", "note"}, []), ("ignore", {"till"}, []), ("refuse", {"till"}, [1])):
        folder, undeclared = tmp_path / f"undeclared-{rule}", Rules(on_new_column=rule)  # type: ignore[arg-type]
        assert landed(folder, [first], undeclared) == []
        found = landed(folder, [second], undeclared, first=1)
        assert found == [(at, "column note is not in the landed files") for at in dead]
        assert set(types(folder)) == {"sale_id", *columns}


def test_a_changed_schema_converts_the_landed_files_and_loses_no_row(tmp_path: Path) -> None:
    undeclared = Rules()
    assert (
        landed(tmp_path, [{"sale_id": "a", "amount": 1.5, "Sold at": "2024-01-31 10:00:00", "till": 3}], undeclared)
        == []
    )
    assert landed(tmp_path, [{"sale_id": "b", "pieces": "7"}], undeclared, first=1) == []
    declared = rules(on_new_column="add")
    assert refit(tmp_path, declared) == 2
    assert landed(tmp_path, [{"sale_id": "c", "till": 4}], declared, first=2) == []
    found = rows(tmp_path, "sale_id, amount::TEXT, sold_at::TEXT, pieces, till")
    assert found == [
        ("a", "1.50", "2024-01-31 09:00:00+00", None, 3),
        ("b", None, None, 7, None),
        ("c", None, None, None, 4),
    ]
    assert refit(tmp_path, declared) == 0, "once"
    wider = [
        {**COLUMNS[0], "required": False},
        {**COLUMNS[1], "scale": 4},
        *COLUMNS[2:],
        {"name": "vat", "type": "number"},
    ]
    assert refit(tmp_path, rules(columns=[*wider, {"name": "vat", "type": "number"}])) == 3
    assert types(tmp_path)["amount"] == "DECIMAL(10,4)"
    assert rows(tmp_path, "amount::TEXT, vat") == [("1.5000", None), (None, None), (None, None)]


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (
            rules(columns=[{"name": "sale_id", "type": "integer"}, *COLUMNS[1:]]),
            "offset 1: column sale_id: 'b' is no integer: the landed files do not fit the schema of the port",
        ),
        (
            rules(columns=[*COLUMNS, {"name": "vat", "type": "number", "required": True}]),
            "offset 0: column vat: no value in a required column",
        ),
        (rules(columns=COLUMNS[1:]), "have the column sale_id, which the schema of the port had and has no longer"),
        (Rules(), "have the column sale_id, which the schema of the port had and has no longer"),
    ],
)
def test_a_schema_that_landed_values_do_not_fit_is_refused_and_changes_no_file(
    declared: Rules, said: str, tmp_path: Path
) -> None:
    assert landed(tmp_path, [{"sale_id": "1"}, {"sale_id": "b"}], rules()) == []
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(SchemaRefused, match=said) as refused:
        refit(tmp_path, declared)
    assert refused.value.hint is not None and "remove the port with its data and land it again" in refused.value.hint
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_a_conversion_that_was_cut_off_resumes(tmp_path: Path) -> None:
    """After a kill, some files are converted and the record is the old one."""
    old, new = rules(), rules(columns=[{**COLUMNS[0], "required": False}, {**COLUMNS[1], "scale": 4}, *COLUMNS[2:]])
    assert landed(tmp_path, [{"sale_id": "a", "amount": 1.5}], old) == []
    assert landed(tmp_path, [{"sale_id": "b", "amount": 2.5}], old, first=1) == []
    record, (first, second) = tmp_path / SCHEMA_FILE, sorted(tmp_path.glob("*.parquet"))
    kept, unconverted = record.read_bytes(), second.read_bytes()
    assert refit(tmp_path, new) == 2
    record.write_bytes(kept)
    second.write_bytes(unconverted)
    assert first.is_file()
    assert refit(tmp_path, new) == 2
    assert rows(tmp_path, "sale_id, amount::TEXT") == [("a", "1.5000"), ("b", "2.5000")]


SETTINGS = {"local": {"root": "/data", "run": "/run"}, "kafka": {"bootstrap_servers": "localhost:9092"}}
WIRING = Wiring(domain="shop", product="orders", port="sales")


def test_a_schema_is_proposed_from_all_landed_messages(tmp_path: Path) -> None:
    settings_ = Settings.model_validate({**SETTINGS, "local": {"root": str(tmp_path), "run": str(tmp_path)}})
    with pytest.raises(NothingLanded, match="no message of t is landed in ") as refused:
        infer(Args(topic="t"), settings_, WIRING)
    assert "`alchemesh up`" in str(refused.value.hint)
    folder = tmp_path / "shop" / "orders" / "sales"
    folder.mkdir(parents=True)
    first = {"id": 1, "code": "0017", "day": "2024-01-31", "amount": "1.10", "shop": {"zip": "01067"}}
    assert landed(folder, [first], Rules()) == []
    assert landed(folder, [{**first, "id": 2, "code": "1-2-3", "note": "x"}], Rules(), first=1) == []
    proposed = {each.name: each for each in infer(Args(topic="t"), settings_, WIRING)}
    found = {name: (each.declared.type.value, each.declared.required) for name, each in proposed.items()}
    assert found == {
        "id": ("integer", True),
        "code": ("string", True),
        "day": ("date", True),
        "amount": ("number", True),
        "shop": ("object", True),
        "note": ("string", False),
    }
    columns = [{"name": name, **each.declared.model_dump(exclude_defaults=True)} for name, each in proposed.items()]
    assert refit(folder, Rules.model_validate({"columns": columns})) == 2, "every landed value fits the proposal"
    assert rows(folder, "id, code, day::TEXT, amount::TEXT, note") == [
        (1, "0017", "2024-01-31", "1.10", None),
        (2, "1-2-3", "2024-01-31", "1.10", "x"),
    ]


def test_a_column_may_not_have_a_name_of_the_landing_s_own() -> None:
    schema = {"_Offset": SourceProperty.model_validate({"type": "integer"})}
    wiring = Wiring(domain="shop", product="orders", port="sales", schema=schema)
    (found,) = check(Args(topic="t"), Settings.model_validate(SETTINGS), wiring)
    assert found.message == "found the column '_Offset' in the schema, which is the landing's own"
