"""The key that encrypts secrets in the state: made once for an environment, never written over."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from alchemesh_platform.base.failure import Failure

PASSPHRASE_PROVIDER = "passphrase"  # noqa: S105 a name
# A user who has one of these set has a passphrase of their own.
PASSPHRASE_VARIABLE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 a name
PASSPHRASE_FILE_VARIABLE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105 a name
KEY_BYTES = 32


class KeyLost(Failure):
    """Raised when state was encrypted with a key that is not there any more, or with another one."""


def has_own_passphrase(environ: Mapping[str, str]) -> bool:
    """Whether the user brings the passphrase. An empty one counts, as it does for Pulumi."""
    return PASSPHRASE_VARIABLE in environ or PASSPHRASE_FILE_VARIABLE in environ


def ensure_key(path: Path, *, in_use: bool) -> None:
    """Make the key where there is none.

    Args:
        path: File of the key; only its user can read it.
        in_use: Whether anything is encrypted with it: then no new key is created.

    Raises:
        KeyLost: when it is in use and not there.
    """
    if path.exists():
        return
    if in_use:
        raise KeyLost(
            f"the secrets in the state of this environment were encrypted with a key that is not there: {path}",
            hint=f"put the file back from a backup, or set {PASSPHRASE_VARIABLE} to the passphrase that was used",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # for its user only, from the start
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # A link, not a rename: it fails where another process was first, whose key is then the one.
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink(missing_ok=True)
