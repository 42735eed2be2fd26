"""Deletion vectors in the log of a Delta table: https://github.com/delta-io/delta/blob/master/PROTOCOL.md."""

from __future__ import annotations

import base64
import json
import string
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

MAGIC, WITHOUT_RUNS = 1681511377, 12346
B85 = (string.digits + string.ascii_uppercase + string.ascii_lowercase + "!#$%&()*+-;<=>?@^_`{|}~").encode()
Z85 = (string.digits + string.ascii_lowercase + string.ascii_uppercase + ".-:+=^!/*?&<>()[]{}@%$#").encode()


def vector(rows: Sequence[int]) -> dict[str, Any]:
    """A deletion vector in the log itself, of a few rows by their number in the file."""
    array = struct.pack(f"<{len(rows)}H", *rows)
    # One container of 16 bits, in one bitmap of 32 bits, in an array of them.
    bitmap = struct.pack("<IIHHI", WITHOUT_RUNS, 1, 0, len(rows) - 1, 16) + array
    found = struct.pack("<IQI", MAGIC, 1, 0) + bitmap
    padded = found + b"\0" * (-len(found) % 4)
    text = base64.b85encode(padded).translate(bytes.maketrans(B85, Z85)).decode()
    return {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(found), "cardinality": len(rows)}


def delete_rows(table: Path, rows: Sequence[int]) -> None:
    """Commit the deletion of rows of the only file, as Spark and Fabric do: the file stays."""
    delta = DeltaTable(table)
    versions = range(delta.version() + 1)
    actions = [json.loads(line) for version in versions for line in _lines(table, version)]
    (log,) = [action["add"] for action in actions if "add" in action]
    removed = {"path": log["path"], "dataChange": True, "deletionTimestamp": 1, "size": log["size"]}
    protocol = {
        "minReaderVersion": 3,
        "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors"],
        "writerFeatures": ["deletionVectors"],
    }
    commit = [{"protocol": protocol}, {"remove": removed}, {"add": {**log, "deletionVector": vector(rows)}}]
    file = table / "_delta_log" / f"{delta.version() + 1:020d}.json"
    file.write_text("".join(json.dumps(action) + "\n" for action in commit))


def _lines(table: Path, version: int) -> list[str]:
    return (table / "_delta_log" / f"{version:020d}.json").read_text().splitlines()
