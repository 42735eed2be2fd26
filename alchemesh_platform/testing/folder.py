"""The folder of a case: new and empty, with the files that the case names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def case_folder(files: Mapping[str, str]) -> Iterator[str]:
    """A folder with files, removed with the block."""
    with TemporaryDirectory(prefix="conformance-", ignore_cleanup_errors=True) as folder:
        write_files(folder, files)
        yield folder


def write_files(folder: str, files: Mapping[str, str]) -> None:
    """Write files below a folder, by their relative paths."""
    for name, text in files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
