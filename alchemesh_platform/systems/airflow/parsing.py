"""Reads a team's DAG file in Airflow's own environment before its delivery, so that the old file stays until then."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.systems.airflow.rendering import parser

SECONDS = 120.0


class ParsingFailed(Failure):
    """Raised when a file cannot be read at all, such as without an end."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """The ids of the DAGs of a file, and the tracebacks of what cannot be imported."""

    dags: tuple[str, ...]
    errors: tuple[str, ...]


def parse_dag(python: Path, text: str) -> Parsed:
    """Read a DAG file as Airflow does. Its code runs, as it does in Airflow.

    Args:
        python: The Python of Airflow's environment.
        text: The text of the file.

    Raises:
        ParsingFailed: when the reading does not end.
    """
    with tempfile.TemporaryDirectory(prefix="alchemesh-dag-") as folder:
        file, program = Path(folder, "dag.py"), Path(folder, "parse.txt")
        file.write_text(text, encoding="utf-8")
        program.write_text(parser(), encoding="utf-8")
        passed = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        try:
            done = subprocess.run(
                [str(python), str(program), str(file)],
                env={**passed, "AIRFLOW_HOME": folder, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"},
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ParsingFailed(
                f"the DAG file was read for {SECONDS:.0f} s without an end",
                hint="do no work when the file is imported: Airflow imports it every minute",
            ) from error
        try:
            found = json.loads(done.stdout)
        except ValueError:
            lines = done.stderr.strip().splitlines()
            return Parsed((), ("\n".join(lines[-20:]) or f"the import ended with status {done.returncode}",))
        return Parsed(tuple(found["dags"]), tuple(each.replace(str(file), "dag.py") for each in found["errors"]))
