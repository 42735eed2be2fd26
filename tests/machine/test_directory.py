"""Folders that have an owner."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from alchemesh_platform.machine.directory import (
    OWNER_FILE,
    Contents,
    DirectoryRefused,
    create,
    expired,
    inspect,
    owner_of,
    refusal,
    remove,
    remove_expired,
)
from alchemesh_platform.machine.files import StorageFailed, write_if_changed

OWNER = "aviation/flights/workspace"


def test_a_new_folder_is_created_with_its_parents_and_marked(tmp_path: Path) -> None:
    assert create(tmp_path / "a" / "b", OWNER) is True
    assert owner_of(tmp_path / "a" / "b") == OWNER
    assert inspect(tmp_path / "a" / "b") == Contents(files=0, size_bytes=0)


def test_an_empty_folder_is_adopted(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert create(tmp_path / "a", OWNER) is True


def test_a_folder_of_the_same_owner_is_adopted_with_its_files(tmp_path: Path) -> None:
    create(tmp_path / "a", OWNER)
    (tmp_path / "a" / "data.csv").write_text("1,2")
    assert create(tmp_path / "a", OWNER) is False
    assert inspect(tmp_path / "a") == Contents(files=1, size_bytes=3)


def test_a_folder_of_another_owner_is_refused_and_named(tmp_path: Path) -> None:
    create(tmp_path / "a", "aviation/weather/workspace")
    with pytest.raises(DirectoryRefused, match="belongs to aviation/weather/workspace, not to aviation"):
        create(tmp_path / "a", OWNER)
    assert owner_of(tmp_path / "a") == "aviation/weather/workspace"


def test_an_owner_that_was_renamed_keeps_its_folder(tmp_path: Path) -> None:
    create(tmp_path / "a", "old/name/workspace")
    assert create(tmp_path / "a", OWNER, formerly="old/name/workspace") is False
    assert owner_of(tmp_path / "a") == OWNER


def test_files_of_unknown_origin_are_never_adopted(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DirectoryRefused, match=r"files that alchemesh did not put there \(thesis.txt\)") as refused:
        create(tmp_path, OWNER)
    assert OWNER_FILE in (refused.value.hint or "")


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    assert "is a file, not a folder" in str(refusal(tmp_path / "a", OWNER))


def test_a_parent_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(StorageFailed, match="cannot create"):
        create(tmp_path / "a" / "b", OWNER)


def test_one_of_many_concurrent_owners_gets_a_folder(tmp_path: Path) -> None:
    outcomes: list[str] = []
    ready = threading.Barrier(8)

    def claim(owner: str) -> None:
        ready.wait()
        try:
            create(tmp_path / "a", owner)
            outcomes.append(owner)
        except DirectoryRefused:
            outcomes.append("refused")

    threads = [threading.Thread(target=claim, args=(f"d/p/{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("refused") == 7
    assert owner_of(tmp_path / "a") in outcomes


def test_removing_retains_files_and_mark_by_default(tmp_path: Path) -> None:
    create(tmp_path / "a", OWNER)
    (tmp_path / "a" / "data.csv").write_text("1,2")
    assert remove(tmp_path / "a", OWNER, keep_data=True) == Contents(files=1, size_bytes=3)
    assert create(tmp_path / "a", OWNER) is False
    assert remove(tmp_path / "a", OWNER, keep_data=False) is None
    assert not (tmp_path / "a").exists()


def test_removing_an_empty_folder_leaves_nothing(tmp_path: Path) -> None:
    create(tmp_path / "a", OWNER)
    assert remove(tmp_path / "a", OWNER, keep_data=True) is None
    assert not (tmp_path / "a").exists()


def test_removing_a_missing_or_unmarked_folder_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert remove(tmp_path, OWNER, keep_data=False) is None
    assert remove(tmp_path / "gone", OWNER, keep_data=False) is None
    assert (tmp_path / "thesis.txt").exists()


def test_removing_never_deletes_a_nested_folder_of_another_owner(tmp_path: Path) -> None:
    create(tmp_path / "a", OWNER)
    create(tmp_path / "a" / "b", "d/p/other")
    create(tmp_path / "a" / "c", f"{OWNER}/part")
    with pytest.raises(DirectoryRefused, match="belongs to d/p/other"):
        remove(tmp_path / "a", OWNER, keep_data=False)
    with pytest.raises(DirectoryRefused, match="it is not removed"):
        remove(tmp_path / "a", "somebody/else/here", keep_data=False)
    remove(tmp_path / "a" / "b", "d/p/other", keep_data=False)
    assert remove(tmp_path / "a", OWNER, keep_data=False) is None


def test_files_beyond_retention_are_found_and_removed(tmp_path: Path) -> None:
    create(tmp_path / "a", OWNER)
    old, new = tmp_path / "a" / "old.csv", tmp_path / "a" / "new.csv"
    for file in (old, new):
        file.write_text("1")
    day = 24 * 60 * 60
    os.utime(old, (time.time() - 8 * day,) * 2)
    os.utime(tmp_path / "a" / OWNER_FILE, (time.time() - 8 * day,) * 2)
    assert expired(tmp_path / "a", 7 * day) == [old]
    assert remove_expired(tmp_path / "a", 7 * day) == 1
    assert new.exists()
    assert owner_of(tmp_path / "a") == OWNER


def test_an_unchanged_file_is_not_written_again(tmp_path: Path) -> None:
    assert write_if_changed(tmp_path / "a", "text") is True
    before = (tmp_path / "a").stat().st_mtime_ns
    assert write_if_changed(tmp_path / "a", "text") is False
    assert (tmp_path / "a").stat().st_mtime_ns == before
