"""Clients of PostgreSQL that are not Python's: the driver for Java, and Node's `pg`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from parts import cache
from parts.java import PartFailed, maven

FILES = Path(__file__).parent / "files" / "sql_clients"
_NAMES = ("pom.xml", "Client.java", "client.mjs", "package.json", "package-lock.json")


def prepare() -> Path:
    """The folder of the clients. It is created if it is missing.

    Raises:
        PartFailed: when Maven, the compiler or npm fails.
    """
    return cache.prepared("sql-clients", [(FILES / name).read_bytes() for name in _NAMES], _make)


def missing() -> str | None:
    """A sentence that names a missing program; None if all are installed."""
    absent = [program for program in ("java", "javac", "mvn", "node", "npm") if shutil.which(program) is None]
    return f"there is no {' and no '.join(absent)} on PATH" if absent else None


def java(parts: Path, port: int, user: str, password: str, check: str) -> list[str]:
    """The lines that the client in Java prints for a check."""
    command = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{parts / 'jars'}/*:{parts}", "Client"]
    address = f"jdbc:postgresql://127.0.0.1:{port}/{user}"
    return _run([*command, address, user, check], parts, {"PGPASSWORD": password}).splitlines()


def node(parts: Path, port: int, user: str, password: str, check: str) -> str:
    """The JSON that the client in Node prints for a check."""
    address = f"postgresql://{user}@127.0.0.1:{port}/{user}"
    return _run(["node", "client.mjs", address, check], parts, {"PGPASSWORD": password})


def _make(folder: Path) -> None:
    for name in _NAMES:
        shutil.copy(FILES / name, folder)
    jars = folder / "jars"
    maven("dependency:copy-dependencies", f"-DoutputDirectory={jars}", folder=folder)
    _run(["javac", "-cp", f"{jars}/*", "Client.java"], folder)
    _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder)


def _run(command: list[str], folder: Path, more: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **(more or {})}
    )
    if done.returncode != 0:
        raise PartFailed(f"`{' '.join(command)}` exited with {done.returncode}\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout
