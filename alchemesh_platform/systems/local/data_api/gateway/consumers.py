"""The consumers of a data API: one small file for each, in the folder of its gateway.

A file holds the consumer, the end of its access, and the hashes of its credential; without hashes it gives no access.
Writing one never affects another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from alchemesh_platform.machine.files import storage_errors, write_if_changed
from alchemesh_platform.sdk.probes.probe import IDENTITY
from alchemesh_platform.systems.local.data_api.gateway.credentials import USER_MAX, CredentialFailed

OWNER = "owner"  # the product itself
HEALTH = "health"  # the platform's health check
PROBE = IDENTITY  # the platform's probes, which ask as a consumer; it has a credential from the first probe on
KEPT = (OWNER, HEALTH)  # every gateway has their credentials
OWN = (*KEPT, PROBE)
_FOLDER = "consumers"
DEPARTED_FOLDER = "departed"  # consumers whose access was revoked: their requests may not be counted yet
_LOCK_FILE = ".lock"


class Entry(BaseModel):
    """One consumer with access."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=USER_MAX, description="User name at the data API.")
    consumer: str = Field(description="Address of the requester.")
    request: str | None = Field(default=None, description="Request that it answers; None: made by hand, or our own.")
    ends_at: AwareDatetime | None = Field(default=None, description="When access ends; None: not by itself.")
    scram: str | None = Field(default=None, pattern=r'^SCRAM-SHA-256\$[^"\s]+$', description="Hash of the credential.")
    bcrypt: str | None = Field(default=None, pattern=r"^\$2[aby]\$\S+$", description="Hash of the credential.")
    ended_at: AwareDatetime | None = Field(
        default=None, description="The end that has passed: a clock that is set back later does not give access again."
    )

    member: str | None = Field(default=None, description="Member of the requester who holds it.")
    expires_at: AwareDatetime | None = Field(default=None, description="When the credential expires.")

    @property
    def ends(self) -> datetime | None:
        """When access or the credential ends, whichever is first; None if neither ends by itself."""
        return min((end for end in (self.ends_at, self.expires_at) if end is not None), default=None)

    def without_credential(self) -> Entry:
        """The same consumer, without a credential: it keeps its grant and has no access."""
        return self.model_copy(update={"scram": None, "bcrypt": None, "expires_at": None})

    def has_access(self, now: datetime) -> bool:
        """Whether it has a valid credential at this time."""
        return self.scram is not None and self.bcrypt is not None and not self.has_ended(now)

    def has_ended(self, now: datetime) -> bool:
        """Whether its end has passed, now or at an earlier look."""
        return self.ends is not None and (now >= self.ends or self.ended_at == self.ends)

    @property
    def by_hand(self) -> bool:
        """Whether a person added it: neither the platform nor a grant created it."""
        return self.request is None and self.user not in OWN


def read_entries(gateway: Path) -> list[Entry]:
    """Every consumer of a gateway, by user name; an unreadable file gives no access."""
    return _read_all(gateway)[0]


def settled_entries(gateway: Path, now: datetime) -> list[Entry]:
    """Every consumer of a gateway. Records the ends that have passed. Call it with the gateway locked."""
    for entry in read_entries(gateway):
        if entry.has_ended(now) and entry.ended_at != entry.ends:
            write_entry(gateway, entry.model_copy(update={"ended_at": entry.ends}))
    return read_entries(gateway)


def unreadable_entries(gateway: Path) -> list[str]:
    """The problems of unreadable files, with their paths."""
    return _read_all(gateway)[1]


def read_entry(gateway: Path, user: str) -> Entry | None:
    """One consumer; None if there is none with this name."""
    path = gateway / _FOLDER / f"{user}.json"
    with storage_errors(f"read {path}"):
        return _read(path) if path.is_file() else None


def write_entry(gateway: Path, entry: Entry) -> bool:
    """Write one consumer; returns whether anything changed."""
    return write_if_changed(gateway / _FOLDER / f"{entry.user}.json", entry.model_dump_json(indent=1) + "\n")


def read_departed(gateway: Path) -> list[Entry]:
    """The consumers that were removed, without their credentials."""
    return _read_all(gateway, DEPARTED_FOLDER)[0]


def remove_entry(gateway: Path, user: str) -> None:
    """Remove one consumer, and note to whom the user name belonged. Does nothing if there is none."""
    path = gateway / _FOLDER / f"{user}.json"
    with storage_errors(f"remove {path}"):
        if path.is_file():
            with suppress(CredentialFailed):  # an unreadable file
                noted = _read(path).without_credential()
                write_if_changed(gateway / DEPARTED_FOLDER / path.name, noted.model_dump_json(indent=1) + "\n")
        path.unlink(missing_ok=True)


def next_end(entries: list[Entry], now: datetime) -> datetime | None:
    """The time at which the next access expires; None if no access expires."""
    return min((entry.ends for entry in entries if entry.ends and entry.has_access(now)), default=None)


def now() -> datetime:
    """The time that decides whether access has ended."""
    return datetime.now(UTC)


@contextmanager
def locked(gateway: Path) -> Iterator[None]:
    """Lock a gateway, so that no other process changes it between a read and a write."""
    from filelock import FileLock

    with storage_errors(f"lock {gateway}"):
        gateway.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(gateway / _LOCK_FILE)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _read_all(gateway: Path, folder: str = _FOLDER) -> tuple[list[Entry], list[str]]:
    entries, problems = [], []
    with storage_errors(f"read {gateway / folder}"):
        for path in sorted((gateway / folder).glob("*.json")):
            try:
                entries.append(_read(path))
            except CredentialFailed as error:
                problems.append(error.message)
    return entries, problems


def _read(path: Path) -> Entry:
    try:
        entry = Entry.model_validate_json(path.read_bytes())
    except ValidationError as error:
        # Leave out the text of the error, since it would show the content of the file.
        where = ", ".join(".".join(map(str, problem["loc"])) or "the document" for problem in error.errors())
        raise CredentialFailed(
            f"{path}: {where} is not as expected", hint="correct or remove it: it gives no access"
        ) from None
    if entry.user != path.stem:
        raise CredentialFailed(f"{path}: it is of user {entry.user!r}", hint=f"name it {entry.user}.json, or remove it")
    return entry


def secrets_of(entries: Iterable[Entry]) -> dict[str, str]:
    """The hash of each user's credential."""
    return {entry.user: entry.scram for entry in entries if entry.scram is not None}
