"""The loss of data that a change causes: the handler reports it, a person allows it, the tree shows it.

The engine carries text only, so a loss is written behind the sentence that reports it. The permission is a file in the
stack's folder, because the provider may run in a process of its own and a person may give it between two runs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LOSS_MARK = "\n\nloss: "
ALLOW_VARIABLE = "ALCHEMESH_ALLOW_DATA_LOSS"  # under plain Pulumi: names of ports, separated by commas
PERMISSION_FILE = "data-loss.json"


@dataclass(frozen=True, slots=True)
class Loss:
    """The data that a change deletes.

    Args:
        rows: Number of rows; None if it is unknown, or if the data is not in rows.
        files: Number of files, for a folder.
    """

    rows: int | None = None
    files: int | None = None


def with_loss(sentence: str, loss: Loss) -> str:
    """A sentence that reports a loss, with the loss behind it; :func:`split_loss` returns both."""
    return f"{sentence}{LOSS_MARK}{json.dumps({'rows': loss.rows, 'files': loss.files})}"


def split_loss(text: str) -> tuple[str, Loss | None]:
    """The sentence of a text from :func:`with_loss`, and the loss; None if the text reports none."""
    sentence, mark, behind = text.partition(LOSS_MARK)
    if not mark:
        return text, None
    try:
        found = json.JSONDecoder().raw_decode(behind)[0]
        rows, files = found["rows"], found.get("files")
    except (ValueError, TypeError, KeyError, AttributeError):
        return text, None
    return sentence, Loss(rows if isinstance(rows, int) else None, files if isinstance(files, int) else None)


@dataclass(frozen=True, slots=True)
class Permission:
    """The ports whose data a run may delete.

    Args:
        components: Resource name of each component of the product: whether its port may lose data.
        everything: Whether each loss is allowed, because the run only previews it.
        removals: Whether a removed resource may delete its data, because the run is asked for nothing else.
    """

    components: Mapping[str, bool]
    everything: bool = False
    removals: bool = False

    def allows(self, name: str) -> bool:
        """Whether a resource may lose data. Its name starts with the name of its component."""
        if self.everything:
            return True
        owners = [owner for owner in self.components if name == owner or name.startswith(f"{owner}-")]
        return bool(owners) and self.components[max(owners, key=len)]

    def write(self, folder: Path) -> None:
        """Give the permission to the provider of a locked stack."""
        document = {"components": dict(self.components), "everything": self.everything, "removals": self.removals}
        (folder / PERMISSION_FILE).write_text(json.dumps(document), "utf-8")


def permission_in(folder: Path | None, environ: Mapping[str, str] = os.environ) -> Permission:
    """The permission of the running operation.

    Args:
        folder: The folder of the stack; None under plain Pulumi, where a variable names the ports. There, the engine's
            own preview shows a removal, and `keepOnDelete: false` alone decides about its data.
    """
    if folder is None:
        ports = environ.get(ALLOW_VARIABLE, "").split(",")
        return Permission({port.strip(): True for port in ports if port.strip()}, removals=True)
    try:
        document = json.loads((folder / PERMISSION_FILE).read_text("utf-8"))
        return Permission(document["components"], document["everything"], document.get("removals") is True)
    except (OSError, ValueError, KeyError, TypeError):
        return Permission({})


def withdraw(folder: Path) -> None:
    """Remove the permission."""
    (folder / PERMISSION_FILE).unlink(missing_ok=True)
