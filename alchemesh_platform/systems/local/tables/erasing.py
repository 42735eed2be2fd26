"""Erase rows of a Delta table, in its current version and in the files of former ones."""

from __future__ import annotations

from pathlib import Path

from alchemesh_platform.sdk.system.erasure import NotErasable
from alchemesh_platform.systems.local.tables.delta import (
    TableFailed,
    delta_errors,
    former_files,
    open_table,
    retention_hours,
    table_exists,
)

# A file that belongs to no version is the remains of a killed writer, or a commit that is still being written.
UNFINISHED_HOURS = 1


def count_rows(path: Path, where: str) -> int:
    """The number of rows that a predicate selects in the current version of a table.

    Raises:
        NotErasable: when the predicate does not fit the table; names the columns.
        TableFailed: when the table cannot be read.
    """
    import pyarrow as pa
    from deltalake import QueryBuilder
    from deltalake.exceptions import DeltaError

    if not table_exists(path):
        raise TableFailed(f"there is no table in {path}", hint="`up` creates it again, empty")
    with delta_errors("read", path):
        table = open_table(path)
    columns = ", ".join(field.name for field in table.schema().fields)
    hint = f'the columns are {columns}; a name with capital letters needs double quotes: "orderId" = 7'
    if not where.strip():
        raise NotErasable("the predicate is empty", hint=hint)
    query = f"SELECT count(*) AS n FROM rows WHERE {_whole(where)}"  # noqa: S608 - the user's own predicate
    try:
        answer = pa.RecordBatchReader.from_stream(QueryBuilder().register("rows", table).execute(query)).read_all()
    except (DeltaError, pa.ArrowException) as error:
        reason = " ".join(str(error).split("Valid fields")[0].split()) or type(error).__name__
        raise NotErasable(f"the predicate {where!r} does not fit the table: {reason}", hint=hint) from error
    return int(answer["n"][0].as_py())


def delete_rows(path: Path, where: str) -> None:
    """Delete the rows that a predicate selects, in one commit. Former versions stay readable.

    Raises:
        NotErasable: when the predicate can select rows, and not delete them.
        TableFailed: when the table cannot be changed.
    """
    from deltalake.exceptions import CommitFailedError, DeltaError

    with delta_errors("change", path):
        try:
            open_table(path).delete(_whole(where))
        except CommitFailedError:
            raise
        except DeltaError as error:
            reason = " ".join(str(error).split())
            raise NotErasable(
                f"rows of {path} cannot be deleted by {where!r}: {reason}",
                hint="compare columns with values; a predicate cannot have a query in it",
            ) from error


def remove_former(path: Path) -> int:
    """Remove the files that do not belong to the current version; returns their number.

    A file that belongs to no version stays for an hour: another writer may be about to commit it.

    Raises:
        TableFailed: when a file cannot be removed.
    """
    before = _data_files(path)
    with delta_errors("remove former files of", path):
        open_table(path).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
        open_table(path).vacuum(
            retention_hours=UNFINISHED_HOURS, dry_run=False, enforce_retention_duration=False, full=True
        )
    return len(before - _data_files(path))


def remove_expired(path: Path) -> int:
    """Remove the files of former versions that are older than the retention of a table; returns their number.

    The current version and its readers are not affected. A table without a retention keeps its former versions.

    Raises:
        TableFailed: when a file cannot be removed.
    """
    if not table_exists(path):
        return 0
    with delta_errors("remove former files of", path):
        table = open_table(path)
        hours = retention_hours(table)
        # A vacuum without a file would be two commits for nothing.
        files = former_files(path, table, hours) if hours is not None else []
        if files:
            table.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=True)
    return sum(not file.exists() for file in files)


def _whole(where: str) -> str:
    """A predicate that is read to its end: `delete` ignores what follows an expression.

    It has a line of its own, so that a comment in it does not hide the parenthesis.
    """
    return f"(\n{where}\n)"


def _data_files(path: Path) -> set[Path]:
    return {
        file
        for file in path.rglob("*")
        if file.is_file() and not any(part.startswith((".", "_")) for part in file.relative_to(path).parts)
    }
