"""Landing never changes a value: what is not declared stays as the source has it, and what is declared is enforced."""

from __future__ import annotations

import csv
import gzip
import json
import locale
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from alchemesh_platform.machine.landing.source_columns import SourceColumn
from alchemesh_platform.systems.local.landing.ingestion import Landed, ingest, observe_landing, plan_ingestion
from alchemesh_platform.systems.local.landing.reading import Reading
from alchemesh_platform.systems.local.landing.source_files import SourceFailed

MAY = datetime(2024, 5, 1, 8, tzinfo=UTC)
SALES = "id,amount,day,at,paid,rate\n"


def columns(**properties: dict[str, Any]) -> tuple[SourceColumn, ...]:
    return tuple(SourceColumn.model_validate({"name": name, **each}) for name, each in properties.items())


SALE = columns(
    id={"type": "integer", "required": True},
    amount={"type": "number", "precision": 10, "scale": 2},
    day={"type": "date", "format": "dd.MM.yyyy"},
    at={"type": "timestamp"},
    paid={"type": "boolean"},
    rate={"type": "number"},
)


class Area:
    """A landing area and its source files."""

    def __init__(self, folder: Path) -> None:
        self.source, self.target = folder / "source", folder / "landing"
        self.source.mkdir()
        self.target.mkdir()

    def put(self, name: str, content: str | bytes) -> None:
        (self.source / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def land(self, reading: Reading, *, mirror: bool = False) -> Landed:
        return ingest("*", self.source, self.target, reading, mirror=mirror)

    def rows(self, name: str = "*.parquet") -> list[tuple[Any, ...]]:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(f"SELECT * FROM '{self.target / name}'").fetchall()

    def types(self) -> dict[str, list[str]]:
        """The types of each landed file."""
        described = {
            path.name: duckdb.sql(f"DESCRIBE FROM '{path}'").fetchall()
            for path in sorted(self.target.glob("*.parquet"))
        }
        return {name: [row[1] for row in rows] for name, rows in described.items()}


@pytest.fixture
def area(tmp_path: Path) -> Area:
    return Area(tmp_path)


def test_csv_without_a_schema_lands_as_the_text_of_the_source(area: Area) -> None:
    """Long numbers, versions, codes and part numbers once became floating-point numbers and dates."""
    values = ["89490200001234567890", "89490200001234567891", "1.10", "1E5", "1-2-3", "12.05.06", "0017", "NA"]
    area.put("a.csv", "value,note\n" + "".join(f"{value},x\n" for value in values))
    area.land(Reading("csv"))
    assert [row[0] for row in area.rows()] == values


def test_all_files_of_a_port_have_the_same_types(area: Area) -> None:
    area.put("2024-05-01.csv", "id,amount\n1001,3.50\n")
    area.put("2024-05-02.csv", "amount,id\n3.50,0017\n3.50,17\n")
    area.put("empty.csv", "id,amount\n")
    area.land(Reading("csv"))
    assert {tuple(types) for types in area.types().values()} == {("VARCHAR", "VARCHAR")}
    assert sorted(row[0] for row in area.rows()) == ["0017", "1001", "17"]


def test_an_empty_text_in_quotes_differs_from_no_value(area: Area) -> None:
    area.put("a.csv", 'a,b\n"",\n')
    area.land(Reading("csv"))
    assert area.rows() == [("", None)]


def test_without_null_values_every_text_stays(area: Area) -> None:
    area.put("a.csv", "id,country\n1,NA\n,\n")
    area.land(Reading("csv", null_values=()))
    assert area.rows() == [("1", "NA"), ("", "")]


def test_numbers_of_json_keep_every_digit(area: Area) -> None:
    lines = [
        '{"id": 89490200001234567890, "part": "1-2-3", "rate": 0.1, "long": 0.1234567890123456789, "mixed": 1.5}',
        '{"id": 5, "part": "12.05.06", "rate": 2, "long": 1e400, "mixed": 9007199254740993}',
        '{"id": -1, "deep": {"n": [18446744073709551615, 1]}}',
    ]
    area.put("a.json", "\n".join(lines))
    area.land(Reading("json"))
    assert area.rows() == [
        ("89490200001234567890", "1-2-3", 0.1, "0.1234567890123456789", "1.5", None),
        ("5", "12.05.06", 2.0, "1e400", "9007199254740993", None),
        ("-1", None, None, None, None, {"n": ["18446744073709551615", "1"]}),
    ]


def test_integers_of_json_that_fit_stay_integers(area: Area) -> None:
    area.put("a.json", '{"id": 9223372036854775807}\n{"id": -9223372036854775808}\n')
    area.land(Reading("json"))
    assert area.types() == {"a.parquet": ["BIGINT"]}
    assert area.rows() == [(2**63 - 1,), (-(2**63),)]


def test_one_text_among_numbers_of_json_leaves_all_of_them_text(area: Area) -> None:
    area.put("a.json", '{"a": 1}\n{"a": "x"}\n{"a": {"b": 2}}\n')
    area.land(Reading("json"))
    assert area.rows() == [("1",), ("x",), ('{"b":2}',)]


def test_parquet_lands_byte_for_byte(area: Area) -> None:
    file = area.source / "a.parquet"
    duckdb.sql("SELECT 1::UINTEGER AS a, TIMESTAMP_NS '2024-01-01 00:00:00.123456789' AS b").write_parquet(str(file))
    area.land(Reading("parquet"))
    assert (area.target / "a.parquet").read_bytes() == file.read_bytes()


def test_time_zone_and_locale_of_the_machine_change_no_byte(tmp_path: Path) -> None:
    """A time without a zone once moved by the time zone of the machine."""
    script = (
        "import locale, sys\nfrom pathlib import Path\n"
        "locale.setlocale(locale.LC_ALL, '')\n"
        "from alchemesh_platform.machine.landing.source_columns import SourceColumn\n"
        "from alchemesh_platform.systems.local.landing.ingestion import ingest\n"
        "from alchemesh_platform.systems.local.landing.reading import Reading\n"
        "at = SourceColumn.model_validate({'name': 'at', 'type': 'timestamp', 'time_zone': 'Europe/Madrid'})\n"
        "id = SourceColumn.model_validate({'name': 'id', 'type': 'number'})\n"
        "for name, columns in (('plain', None), ('typed', (id, at))):\n"
        "    (Path(sys.argv[1]) / name).mkdir(parents=True)\n"
        "    ingest('*.csv', Path(sys.argv[2]), Path(sys.argv[1]) / name, Reading('csv', columns=columns))\n"
    )
    source = tmp_path / "source"
    source.mkdir()
    rows = "".join(f"{number},2024-05-{1 + number % 28:02} 10:00:00\n" for number in range(5000))
    (source / "b.csv").write_text(f"id,at\n1.5,2024-03-30 02:30:00\n2,2024-03-31T02:30:00Z\n{rows}")
    (source / "a.csv").write_text("id,at\n3,2024-07-01 00:00:00\n")
    there = [name for name in ("de_DE.UTF-8", "tr_TR.UTF-8", "C.UTF-8") if _has_locale(name)]
    machines = (("Europe/Berlin", "C"), ("America/New_York", there[0]))
    found = []
    for at, (zone, name) in enumerate(machines):
        environ = {**os.environ, "TZ": zone, "LC_ALL": name}
        command = [sys.executable, "-c", script, str(tmp_path / str(at)), str(source)]
        subprocess.run(command, check=True, env=environ, capture_output=True)
        files = sorted((tmp_path / str(at)).rglob("*.parquet"))
        found.append({str(path.relative_to(tmp_path / str(at))): path.read_bytes() for path in files})
    assert found[0] == found[1]
    assert len(found[0]) == 4


def _has_locale(name: str) -> bool:
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, name)
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_ALL, before)
    return True


def test_declared_columns_land_with_their_types(area: Area) -> None:
    area.put("a.csv", f'{SALES}1,1.10,31.12.2024,2024-05-01 10:00:00,true,0.1\n"2","",,2024-05-01T08:00:00Z,no,4.50\n')
    found = area.land(Reading("csv", columns=SALE, time_zone="Europe/Berlin"))
    assert area.rows() == [
        (1, Decimal("1.10"), date(2024, 12, 31), MAY, True, 0.1),
        (2, None, None, MAY, False, 4.5),
    ]
    assert [column.type for column in found.columns] == area.types()["a.parquet"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("x,1,,,,", "column id: 'x' is no integer"),
        ("1.5,1,,,,", "column id: '1.5' is no integer"),
        ("9223372036854775808,1,,,,", "column id: '9223372036854775808' is no integer"),
        (",1,,,,", "column id: no value is in a required column"),
        ("1,1.999,,,,", "column amount: '1.999' is no number of 10 digits with 2 decimals"),
        ("1,1.5x,,,,", "column amount: '1.5x' is no number of 10 digits with 2 decimals"),
        ("1,1.e5,,,,", "column amount: '1.e5' is no number of 10 digits with 2 decimals"),
        ("1,1_0.00,,,,", "column amount: '1_0.00' is no number of 10 digits with 2 decimals"),
        ("1,123456789.00,,,,", "column amount: '123456789.00' is no number of 10 digits with 2 decimals"),
        ("1,1_0,,,,", "column amount: '1_0' is no number of 10 digits with 2 decimals"),
        ("1,1,31.12.24,,,", "column day: '31.12.24' is no date of the form dd.MM.yyyy"),
        ("1,1,30.02.2024,,,", "column day: '30.02.2024' is no date of the form dd.MM.yyyy"),
        ("1,1,,2024-05-01,,", "column at: '2024-05-01' is no timestamp"),
        ("1,1,,2024-05-01T10:00:00.1234567Z,,", "column at: '2024-05-01T10:00:00.1234567Z' is no timestamp"),
        (
            "1,1,,2024-03-31 02:30:00,,",
            "column at: '2024-03-31 02:30:00' is no timestamp, or a time that occurs twice or never in Europe/Berlin",
        ),
        (
            "1,1,,2024-10-27 02:30:00,,",
            "column at: '2024-10-27 02:30:00' is no timestamp, or a time that occurs twice or never in Europe/Berlin",
        ),
        ("1,1,,,maybe,", "column paid: 'maybe' is no boolean"),
        ("1,1,,,,nan", "column rate: 'nan' is no number"),
        (
            "1,1,,,,123456789012345678901",
            "column rate: '123456789012345678901' is no number, or has more digits than a number holds",
        ),
    ],
)
def test_a_row_that_does_not_fit_is_named_with_file_line_column_and_value(area: Area, row: str, expected: str) -> None:
    area.put("a.csv", f'{SALES}1,1.00,,,,\n2,"2.50",,,,\n\n{row}\n')
    with pytest.raises(SourceFailed) as failed:
        area.land(Reading("csv", columns=SALE, time_zone="Europe/Berlin"))
    assert failed.value.message == f"{area.source / 'a.csv'}:5: {expected}"
    assert str(failed.value.hint).endswith("set `on_bad_row: reject`; no row of this file was landed")
    assert area.rows("*") == [] if list(area.target.glob("*.parquet")) else True


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("0,1,2024-01-01", "column id: '0' is no integer that is at least 1 and at most 9"),
        ("1,1.01,2024-01-01", "column amount: '1.01' is no number of 10 digits with 2 decimals that is at most 1"),
        ("1,1,2023-12-31", "column day: '2023-12-31' is no date that is at least 2024-01-01"),
    ],
)
def test_a_value_outside_of_its_range_does_not_land(area: Area, row: str, expected: str) -> None:
    ranged = columns(
        id={"type": "integer", "minimum": 1, "maximum": 9},
        amount={"type": "number", "precision": 10, "scale": 2, "maximum": 1},
        day={"type": "date", "minimum": "2024-01-01"},
    )
    area.put("a.csv", f"id,amount,day\n1,1.00,2024-01-01\n9,,\n{row}\n")
    with pytest.raises(SourceFailed) as failed:
        area.land(Reading("csv", columns=ranged))
    assert failed.value.message == f"{area.source / 'a.csv'}:4: {expected}"


def test_a_time_without_a_zone_asks_for_the_zone(area: Area) -> None:
    area.put("a.csv", "id,happened_at\n1,2024-05-01 10:00:00\n")
    event = columns(id={"type": "integer"}, happened_at={"type": "timestamp"})
    with pytest.raises(
        SourceFailed, match=r"a\.csv:2: column happened_at: .* is a timestamp without a time zone"
    ) as no:
        area.land(Reading("csv", columns=event))
    assert str(no.value.hint).startswith("set `time_zone` for the port, as in `time_zone: Europe/Berlin`")
    area.land(Reading("csv", columns=event, time_zone="Europe/Berlin"))
    assert area.rows() == [(1, MAY)]


@pytest.mark.parametrize(("rule", "hour"), [("earlier", 0), ("later", 1)])
def test_a_time_that_occurs_twice_is_read_by_rule(area: Area, rule: Any, hour: int) -> None:
    area.put("a.csv", "at\n2024-10-27 02:30:00\n2024-10-27 12:00:00\n")
    at = columns(at={"type": "timestamp", "time_zone": "Europe/Berlin"})
    area.land(Reading("csv", columns=at, on_ambiguous_time=rule))
    assert area.rows() == [(datetime(2024, 10, 27, hour, 30, tzinfo=UTC),), (datetime(2024, 10, 27, 11, tzinfo=UTC),)]


def test_rejected_rows_are_counted_shown_and_kept(area: Area) -> None:
    bad = 'x,1,,,,\n1,2\n1,"a\nb",,,,\n'
    area.put("a.csv", f"{SALES}1,1.10,,,,\n{bad}2,2.20,,,,\n")
    reading = Reading("csv", columns=SALE, on_bad_row="reject")
    found = area.land(reading)
    assert (found.rows, found.rejected) == (2, 3)
    assert [row[0] for row in area.rows()] == [1, 2]
    kept = (area.target / ".alchemesh-rejects" / "a.csv").read_text()
    assert kept == (
        "file,line,column,value,reason,row\n"
        'a.csv,3,id,x,no integer,"x,1,,,,"\n'
        'a.csv,5,amount,"a\nb",no number of 10 digits with 2 decimals,"1,""a\nb"",,,,"\n'
        'a.csv,4,,,too few columns,"1,2"\n'
    )
    assert observe_landing(area.target).reason == f"1 file, 3 rows rejected: {area.target / '.alchemesh-rejects'}"
    area.put("a.csv", f"{SALES}1,1.10,,,,\n")
    assert area.land(reading).rejected == 0
    assert not (area.target / ".alchemesh-rejects" / "a.csv").exists()


def test_rejected_lines_of_json_are_kept_with_their_lines(area: Area) -> None:
    area.put("a.json", '{"id": 1, "amount": 1.10}\n\n{"id": 2.5}\nbad\n[1]\n{"id": "3"}\n')
    found = area.land(Reading("json", columns=SALE, on_bad_row="reject"))
    assert (found.rows, found.rejected) == (2, 3)
    kept = (area.target / ".alchemesh-rejects" / "a.csv").read_text().splitlines()[1:]
    assert [line.split(",")[1] for line in kept] == ["3", "4", "5"]


def test_objects_of_json_are_checked_inside(area: Area) -> None:
    order = columns(
        id={"type": "integer"},
        lines={
            "type": "array",
            "items": {"type": "object", "properties": {"price": {"type": "number", "precision": 5, "scale": 1}}},
        },
    )
    area.put("a.json", '{"id": 1, "lines": [{"price": 1.5}, {"price": null}, null]}\n{"id": 2}\n')
    area.land(Reading("json", columns=order))
    assert area.rows() == [(1, [{"price": Decimal("1.5")}, {"price": None}, None]), (2, None)]
    for wrong in ('[{"price": 1.55}]', '[{"cost": 1}]', '{"price": 1}', "[1]"):
        area.put("b.json", f'{{"id": 3, "lines": {wrong}}}\n')
        with pytest.raises(SourceFailed, match=r"b\.json:1: column lines: .* is no array"):
            area.land(Reading("json", columns=order))


def test_a_long_number_of_json_fits_a_decimal_exactly(area: Area) -> None:
    area.put("a.json", '{"a": 0.12345678901234567890}\n{"a": 12345678901234567.5}\n')
    area.land(Reading("json", columns=columns(a={"type": "number", "precision": 38, "scale": 20})))
    assert area.rows() == [(Decimal("0.12345678901234567890"),), (Decimal("12345678901234567.5"),)]


def test_a_json_number_that_lands_as_text_keeps_its_spelling(area: Area) -> None:
    area.put("a.json", '{"a": 1.10, "in": {"b": 1E5}, "l": [1.50]}\n{"a": {"b": 1.10}, "in": {"b": "x"}, "l": ["x"]}\n')
    area.put("b.json", '{"a": 2.50}\n{"a": true, "in": {"b": 12345678901234567890}}\n{"a": "1.10"}\n')
    area.land(Reading("json"))
    assert area.rows() == [
        ("1.10", {"b": "1E5"}, ["1.50"]),
        ('{"b":1.10}', {"b": "x"}, ["x"]),
        ("2.50", None, None),
        ("true", {"b": "12345678901234567890"}, None),
        ("1.10", None, None),
    ]


def test_a_json_number_in_a_declared_column_of_text_keeps_its_spelling(area: Area) -> None:
    """`1.10` once landed as `1.1`, and `1E5` as `100000.0`, where the schema says string."""
    text = {"type": "string"}
    declared = columns(
        code=text,
        part={"type": "object", "properties": {"code": text, "size": {"type": "number"}}},
        codes={"type": "array"},
        pieces={"type": "integer"},
    )
    area.put("a.json", '{"code": 1.10, "part": {"code": 2.50, "size": 1.50}, "codes": [1E5, "x"], "pieces": 1}\n')
    area.put("b.json", '{"code": "1.10", "pieces": 2}\n{"code": 7, "pieces": "x"}\n\n{"code": 3.00, "pieces": 1.50}\n')
    done = area.land(Reading("json", on_bad_row="reject", columns=declared))
    assert area.rows() == [
        ("1.10", {"code": "2.50", "size": 1.5}, ["1E5", "x"], 1),
        ("1.10", None, None, 2),
    ]
    assert done.rejected == 2
    (rejects,) = (area.target / ".alchemesh-rejects").iterdir()
    kept = list(csv.DictReader(rejects.read_text("utf-8").splitlines()))
    assert [(row["line"], row["row"]) for row in kept] == [
        ("2", '{"code": 7, "pieces": "x"}'),
        ("4", '{"code": 3.00, "pieces": 1.50}'),
    ], "a rejected row is kept as the file has it"


def test_parquet_fits_a_schema_only_without_loss(area: Area) -> None:
    file = area.source / "a.parquet"
    query = "SELECT 5.0::DOUBLE AS id, TIMESTAMP '2024-05-01 10:00:00' AS at, 1.5::DOUBLE AS amount"
    duckdb.sql(query).write_parquet(str(file))
    wanted = {
        "id": {"type": "integer"},
        "at": {"type": "timestamp"},
        "amount": {"type": "number", "precision": 5, "scale": 2},
    }
    with pytest.raises(SourceFailed, match=r"a\.parquet: row 1: column at: .* is a timestamp without a time zone"):
        area.land(Reading("parquet", columns=columns(**wanted)))
    area.land(Reading("parquet", columns=columns(**wanted), time_zone="Europe/Berlin"))
    assert area.rows() == [(5, MAY, Decimal("1.50"))]
    wanted["amount"]["scale"] = 0
    with pytest.raises(SourceFailed, match=r"column amount: '1\.5' is no number of 5 digits with 0 decimals"):
        area.land(Reading("parquet", columns=columns(**wanted), time_zone="Europe/Berlin"))


def test_the_dialect_of_a_file_is_what_the_port_declares(area: Area) -> None:
    area.put("a.csv", "exported 2024\n'a';'b''c';d\n'1;5';1,5;caf\xe9\n".encode("latin-1"))
    reading = Reading("csv", delimiter=";", quote="'", escape="'", skip_lines=1, encoding="latin-1")
    area.land(reading)
    assert area.rows() == [("1;5", "1,5", "café")]
    declared = columns(
        a={"type": "string"}, b={"type": "number", "column": "b'c", "precision": 5, "scale": 1}, d={"type": "string"}
    )
    area.land(Reading(**{**_options(reading), "decimal_separator": ",", "columns": declared}))
    assert area.rows() == [("1;5", Decimal("1.5"), "café")]
    area.put("a.csv", "exported 2024\n'a';'b''c';d\nx;1.5;y\n")
    with pytest.raises(SourceFailed, match=r"a\.csv:3: column b'c: '1\.5' is no number of 5 digits with 1 decimals"):
        area.land(Reading(**{**_options(reading), "decimal_separator": ",", "columns": declared}))


def _options(reading: Reading) -> dict[str, Any]:
    return {name: getattr(reading, name) for name in reading.__dataclass_fields__}


def test_a_file_without_a_header_takes_the_names_of_the_schema(area: Area) -> None:
    area.put("a.csv", "1,x\n2,y\n")
    area.land(Reading("csv", header=False, columns=columns(id={"type": "integer"}, name={"type": "string"})))
    assert area.rows() == [(1, "x"), (2, "y")]


def test_a_header_with_two_possible_delimiters_asks_for_it(area: Area) -> None:
    """The separator that the header has most once won: 'Doe, J|Roe, R' became three columns."""
    area.put("a.csv", "name, first|name, last\nDoe, J|Roe, R\n")
    with pytest.raises(SourceFailed) as failed:
        area.land(Reading("csv"))
    assert failed.value.message == (
        f"{area.source / 'a.csv'}:1: the delimiter is not clear, the header has ',' and '|': name, first|name, last"
    )
    assert failed.value.hint == "set `delimiter` in the arguments of the port, as in `delimiter: '|'`"
    found = area.land(Reading("csv", delimiter="|"))
    assert [column.name for column in found.columns] == ["name, first", "name, last"]
    assert area.rows() == [("Doe, J", "Roe, R")]


@pytest.mark.parametrize("content", [b'a,b\n1,2\r\n3,"x\r\ny"\n5,6\r\n', b'a,b\r\n1,2\n3,"x\r\ny"\r\n5,6\n'])
def test_mixed_line_ends_are_read(area: Area, content: bytes) -> None:
    """The message once was: The CSV Parser state machine reached an invalid state."""
    area.put("a.csv", content)
    area.land(Reading("csv"))
    assert area.rows() == [("1", "2"), ("3", "x\r\ny"), ("5", "6")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b'a,b\n1,"x"y\n'),
        ("a.csv", b'a,b\r\n1,"x"y\n2,3\r\n'),
        ("a.csv", b"a,b\n1,\xff\n"),
        ("a.csv.gz", gzip.compress(b"a\n1\n", mtime=0)[:-9]),
        ("a.json", b'{"a": 1}{"a": 2}\n'),
        ("a.json", b'{"a": \xff}\n'),
        ("a.parquet", b"PAR1"),
    ],
)
def test_words_of_libraries_never_reach_the_message(area: Area, name: str, content: bytes) -> None:
    area.put(name, content)
    reading: Any = name.split(".")[1]
    with pytest.raises(SourceFailed) as failed:
        area.land(Reading(reading))
    text = f"{failed.value.message} {failed.value.hint}"
    for word in ("nullstr", "state machine", "universal-newline", "sniff", "Possible", "Error", "read_csv", "DuckDB"):
        assert word not in text
    assert name in text


@pytest.mark.parametrize("reading", [Reading("csv"), Reading("csv", columns=columns(a={"type": "string"}))])
def test_a_new_column_is_refused_added_or_ignored_by_rule(area: Area, reading: Reading) -> None:
    area.put("a.csv", "a\n1\n")
    area.land(reading)
    area.put("b.csv", "b,a\n2,3\n")
    with pytest.raises(SourceFailed) as failed:
        area.land(reading)
    assert failed.value.message == (f"{area.source / 'b.csv'}:1: 'b' is not in the schema of the port, which has 'a'")
    area.land(Reading(**{**_options(reading), "on_new_column": "ignore"}))
    assert area.rows() == [("1",), ("3",)]
    found = area.land(Reading(**{**_options(reading), "on_new_column": "add"}))
    assert [column.name for column in found.columns] == ["a", "b"]
    assert area.rows() == [("1", None), ("3", "2")]


def test_a_column_that_a_later_file_adds_is_null_in_the_files_landed_before(area: Area) -> None:
    reading = Reading("csv", on_new_column="add")
    area.put("a.csv", "a\n1\n")
    area.land(reading)
    (area.source / "a.csv").unlink()
    area.put("b.csv", "a,b\n2,3\n")
    area.land(reading)
    assert area.rows("a.parquet") == [("1", None)]
    assert plan_ingestion("*", area.source, area.target, reading).reason() is None


def test_a_missing_column_is_refused(area: Area) -> None:
    area.put("a.csv", "a,b\n1,2\n")
    area.put("b.csv", "a\n1\n")
    with pytest.raises(SourceFailed, match=r"b\.csv:1: the file has no column 'b'; it has 'a'"):
        area.land(Reading("csv"))


def test_another_type_in_a_later_file_is_refused(area: Area) -> None:
    area.put("a.json", '{"a": 1}\n')
    area.land(Reading("json"))
    area.put("b.json", '{"a": 1.5}\n')
    with pytest.raises(SourceFailed, match=r"b\.json: column a is number, and integer in other files") as failed:
        area.land(Reading("json"))
    assert failed.value.hint == "`alchemesh ports infer` proposes a schema that fits all files"


def test_columns_that_differ_only_in_capitals_are_refused(area: Area) -> None:
    area.put("a.csv", "a,A\n1,2\n")
    with pytest.raises(SourceFailed, match=r"a\.csv:1: column 'A' appears twice \(as 'a'\)"):
        area.land(Reading("csv"))


def test_files_of_an_older_version_are_landed_again_and_rows_without_a_source_stay(area: Area) -> None:
    """Earlier versions guessed types file by file, and recorded no schema."""
    for name in ("a", "gone"):
        duckdb.sql("SELECT 17 AS id").write_parquet(str(area.target / f"{name}.parquet"))
    area.put("a.csv", "id\n0017\n")
    info = (area.source / "a.csv").stat()
    old = {"size_bytes": info.st_size, "mtime_ns": info.st_mtime_ns, "rows": 1, "landed_bytes": 1}
    files = {f"{name}.csv": {**old, "target": f"{name}.parquet"} for name in ("a", "gone")}
    record = {"reading": '["csv", "", "NA"]', "landed_at": "2025-01-01T00:00:00Z", "files": files}
    (area.target / ".alchemesh-landing.json").write_text(json.dumps(record))
    reading = Reading("csv")
    assert plan_ingestion("*", area.source, area.target, reading).reason() == "2 files to be read in another way"
    assert area.land(reading).rows == 2
    assert area.types() == {"a.parquet": ["VARCHAR"], "gone.parquet": ["VARCHAR"]}
    assert area.rows() == [("0017",), ("17",)]
    assert observe_landing(area.target).reason == "2 files, 1 row without a source (gone.csv)"
    assert area.land(reading, mirror=True).files == 1
    assert observe_landing(area.target).reason == "1 file"


def test_a_kept_row_that_does_not_fit_the_schema_is_never_lost(area: Area) -> None:
    area.put("a.csv", "id\nx\n")
    area.put("b.csv", "id\n1\n")
    area.land(Reading("csv"))
    (area.source / "a.csv").unlink()
    typed = Reading("csv", columns=columns(id={"type": "integer"}))
    with pytest.raises(SourceFailed, match=r"a\.parquet does not fit the schema .* not there any more") as failed:
        area.land(typed)
    assert str(failed.value.hint).endswith("set `mirror: true`, which removes rows without a source")
    assert area.rows("a.parquet") == [("x",)]
    area.land(typed, mirror=True)
    assert area.rows() == [(1,)]


def test_a_narrower_path_leaves_rows_without_a_source_that_mirror_removes(area: Area) -> None:
    for year in (2023, 2024):
        area.put(f"{year}.csv", f"id\n{year}\n")
    area.land(Reading("csv"))
    ingest("2024*", area.source, area.target, Reading("csv"))
    area.put("2024.csv", "id\n20240\n")
    ingest("2024*", area.source, area.target, Reading("csv"))
    assert observe_landing(area.target).reason == "2 files, 1 row without a source (2023.csv)"
    ingest("2024*", area.source, area.target, Reading("csv"), mirror=True)
    assert area.rows() == [("20240",)]


def test_a_row_of_200_megabytes_takes_bounded_memory(tmp_path: Path) -> None:
    script = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from alchemesh_platform.systems.local.landing.ingestion import ingest\n"
        "from alchemesh_platform.systems.local.landing.reading import Reading\n"
        "source = Path(sys.argv[1])\n"
        "(source / 'a.csv').write_bytes(b'a,b\\n1,' + b'x' * 200_000_000 + b'\\n2,y\\n')\n"
        "(source / 'landing').mkdir()\n"
        "print(ingest('a.csv', source, source / 'landing', Reading('csv')).rows)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows, megabytes = done.stdout.split()
    assert (int(rows), int(megabytes) < 1200) == (2, True), done.stderr
