"""Archives of Java's loaded classes, with which a server starts in a third of the time.

https://docs.oracle.com/en/java/javase/17/docs/specs/man/java.html#application-class-data-sharing
"""

from __future__ import annotations

from pathlib import Path

from parts.cache import READY
from parts.server import Server

_ARCHIVE = "classes.jsa"
_PARTIAL = "classes.partial"  # Java does not start with an archive whose writer was killed
_WRITE_SECONDS = 600.0  # 3 on an idle machine


def class_archive_options(parts: Path) -> list[str]:
    """Options of Java: to use the archive of a part; to create it while the part is prepared."""
    archive = parts / _ARCHIVE
    if archive.is_file():
        return [f"-XX:SharedArchiveFile={archive}"]
    return [] if (parts / READY).is_file() else [f"-XX:ArchiveClassesAtExit={parts / _PARTIAL}"]


def create_class_archive(server: Server) -> None:
    """Start a server of a part that is prepared, and stop it: Java writes the archive then.

    Without an archive, the servers of the part start more slowly.

    Raises:
        PartFailed: when it does not start.
    """
    partial = server.parts / _PARTIAL
    try:
        server.start()
        if server.stop(_WRITE_SECONDS) and partial.is_file():
            partial.rename(server.parts / _ARCHIVE)
    finally:
        server.kill()
        partial.unlink(missing_ok=True)
