"""The key that encrypts secrets in the state: created once for an environment and never overwritten."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from alchemesh_platform.base.failure import Failure

PASSPHRASE_PROVIDER = "passphrase"  # noqa: S105 a name
# A user who sets one of these variables has their own passphrase.
PASSPHRASE_VARIABLE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 a name
PASSPHRASE_FILE_VARIABLE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105 a name
KEY_BYTES = 32


class KeyLost(Failure):
    """Raised when the key of an encrypted state is missing or is a different one."""


def has_own_passphrase(environ: Mapping[str, str]) -> bool:
    """Whether the user sets the passphrase. An empty one counts, as it does for Pulumi."""
    return PASSPHRASE_VARIABLE in environ or PASSPHRASE_FILE_VARIABLE in environ


def ensure_key(path: Path, *, in_use: bool) -> None:
    """Create the key if it does not exist.

    Args:
        path: File of the key; only its user can read it.
        in_use: Whether the key already encrypts anything. If so, no new key is created.

    Raises:
        KeyLost: when the key is in use and missing.
    """
    if path.exists():
        return
    if in_use:
        raise KeyLost(
            f"the secrets in the state of this environment were encrypted with a key that is missing: {path}",
            hint=f"put the file back from a backup, or set {PASSPHRASE_VARIABLE} to the passphrase that was used",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # only its user can read it
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # A link, not a rename: it fails if another process created the key first. That key is then the valid one.
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink(missing_ok=True)
