"""The state of a serving copy, in a file that the loader writes and that status reads."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from alchemesh_platform.machine.files import write_if_changed


class TableState(BaseModel):
    """The copy of one table."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(description="Name of the table.")
    folder: Path | None = Field(default=None, description="Folder of the Delta table; None for other sources.")
    loaded_at: AwareDatetime | None = Field(default=None, description="When it was loaded; None: not yet.")
    committed_at: AwareDatetime | None = Field(default=None, description="When the loaded state was committed.")
    rows_loading: int | None = Field(default=None, description="Rows loaded so far, while it loads.")
    behind_since: AwareDatetime | None = Field(default=None, description="Since when a newer state is waiting.")
    bytes: int = Field(default=0, description="Size in PostgreSQL, with its indexes.")
    problem: str | None = Field(default=None, description="Why the newer state is not loaded.")
    shows_nul: bool = Field(default=False, description="Whether text holds NUL, which is shown as ␀.")

    def lag_seconds(self, now: datetime) -> float:
        """How long a newer state has been waiting. A table that loads for the first time is not late."""
        if self.behind_since is None or self.loaded_at is None:
            return 0.0
        return max(0.0, (now - self.behind_since).total_seconds())

    def with_commits(self) -> TableState:
        """The same, late since the first commit that is newer than the loaded state, whatever the loader notes.

        A loader that hangs or has ended notes nothing.
        """
        if self.folder is None or self.committed_at is None or self.behind_since is not None:
            return self
        commits = (_changed(log) for log in self.folder.glob("_delta_log/*.json"))
        newer = [when for when in commits if when > self.committed_at]
        return self.model_copy(update={"behind_since": min(newer)}) if newer else self


class CopyState(BaseModel):
    """The copy of a port."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tables: tuple[TableState, ...] = Field(default=(), description="Its tables.")
    max_lag_seconds: float = Field(default=60.0, description="The lag at which it counts as late.")
    max_gigabytes: float | None = Field(default=None, description="The limit of a table's rows.")

    @property
    def loading(self) -> tuple[tuple[str, int], ...]:
        """The tables that load for the first time, with their rows so far: it advances while they load."""
        return tuple((t.name, t.rows_loading or 0) for t in self.tables if t.loaded_at is None and t.problem is None)

    @property
    def blocked(self) -> str | None:
        """The reason why a table has never been loaded; None if each was, or is loading."""
        return next((table.problem for table in self.tables if table.problem and table.loaded_at is None), None)

    @property
    def failure(self) -> str | None:
        """The reason why a table cannot be loaded; None if all can."""
        return next((table.problem for table in self.tables if table.problem is not None), None)

    def first_problem(self, now: datetime | None = None) -> str | None:
        """The reason why the copy is not what its storage holds; None if it is, or will be in time."""
        if self.failure is not None:
            return self.failure
        at = now or datetime.now(UTC)
        for table in self.tables:
            lag = table.lag_seconds(at)
            # A table that loads for the first time is not late: `up` waits for it while it gets on.
            if lag > self.max_lag_seconds and table.loaded_at is not None:
                limit = f"{self.max_lag_seconds:g} s"
                return f"the copy of table {table.name} is {lag:.0f} s behind, more than its limit of {limit}"
        return None

    def lag_seconds(self, now: datetime | None = None) -> float:
        """How long a newer state of any table has been waiting."""
        at = now or datetime.now(UTC)
        return max((table.lag_seconds(at) for table in self.tables), default=0.0)

    def lags(self, now: datetime | None = None) -> dict[str, float]:
        """How long a newer state of each table has been waiting, by table."""
        at = now or datetime.now(UTC)
        return {table.name: table.lag_seconds(at) for table in self.tables}

    def with_commits(self) -> CopyState:
        """The same, with each table's lag measured at its source."""
        return self.model_copy(update={"tables": tuple(table.with_commits() for table in self.tables)})

    def described(self, now: datetime | None = None) -> str:
        """The size and the lag, each with its limit, in short."""
        size = _size(sum(table.bytes for table in self.tables))
        most = f" (limit {self.max_gigabytes:g} GB a table)" if self.max_gigabytes is not None else ""
        lag = self.lag_seconds(now)
        current = f"{lag:.0f} s behind" if lag >= 1 else "current"
        return f"copy of {size}{most}, {current} (limit {self.max_lag_seconds:g} s)"


def read_state(path: Path) -> CopyState | None:
    """The state of a copy; None if there is none."""
    try:
        return CopyState.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def write_state(path: Path, state: CopyState) -> None:
    """Write the state of a copy in one step."""
    write_if_changed(path, state.model_dump_json() + "\n")


def _changed(file: Path) -> datetime:
    """The time of a commit, rounded to microseconds as the loader rounds it."""
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except FileNotFoundError:
        return datetime.fromtimestamp(0, UTC)  # a clean-up of the log removed it


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:  # noqa: PLR2004 - the next unit
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
