"""Issuing credentials at a gateway: for its own product, for the platform's health checks, and for consumers."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.machine.files import write_if_changed
from alchemesh_platform.systems.local.data_api.gateway.consumers import (
    KEPT,
    PROBE,
    Entry,
    locked,
    now,
    read_entry,
    write_entry,
)
from alchemesh_platform.systems.local.data_api.gateway.credentials import (
    CredentialFailed,
    Issued,
    hashes_of,
    new_password,
)
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway, apply, listening
from alchemesh_platform.systems.local.data_api.gateway.scram import matches

PROBE_VALIDITY = timedelta(days=1)


def issue(gateway: Gateway, user: str) -> Issued:
    """Issue a credential to a consumer with access. Its previous credential stops working.

    Raises:
        CredentialFailed: when no such consumer has access here.
        GatewayFailed: when the gateway does not accept it.
    """
    password = new_password()
    (hashes,) = hashes_of(password)
    with locked(gateway.folder):
        entry = read_entry(gateway.folder, user)
        if entry is None:
            raise CredentialFailed(
                f"{gateway.process} has no consumer {user}",
                hint=remedy("{} shows all grants", command("access", "list")),
            )
        write_entry(gateway.folder, entry.model_copy(update={"scram": hashes.scram, "bcrypt": hashes.bcrypt}))
        apply(gateway)
    return Issued(user, password)


def is_good(gateway: Gateway, path: Path) -> bool:
    """Whether the gateway accepts the credential in a file."""
    try:
        kept = json.loads(path.read_bytes())
        entry = read_entry(gateway.folder, kept["user"])
    except (OSError, ValueError, KeyError, TypeError, CredentialFailed):
        return False
    return entry is not None and entry.has_access(now()) and matches(entry.scram or "", kept["password"])


def ensure_own_credentials(gateway: Gateway) -> None:
    """Give the product and the platform's health checks access. Call it with the gateway locked.

    Raises:
        CredentialFailed: when a credential cannot be issued.
    """
    missing = [user for user in KEPT if not is_good(gateway, credential_file(gateway.folder, user))]
    passwords = [new_password() for _ in missing]
    for user, password, hashes in zip(missing, passwords, hashes_of(*passwords), strict=True):
        write_credential(credential_file(gateway.folder, user), Issued(user, password))
        write_entry(
            gateway.folder, Entry(user=user, consumer=gateway.process, scram=hashes.scram, bcrypt=hashes.bcrypt)
        )


def own_credentials_are_kept(gateway: Gateway) -> bool:
    """Whether the product and the platform's health checks have a valid credential."""
    return all(is_good(gateway, credential_file(gateway.folder, user)) for user in KEPT)


def probe_credential(gateway: Gateway, moment: datetime) -> Issued:
    """The credential of the platform's probes: a user of its own, which can only read the tables of this gateway.

    It is issued at the first probe, and a new one replaces it after a day, or when the gateway does not accept it.

    Args:
        moment: The time.

    Raises:
        CredentialFailed: when there is no such gateway on this machine.
        GatewayFailed: when the gateway does not accept it.
    """
    path = credential_file(gateway.folder, PROBE)
    if listening(gateway) is None:
        raise CredentialFailed(f"the gateway of {gateway.process} is not on this machine")
    with locked(gateway.folder):
        if not (is_good(gateway, path) and _is_young(path, moment)):
            issued = Issued(PROBE, new_password())
            (hashes,) = hashes_of(issued.password)
            write_credential(path, issued)
            write_entry(
                gateway.folder, Entry(user=PROBE, consumer=gateway.process, scram=hashes.scram, bcrypt=hashes.bcrypt)
            )
            apply(gateway)
        kept = json.loads(path.read_bytes())
    return Issued(kept["user"], kept["password"])


def _is_young(path: Path, moment: datetime) -> bool:
    return moment.timestamp() - path.stat().st_mtime < PROBE_VALIDITY.total_seconds()


def credential_file(folder: Path, user: str) -> Path:
    """The file of one of a gateway's own credentials."""
    return folder / f"{user}.credential.json"


def write_credential(path: Path, credential: Issued) -> None:
    """Write a credential into a file that only its user can read, for the code that uses it."""
    write_if_changed(path, json.dumps({"user": credential.user, "password": credential.password}) + "\n")
