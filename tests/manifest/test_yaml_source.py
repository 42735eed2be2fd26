"""Reading YAML: the place of each value, and unreadable files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alchemesh_platform.base.problems import Location, ProblemsFound
from alchemesh_platform.documents import yaml_source
from alchemesh_platform.documents.yaml_source import DEPTH_MAX, SIZE_MAX, parse, read_document


def problem_of(path: Path) -> str:
    with pytest.raises(ProblemsFound) as found:
        read_document(path, "alchemesh.yaml")
    assert len(found.value.problems) == 1
    return str(found.value.problems[0])


def test_every_value_and_key_knows_its_place() -> None:
    tree, problems = parse("a: 1\nb:\n  - x\n  - {c: d,  e: [f]}\n", "file.yaml")
    assert not problems
    assert tree.plain() == {"a": 1, "b": ["x", {"c": "d", "e": ["f"]}]}
    assert tree.locate(()) == Location("file.yaml", 1, 1)
    assert tree.locate(("a",)) == Location("file.yaml", 1, 4)
    assert tree.locate(("b", 1)) == Location("file.yaml", 4, 5)
    assert tree.locate(("b", 1, "e", 0)) == Location("file.yaml", 4, 17)
    item = tree.get("b", 1, "e")
    assert item is not None
    assert item.key_location == Location("file.yaml", 4, 13)


def test_place_of_a_missing_value_is_the_nearest_parent() -> None:
    tree, _ = parse("a:\n  b: [1]\n", "file.yaml")
    assert tree.locate(("a", "b", 7, "c")) == tree.locate(("a", "b"))
    assert tree.locate(("z",)) == tree.locate(())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("190:20:30", "190:20:30"),
        ("2024-01-31", "2024-01-31"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.2.0", "1.2.0"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("=", "="),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    tree, problems = parse(f"a: {text}\n", "file.yaml")
    assert not problems
    found = tree.keys["a"].value
    assert found == value
    assert type(found) is type(value)


def test_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "alchemesh.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: b\n")
    tree, _ = read_document(path)
    assert tree.plain() == {"a": "b"}
    assert tree.locate(("a",)).column == 4


def test_missing_file(tmp_path: Path) -> None:
    assert problem_of(tmp_path / "alchemesh.yaml") == "alchemesh.yaml:1:1  no such file"


def test_missing_file_names_its_neighbour_with_the_other_ending(tmp_path: Path) -> None:
    (tmp_path / "alchemesh.yml").write_text("a: b\n")
    assert "hint: there is alchemesh.yml: rename it to alchemesh.yaml" in problem_of(tmp_path / "alchemesh.yaml")


def test_folder(tmp_path: Path) -> None:
    assert problem_of(tmp_path) == "alchemesh.yaml:1:1  found a folder, expected a file"


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert problem_of(tmp_path / "pipe") == "alchemesh.yaml:1:1  found no regular file, expected one"


def test_path_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a: b\n")
    assert "cannot be read: Not a directory" in problem_of(tmp_path / "file" / "alchemesh.yaml")


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert "cannot be read: Too many levels of symbolic links" in problem_of(tmp_path / "a")


def test_path_with_a_null_character(tmp_path: Path) -> None:
    assert "cannot be read: embedded null byte" in problem_of(tmp_path / "a\0b")


def test_text_that_is_not_utf_8_names_its_byte(tmp_path: Path) -> None:
    path = tmp_path / "alchemesh.yaml"
    path.write_bytes("name: flights\ndescription: Düsseldorf\n".encode("latin-1"))
    assert problem_of(path) == (
        "alchemesh.yaml:2:15  found the byte 0xFC, expected text in UTF-8\n\nhint: save the file as UTF-8"
    )


def test_utf_16_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "alchemesh.yaml"
    path.write_text("name: flights\n", encoding="utf-16")
    assert "expected text in UTF-8" in problem_of(path)


@pytest.mark.parametrize("sign", ["\0", "\x07", "\x7f", "\ufffe"])
def test_control_character_names_its_place(tmp_path: Path, sign: str) -> None:
    path = tmp_path / "alchemesh.yaml"
    path.write_text(f"name: flights\ndomain: avi{sign}ation\n", encoding="utf-8")
    assert problem_of(path).startswith(f"alchemesh.yaml:2:12  found the control character U+{ord(sign):04X}")


def test_too_large_a_file_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "alchemesh.yaml"
    path.write_bytes(b"a: " + b"b" * SIZE_MAX)
    assert problem_of(path) == "alchemesh.yaml:1:1  found more than 4 MB, expected at most that"


def test_largest_file_is_parsed() -> None:
    text = "b" * (SIZE_MAX - 3)
    tree, problems = parse(f"a: {text}", "file.yaml")
    assert (tree.plain(), problems) == ({"a": text}, [])


@pytest.mark.parametrize("text", ["a: " + "[" * 100_000, "a: " + "{a: " * 100_000, "a:\n" + "- " * 100_000])
def test_depth_is_bounded_however_deep(text: str) -> None:
    with pytest.raises(ProblemsFound, match="found more than 64 levels"):
        parse(text, "file.yaml")


def test_deepest_document_is_read() -> None:
    inner = DEPTH_MAX - 1
    tree, problems = parse(f"a: {'[' * inner}{']' * inner}", "file.yaml")
    assert not problems
    assert tree.get("a") is not None


def test_number_of_values_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_source, "NODES_MAX", 10)
    with pytest.raises(ProblemsFound, match="found more than 10 values"):
        parse(f"a: [{'1, ' * 10}]", "file.yaml")


def test_aliases_cannot_multiply_a_document() -> None:
    laughs = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [*{before}, *{before}]\n" for before, name in zip("ab", "bc", strict=True)
    )
    tree, problems = parse(laughs, "file.yaml")
    assert tree.plain() == {"a": ["x", "x"], "b": [None, None], "c": [None, None]}
    assert [problem.path for problem in problems] == ["b[0]", "b[1]", "c[0]", "c[1]"]


def test_all_duplicate_keys_name_the_first() -> None:
    _, problems = parse("a: 1\na: 2\na: 3\n", "file.yaml")
    assert [str(problem.location) for problem in problems] == ["file.yaml:2:1", "file.yaml:3:1"]
    assert all(problem.hint and "file.yaml:1:1" in problem.hint for problem in problems)


def test_message_repeats_no_control_character() -> None:
    _, problems = parse('"\\e[31mred": 1\n"\\e[31mred": 2\n', "file.yaml")
    assert "\x1b" not in str(problems[0])


def test_file_is_shown_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "product").mkdir()
    monkeypatch.chdir(tmp_path / "product")
    assert yaml_source.shown(tmp_path / "product" / "alchemesh.yaml") == "alchemesh.yaml"
    assert yaml_source.shown(tmp_path / "platform.yaml") == str(Path("..") / "platform.yaml")
    assert yaml_source.shown(Path("/etc/hosts")) == "/etc/hosts"
