"""State in object storage: locked there, changed in a folder of this machine, and pushed as it changes.

The engine writes its state twice for each resource and waits for both writes. In object storage this takes longer than
creating most resources. So the engine works in a folder of this machine, and we push each state while the engine
continues. If states arrive faster than a push takes, we skip all but the last. The bucket has Pulumi's own layout,
including its locks. A plain `pulumi` on the same bucket sees the same stacks, and each respects the other's locks.

After a killed run, the state in the bucket is at most one push behind the folder. The next run on the same machine
pushes the folder first. A run on another machine resumes from the bucket.

Source: pulumi pkg/backend/diy (lock.go, store.go, state.go)
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.files.writing import write_private
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.folder import StateFolder
from alchemesh_platform.engine.state.lock import Holder, StackLocked, runs_here
from alchemesh_platform.engine.state.object_store import NEW, Conflict, Found, StoreUnusable, open_store, shown, using
from alchemesh_platform.identity.machine import user_name

META = ".pulumi/meta.yaml"  # marks a backend that keeps each project in its own folder
META_TEXT = b"version: 1\n"
HISTORIES_AT_ONCE = 4  # an operation writes three files
OUR_LOCK = "alchemesh.json"  # a fixed name, so that only one process can create it
PUSH_SECONDS = 1.0  # seconds between two pushes; more frequent pushes would slow down the run


class StateNotPushed(Failure):
    """Raised when the result of a run could not be pushed. It is kept on this machine, and the next run pushes it."""


class StateOverwritten(Failure):
    """Raised when another process wrote the state in the bucket while we held its lock."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """The state that this machine last pushed or pulled: its version in the bucket and the digest of its content.

    Args:
        sent: Digests of the states sent since then. The bucket may hold any of them: its response was lost, or we were
            killed before it arrived.
    """

    digest: str | None = None
    version: str = NEW
    sent: tuple[str, ...] = ()


class RemoteState:
    """The state of one stack in a bucket, and its local folder.

    Args:
        stack: The stack, with its backend in object storage.
        local: The same stack, with its backend in a folder.
        report: Receives a line for each finding and repair.
    """

    def __init__(self, stack: Stack, local: Stack, report: Callable[[str], None]) -> None:
        folder = local.state_folder
        if folder is None:
            raise ValueError(f"{local.backend} is no folder")
        self.stack = stack
        self.folder: StateFolder = folder
        self.store = open_store(stack.backend)
        self._report = report
        self._journal = folder.root / "pushed" / stack.project / f"{stack.name}.json"
        self._known = _read_pushed(self._journal)
        self._histories: set[Path] = set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock the state in the bucket, download it, push changes while the block runs, and unlock it.

        Raises:
            StackLocked: when another process holds the lock.
            StateNotPushed: at the end, when the result could not be pushed.
            StateOverwritten: when another process wrote the state despite the lock.
            StoreUnusable: when the bucket cannot be used.
        """
        with using(self.stack.backend):
            self._lock()
        try:
            with using(self.stack.backend):
                self._fetch()
            with self._pushing():
                yield
        except (StateNotPushed, StateOverwritten):
            raise  # keeps the lock, which protects an unpushed state; the next run here recognizes it
        except BaseException:
            self._unlock()
            raise
        else:
            self._unlock()

    def break_locks(self) -> list[str]:
        """Remove every lock in the bucket, whoever holds it; returns a sentence for each removed lock.

        Raises:
            StackLocked: when a run on this machine still holds the lock.
        """
        notes = []
        with using(self.stack.backend):
            for path, holder, _ in self._locks():
                if holder is not None and runs_here(holder):
                    raise StackLocked(self.stack, holder, hint=f"it still runs; end it first: kill -INT {holder.pid}")
                self.store.delete(path)
                notes.append(f"the lock of {holder or 'an unknown run'} in {shown(self.stack.backend)} was removed")
        return notes

    @property
    def _lock_folder(self) -> str:
        return f".pulumi/locks/organization/{self.stack.project}/{self.stack.name}"

    def _lock(self) -> None:
        me = {
            "pid": os.getpid(),
            "username": user_name(),
            "hostname": socket.gethostname(),
            "timestamp": datetime.now(UTC).isoformat(),
            "checkout": str(self.folder.root),
        }
        content = json.dumps(me).encode()
        ours = f"{self._lock_folder}/{OUR_LOCK}"
        for path, holder, checkout in self._locks():
            # The process that worked in our folder has ended, since we hold the folder's own lock.
            left_by_us = holder is not None and holder.is_here and checkout == str(self.folder.root)
            if not left_by_us and (holder is None or not holder.is_here or runs_here(holder)):
                raise self._locked(holder)
            self.store.delete(path)
            self._report(f"an earlier run was killed: {holder}; its lock in {shown(self.stack.backend)} was removed")
        try:
            self.store.write(ours, content, replaces=NEW)
        except Conflict as error:
            found = self.store.read(ours)
            # The lock is ours if the response was lost and the cloud's library sent the request again.
            if found is None or found.content != content:
                raise self._locked(_lock_of(found.content)[0] if found is not None else None) from error
        # Pulumi's lock has another name. Like us, Pulumi creates it and then looks for others, so at least one of us
        # yields.
        others = [holder for path, holder, _ in self._locks() if path != ours]
        if others:
            self.store.delete(ours)
            raise self._locked(others[0])

    def _unlock(self) -> None:
        try:
            with using(self.stack.backend):
                self.store.delete(f"{self._lock_folder}/{OUR_LOCK}")
        except StoreUnusable as error:
            self._report(f"the lock in {shown(self.stack.backend)} could not be removed: {error.message}")

    def _locks(self) -> Iterator[tuple[str, Holder | None, str | None]]:
        """Every lock: its name, its holder and, for our own locks, the holder's folder."""
        for name in self.store.names(f"{self._lock_folder}/"):
            if (found := self.store.read(name)) is not None:
                yield name, *_lock_of(found.content)

    def _locked(self, holder: Holder | None) -> StackLocked:
        hint = remedy(
            "wait until that run has ended; if it was killed or its machine lost, {} removes its lock",
            command("unlock"),
        )
        return StackLocked(self.stack, holder, hint=hint)

    def _fetch(self) -> None:
        """Download the state into the folder, or push what a killed run left in the folder."""
        name, found = self._remote_state()
        remote = Pushed(_digest(found.content), found.version) if found is not None else Pushed()
        if remote.digest in self._known.sent:
            self._remember(remote)
        here = self._local_content()
        unpushed = here is not None and _digest(here) != self._known.digest
        if unpushed and remote == replace(self._known, sent=()):
            self._push()
            self._report(f"pushed the state that an earlier run had not pushed to {shown(self.stack.backend)}")
            return
        if unpushed:
            aside = self._put_aside()
            self._report(
                f"the state in {shown(self.stack.backend)} was changed by another machine; "
                f"this machine's copy is kept as {aside}"
            )
        if found is None:
            self._put_aside()
        elif here is None or unpushed or _digest(here) != remote.digest:
            file = self.folder.file.with_name(name.rpartition("/")[2])
            _write_bytes(file, found.content)
        self._remember(remote)

    def _remote_state(self) -> tuple[str, Found | None]:
        """The name and content of the state in the bucket, compressed or not."""
        base = f".pulumi/stacks/{self.stack.project}/{self.stack.name}.json"
        for name in (base, f"{base}.gz"):
            if (found := self.store.read(name)) is not None:
                return name, found
        return base, None

    @contextmanager
    def _pushing(self) -> Iterator[None]:
        """Push each new state while the block runs, and the last one at its end."""
        self._histories = set(self._history_files())
        ended = threading.Event()
        failures: list[Exception] = []

        def push_on() -> None:
            while not ended.wait(PUSH_SECONDS):
                try:
                    self._push()
                    failures.clear()
                except StateOverwritten as error:
                    failures.append(error)
                    return
                except Exception as error:  # noqa: BLE001 it is tried again, and reported at the end if it persists
                    failures.append(error)

        pusher = threading.Thread(target=push_on, name="state-push", daemon=True)
        pusher.start()
        try:
            yield
        finally:
            ended.set()
            pusher.join()
            self._push_last(failures)

    def _push_last(self, failures: list[Exception]) -> None:
        if failures and isinstance(failures[-1], StateOverwritten):
            raise failures[-1]
        try:
            with using(self.stack.backend):
                self._push()
                with ThreadPoolExecutor(max_workers=HISTORIES_AT_ONCE) as helpers:
                    list(helpers.map(self._push_file, set(self._history_files()) - self._histories))
        except (StoreUnusable, OSError) as error:
            raise StateNotPushed(
                f"the state of this run could not be pushed: {error}",
                hint=f"it is kept in {self.folder.file}, and the next run from this machine pushes it",
            ) from error

    def _push(self) -> None:
        """Push the state in the folder, unless it is the one that was pushed last.

        Raises:
            StateOverwritten: when the state in the bucket is not the one that was pushed last.
        """
        content = self._local_content()
        digest = _digest(content) if content is not None else None
        if content is None or digest == self._known.digest:
            return
        if self._known.digest is None and self.store.read(META) is None:
            self.store.write(META, META_TEXT)
        name = self.folder.file.relative_to(self.folder.root).as_posix()
        self._remember(replace(self._known, sent=tuple(dict.fromkeys((*self._known.sent, str(digest))))))
        try:
            version = self._replace(name, content)
        except Conflict as error:
            raise StateOverwritten(
                f"another process wrote the state of {self.stack} in {shown(self.stack.backend)} during this run",
                hint=remedy(
                    "the state of this run is in {}; run {} to bring both together",
                    self.folder.file,
                    command("refresh"),
                ),
            ) from error
        self._remember(Pushed(digest, version))

    def _replace(self, name: str, content: bytes) -> str:
        """Replace the state that was pushed last, or one that was sent since without a response.

        Returns:
            The new version of the object.

        Raises:
            Conflict: when the bucket holds another state.
        """
        try:
            return self.store.write(name, content, replaces=self._known.version)
        except Conflict:
            # S3 also reports a conflict while it still processes an abandoned request. The object is then unchanged.
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html, 409 Conflict
            found = self.store.read(name)
            if found is None or not (
                found.version == self._known.version or _digest(found.content) in self._known.sent
            ):
                raise
            if found.content == content:
                return found.version
            return self.store.write(name, content, replaces=found.version)

    def _push_file(self, file: Path) -> None:
        self.store.write(file.relative_to(self.folder.root).as_posix(), file.read_bytes())

    def _history_files(self) -> Iterator[Path]:
        """The engine's history of operations, next to the state."""
        for kind in ("history", "backups"):
            folder = self.folder.root / ".pulumi" / kind / self.stack.project / self.stack.name
            yield from (file for file in folder.glob("*") if file.is_file())

    def _local_content(self) -> bytes | None:
        try:
            return self.folder.file.read_bytes()
        except FileNotFoundError:
            return None

    def _put_aside(self) -> Path | None:
        """Move the state out of the folder, and keep it."""
        file = self.folder.file
        if not file.exists():
            return None
        aside = file.with_name(f"{file.name}.{datetime.now(UTC):%Y%m%dT%H%M%S}.unpushed")
        return file.replace(aside)

    def _remember(self, pushed: Pushed) -> None:
        self._known = pushed
        write_private(self._journal, json.dumps(asdict(pushed)))


def _lock_of(content: bytes) -> tuple[Holder | None, str | None]:
    try:
        found = json.loads(content)
        holder = Holder(found["username"], found["hostname"], int(found["pid"]), found["timestamp"])
        return holder, found.get("checkout")
    except (ValueError, KeyError, TypeError):
        return None, None


def _read_pushed(journal: Path) -> Pushed:
    try:
        found = json.loads(journal.read_bytes())
        return Pushed(found["digest"], found["version"], tuple(found.get("sent", ())))
    except (OSError, ValueError, TypeError, KeyError):
        return Pushed()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write_bytes(file: Path, content: bytes) -> None:
    """Write in one step: a killed process leaves the old file or the new one."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.pulled")
    beside.write_bytes(content)
    beside.replace(file)
