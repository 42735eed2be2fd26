"""The program that `spark-submit` starts: it opens a session with the product's tables, and runs the code in it.

``spark-submit driver.py ENTRYPOINT [ARGUMENTS]``, in the folder of the product. The entrypoint is a function, a script,
or a file of SQL statements. The code gets the session with ``SparkSession.builder.getOrCreate()``.
"""

from __future__ import annotations

import importlib
import re
import runpy
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PLACE = re.compile(r"\bline (\d+)[, ]+pos(?:ition)? \d+")


def main(words: list[str]) -> None:
    """Run an entrypoint."""
    from pyspark.logger import PySparkLogger
    from pyspark.sql import SparkSession

    entrypoint, *arguments = words
    sys.path[0] = str(Path.cwd())  # in place of this program's folder
    sys.argv = [entrypoint, *arguments]
    module, _, function = entrypoint.partition(":")
    code = importlib.import_module(module) if function else None  # before the session, so that a mistake shows at once
    session = SparkSession.builder.getOrCreate()
    # It prints the stack of Java for each error of a statement, beside the error.
    PySparkLogger.getLogger("SQLQueryContextLogger").disabled = True
    from alchemesh_platform.sdk.connections.ports import connections
    from alchemesh_platform.systems.spark.tables import register

    register(session, connections())
    if entrypoint.endswith(".sql"):
        run_statements(session, Path(entrypoint))
    elif entrypoint.endswith(".py"):
        runpy.run_path(entrypoint, run_name="__main__")
    else:
        sys.exit(getattr(code, function)())


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a file.

    Args:
        text: The statement, after as many empty lines as the file has lines before it. So Spark counts the lines of
            the file.
        line: Its first line.
    """

    text: str
    line: int


def run_statements(session: Any, file: Path) -> None:
    """Run the statements of a file in their order. A repeated run skips those that it has committed to a Delta table.

    Raises:
        SystemExit: when Spark refuses one: the file, the line and Spark's words.
    """
    from pyspark.errors import PySparkException

    from alchemesh_platform.data.running import current_run

    run = current_run()
    for number, statement in enumerate(statements(session, file.read_text(encoding="utf-8")), start=1):
        if run is not None:  # https://docs.delta.io/latest/delta-batch.html#idempotent-writes
            session.conf.set("spark.databricks.delta.write.txnAppId", f"alchemesh:{file}:{run}")
            session.conf.set("spark.databricks.delta.write.txnVersion", str(number))
        try:
            session.sql(statement.text)
        except PySparkException as error:
            sys.exit(f"error: {place_of(file, statement, str(error))}")


def statements(session: Any, text: str) -> Iterator[Statement]:
    """The statements of a text, as Spark divides it."""
    divide = session._jvm.org.apache.spark.sql.catalyst.util.StringUtils.splitSemiColonWithIndex
    found, at = divide(text, True), 0
    for index in range(found.size()):
        part = found.apply(index)
        start = text.index(part, at)
        at = start + len(part)
        before = text.count("\n", 0, start)
        blank = len(part) - len(part.lstrip())
        if part.strip():
            yield Statement("\n" * before + part, before + part.count("\n", 0, blank) + 1)


def place_of(file: Path, statement: Statement, said: str) -> str:
    """Spark's words about a statement, after the file and the line, without the plan of the query."""
    words = said.strip().split("\n\n", 1)[0].split(";\n", 1)[0]
    found = _PLACE.search(said)
    return f"{file}:{found[1] if found else statement.line}: {words}"


if __name__ == "__main__":
    main(sys.argv[1:])
