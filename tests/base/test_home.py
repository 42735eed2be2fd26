"""The folder of the platform is below the folder that platformdirs gives for the data of a user."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import pytest

from alchemesh_platform.base.files.home import HOME_VARIABLE, home
from alchemesh_platform.base.files.writing import write_text


@pytest.mark.parametrize(
    "chosen",
    [
        {"HOME": "/home/amelia"},
        {"HOME": "/home/amelia", "XDG_DATA_HOME": "/data/amelia"},
        {"HOME": "/home/amelia", "XDG_DATA_HOME": ""},
        {"HOME": "/home/amelia", "XDG_DATA_HOME": "relative"},
        {"HOME": "relative"},
        {"HOME": ""},
        {},
    ],
    ids=str,
)
def test_the_folder_is_the_one_of_platformdirs(chosen: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_DATA_HOME", HOME_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    assert home(os.environ) == platformdirs.user_data_path("alchemesh", appauthor=False)


def test_the_variable_comes_first(tmp_path: Path) -> None:
    assert home({HOME_VARIABLE: str(tmp_path), "XDG_DATA_HOME": "/data"}) == tmp_path


def test_a_pipe_or_device_gets_a_text_and_is_not_replaced(tmp_path: Path) -> None:
    """`report --html /dev/full` replaced the device of the machine by a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_text(pipe, "page", mode=0o644)
        assert os.read(reader, 10) == b"page"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
