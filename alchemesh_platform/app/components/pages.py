"""Write the pages of components, and keep the text that their authors have added."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alchemesh_platform.base.failure import Failure

BEGIN = "<!-- BEGIN: alchemesh components docs -->"
END = "<!-- END: alchemesh components docs -->"


class NotWritten(Failure):
    """Raised when a page cannot be written."""


def write_pages(pages: Mapping[str, str], folder: Path) -> None:
    """Write pages into a folder, which is created if it is missing.

    An existing page keeps its text above and below the generated part.

    Args:
        pages: The generated texts, by the name of their file.
        folder: The folder.

    Raises:
        NotWritten: when the folder is not writable, or an existing page does not mark a generated part. Then no page is
            written.
    """
    written: dict[Path, str] = {}
    try:
        for name, text in pages.items():
            file = folder / name
            part = f"{BEGIN}\n\n{text.strip()}\n\n{END}"
            written[file] = _replaced(file, part) if file.exists() else f"{part}\n"
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in written.items():
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{error.filename or folder} cannot be written: {error.strerror}"
        raise NotWritten(message, hint="name another folder with `--out`") from error


def _replaced(file: Path, part: str) -> str:
    """The text of an existing page with a new generated part."""
    text = file.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NotWritten(
            f"{file} has text, and no part that is generated",
            hint=f"add the lines `{BEGIN}` and `{END}` where the generated part belongs, or name another folder",
        )
    return f"{before}{part}{after}"
