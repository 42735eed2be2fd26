"""Probes of key-value stores: the file is a database with the table."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from acme_keyvalue.connections import KeyValueAccessConnection
from alchemesh_platform.sdk.probes.probe import NoAnswer, NotProbed, ProbedPort, Probes, Question


class StoreProbes(Probes):
    """Probes of key-value stores."""

    def protocols(self, connection: KeyValueAccessConnection) -> tuple[str, ...]:
        return ("sqlite",)

    def question(self, port: ProbedPort, protocol: str) -> Question:
        path = Path(str(port.connection.sqlite).removeprefix("sqlite://"))
        if not path.is_absolute():
            raise NotProbed("the store is not on this machine")

        def ask(seconds: float) -> None:
            try:
                with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=seconds)) as store:
                    store.execute("SELECT 1 FROM pairs LIMIT 1").fetchall()
            except sqlite3.Error as error:
                raise NoAnswer(str(error)) from None

        return ask


PROBES = StoreProbes()
