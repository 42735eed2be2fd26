"""TCP ports of this machine that belong to a server of a product, also while the server does not run.

Each reservation is a file that is named after its port, next to the data of all environments. A server that is removed
releases its ports: it gets them back when it is deployed again, unless another server has asked for them by number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from alchemesh_platform.base.files.home import home
from alchemesh_platform.machine.files import storage_errors, write_if_changed

FOLDER = "ports"
_LOCK_FILE = ".lock"


@dataclass(frozen=True, slots=True)
class Reservation:
    """A port and its holder.

    Args:
        port: The port.
        owner: Address of the server's port: ``domain/product/port``.
        environment: Environment of the server.
        use: The setting of the port, such as ``http_port``.
        released: Whether the server was removed.
    """

    port: int
    owner: str
    environment: str | None
    use: str
    released: bool = False

    @property
    def holder(self) -> tuple[str, str | None, str]:
        """The server and the use that the port is reserved for."""
        return self.owner, self.environment, self.use

    def __str__(self) -> str:
        return f"{self.owner} in environment {self.environment}" if self.environment else self.owner


def reservations() -> list[Reservation]:
    """Every reservation, sorted by port."""
    found = (_read(file) for file in _folder().glob("*.json"))
    return sorted((one for one in found if one is not None), key=lambda one: one.port)


def reserved_for(owner: str, environment: str | None, use: str) -> int | None:
    """The port that is reserved for a server, or was when it was removed."""
    return next((one.port for one in reservations() if one.holder == (owner, environment, use)), None)


def held_by_another(port: int, owner: str, environment: str | None) -> Reservation | None:
    """The reservation of a port that a server of another product or environment holds; None if there is none."""
    found = _read(_file(port))
    if found is None or found.released or (found.owner, found.environment) == (owner, environment):
        return None
    return found


def reserve(wanted: Reservation) -> Reservation | None:
    """Reserve a port, and give up other ports that were reserved for the same use.

    Returns:
        The reservation of another holder, which keeps the port; None if the port is reserved now.

    Raises:
        StorageFailed: when the file system refuses.
    """
    with _locked():
        other = held_by_another(wanted.port, wanted.owner, wanted.environment)
        if other is not None:
            return other
        write_if_changed(_file(wanted.port), _text(wanted))
        for one in reservations():
            if one.holder == wanted.holder and one.port != wanted.port:
                _file(one.port).unlink(missing_ok=True)
    return None


def release(owner: str, environment: str | None, *, forget: bool) -> None:
    """Release the ports of a server that is removed.

    Args:
        forget: Whether the server does not get them back when it is deployed again.
    """
    with _locked():
        for one in reservations():
            if (one.owner, one.environment) != (owner, environment):
                continue
            if forget:
                _file(one.port).unlink(missing_ok=True)
            else:
                write_if_changed(_file(one.port), _text(replace(one, released=True)))


@contextmanager
def _locked() -> Iterator[None]:
    """Lock the reservations, so that no other process changes them between a read and a write."""
    from filelock import FileLock

    folder = _folder()
    with storage_errors(f"lock {folder}"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK_FILE)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _folder() -> Path:
    return home() / FOLDER


def _file(port: int) -> Path:
    return _folder() / f"{port}.json"


def _text(reservation: Reservation) -> str:
    return json.dumps(asdict(reservation)) + "\n"


def _read(file: Path) -> Reservation | None:
    """The reservation in a file; None if there is none, or it is unreadable."""
    with suppress(OSError, ValueError, TypeError):
        return Reservation(**json.loads(file.read_bytes()))
    return None
